"""Values or tokens of the training data as indices of a vocabulary."""

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar

from pydantic import Field as ConfigField

from tinynet.builtin.transforms._number_vocabulary import NumberVocabulary
from tinynet.builtin.transforms._numbers import RNGs
from tinynet.builtin.transforms._text_vocabulary import UNKNOWN as UNKNOWN
from tinynet.builtin.transforms._text_vocabulary import Side, TextVocabulary
from tinynet.builtin.transforms._tokens import Sizes, Tokenizer, Unit
from tinynet.dataset import TEXT, Field
from tinynet.errors import DataError
from tinynet.text.mistakes import AlsoCalled
from tinynet.text.wording import format_list
from tinynet.transform import (
    OnnxGraph,
    State,
    TransformConfig,
)
from tinynet.types import Array

_FOR_ANY = {"on", "max_size", "min_count"}
"""Options for numbers as well as for text."""


class Vocabulary:
    """The index of each value, or of each token of a text, among those of the training data.

    Whole numbers (N, ...) -> (N, ...), int64. Index 0, ``[UNK]``, stands for every value that the
    training data lack, or that `max_size` or `min_count` leaves out.

    Texts (N, ...) -> (N, ..., length), int64. Index 0, ``[PAD]``, is padding, so that the layer
    `sequence_mask` finds the tokens; index 1 is ``[UNK]``. A text longer than ``length`` is cut.

    The other indices are in ascending order of the values, or of the code points of the tokens.
    All arrays of ``on`` have one vocabulary. The indices are classes: tokens, characters, or names
    of the values.

    State: for numbers ``values``, (V - 1,), int64: the value of index i is ``values[i - 1]``. For
    texts ``tokens_bytes`` and ``tokens_offsets``, the V - 2 tokens in UTF-8; ``length``, (), int64.

    Raises:
        DataError: for an array that holds neither whole numbers nor text.
    """

    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"field": Field((2,), "int64"), "samples": [[1, 2], [5, 2], [2, 2], [1, 5]]},
        {
            "field": Field((), TEXT),
            "samples": ["The cat sat.", "A dog!", "the cat's dog", "", "a b c d e"],
            "options": {"unit": "word"},
        },
    )
    shared_state = True
    takes_text = True

    class Config(TransformConfig):
        """Parameters of `vocabulary`."""

        max_size: int | None = ConfigField(
            default=None,
            ge=2,
            description="Most indices, that of unknown values (and of padding, for text) included;"
            " the most frequent values have one. By default all values.",
        )
        min_count: int = ConfigField(
            default=1,
            ge=1,
            description="Least occurrences, in the arrays of all training samples, of a value with"
            " an index of its own.",
        )
        unit: Annotated[Unit, AlsoCalled(("split", "level", "tokenizer", "analyzer"))] = (
            ConfigField(
                default="word",
                description="The unit of text. 'word': words and punctuation marks. 'whitespace':"
                " what white space separates. 'character': code points. 'byte': bytes of UTF-8.",
            )
        )
        lower: Annotated[bool | None, AlsoCalled(("lowercase", "standardize"))] = ConfigField(
            default=None,
            description="Turn text into lower case first; by default only for the unit 'word'.",
        )
        ngrams: Annotated[Sizes, AlsoCalled(("ngram_range",))] = ConfigField(
            default=(1, 1),
            description="The least and the most units of text that make a token: [1, 2] takes each"
            " word, and then each pair of words.",
        )
        length: Annotated[
            int | None, AlsoCalled(("output_sequence_length", "maxlen", "max_length"))
        ] = ConfigField(
            default=None,
            ge=1,
            description="Tokens of a text, after padding and truncation; by default those of the"
            " longest training sample, or `percentile`.",
        )
        percentile: float = ConfigField(
            default=100.0,
            gt=0,
            le=100,
            description="Percentage of training samples that are not truncated, where `length` is"
            " left out.",
        )
        padding: Side = ConfigField(
            default="post", description="Side of a short text that is padded: its end or its start."
        )
        truncation: Annotated[Side, AlsoCalled(("truncating",))] = ConfigField(
            default="post", description="Side of a long text that is cut off: its end or its start."
        )

    def __init__(self, config: Config) -> None:
        lower = config.unit == "word" if config.lower is None else config.lower
        self._numbers = NumberVocabulary(config.max_size, config.min_count)
        self._texts = TextVocabulary(
            Tokenizer(config.unit, lower, config.ngrams),
            config.max_size,
            config.min_count,
            config.length,
            config.percentile,
            config.padding,
            config.truncation,
        )
        fields = type(config).model_fields
        self._of_text = sorted(
            name
            for name in fields.keys() - _FOR_ANY
            # A resolved spec has all defaults.
            if getattr(config, name) != fields[name].default
        )

    def describe(self, field: Field) -> Field:
        if field.dtype == TEXT:
            return self._texts.describe(field)
        described = self._numbers.describe(field)
        if self._of_text:
            raise DataError(
                f"this array holds {field.dtype}, and {format_list(self._of_text)} of vocabulary"
                f" {'is' if len(self._of_text) == 1 else 'are'} for text; leave"
                f" {'it' if len(self._of_text) == 1 else 'them'} out"
            )
        return described

    def fitted_field(self, field: Field, state: State) -> Field:
        if field.dtype == TEXT:
            return self._texts.fitted_field(field, state)
        return self._numbers.fitted_field(field, state)

    def fit(self, field: Field, batches: Iterable[Array]) -> State:
        if field.dtype == TEXT:
            return self._texts.fit(batches)
        return self._numbers.fit(field, batches)

    def apply(self, state: State, batch: Array, rng: RNGs, training: bool) -> Array:
        if batch.dtype == object:
            return self._texts.apply(state, batch)
        return self._numbers.apply(state, batch)

    def invert(self, state: State, batch: Array) -> Array:
        """Return the values of indices; that of unknown ones is -1. For text, return the tokens."""
        if "length" in state:
            return self._texts.invert(state, batch)
        return self._numbers.invert(state, batch)

    def to_onnx(self, graph: OnnxGraph, state: State, field: Field, x: str) -> str | None:
        if field.dtype == TEXT:
            return None
        return self._numbers.to_onnx(graph, state, field, x)
