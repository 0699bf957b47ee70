"""Occurrences of the tokens of a text."""

from pydantic import Field as ConfigField

from tinynet.builtin.transforms._terms import TermConfig, Terms
from tinynet.transform import State
from tinynet.types import Array


class BagOfWords(Terms):
    """The number of occurrences of each token of the training data in a text.

    (N, ...) texts -> (N, ..., V), float32. Tokens that the training data lack count nowhere; the
    others are features in ascending order of their code points.

    State: ``tokens_bytes`` and ``tokens_offsets``, the V tokens in UTF-8.

    Raises:
        DataError: for an array that is not text.
    """

    spec_name = "bag_of_words"

    class Config(TermConfig):
        """Parameters of `bag_of_words`."""

        binary: bool = ConfigField(
            default=False, description="Set every count above 0 to 1: the token occurs, or not."
        )

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.binary = config.binary

    def values(self, state: State, columns: Array, counts: Array) -> Array:
        return counts.clip(max=1) if self.binary else counts
