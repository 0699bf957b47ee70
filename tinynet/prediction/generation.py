"""Text that a network writes: each value is drawn from its predictions after those before."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tinynet.engine import losses
from tinynet.engine.numeric_context import in_numeric_context
from tinynet.engine.threads import threads_to_use
from tinynet.errors import DataError, UsageError
from tinynet.network.one_position import build_one_position
from tinynet.prediction.sampling import Sampling, is_integer
from tinynet.prediction.sequence_checks import require_causal, unequal_nodes
from tinynet.prediction.sequence_outputs import SequenceOutputs, SinglePositions, WholeWindows
from tinynet.prediction.text_encoding import text_encoding
from tinynet.text.options import option
from tinynet.text.wording import format_list
from tinynet.types import Array

if TYPE_CHECKING:
    from tinynet.prediction.model import Model


class TextGenerator:
    """Continues texts with a trained network.

    A text that exceeds the window of T positions continues from the second half of the window,
    which becomes the first half of the next one; networks whose layers have `any_length` read the
    whole text instead.
    """

    def __init__(self, model: "Model", threads: int | None = None, *, whole: bool = False) -> None:
        """Prepare the layers.

        Args:
            model: A network that predicts the next value at each position of a text.
            threads: The number of threads, by default one for each core. The result is the same
                for any number.
            whole: Compute the whole window for each value, also where one position is enough.

        Raises:
            UsageError: if the network does not predict text.
        """
        self._encoding = encoding = text_encoding(model)
        self._kernels, self._threads = model.network.kernels, threads_to_use(threads)
        (self._loss,) = (p for p in model.network.losses if p.name == encoding.output)
        self._possible, self._steps = encoding.possible, encoding.steps
        self._outputs = in_numeric_context(
            self._kernels, self._threads, self._prepared, model, whole
        )

    @property
    def any_length(self) -> bool:
        """True if the network reads the whole text, however long it is."""
        return self._outputs.any_length

    def _prepared(self, model: "Model", always_whole: bool) -> SequenceOutputs:
        """Return the outputs one position at a time where that is possible and correct."""
        whole = WholeWindows(model.network, self._encoding.output)
        count, obstacles = len(self._possible), {}
        if not always_whole:
            built = build_one_position(model.network, whole.nodes, whole.steps)
            obstacles = built.obstacles or unequal_nodes(whole, built.nodes, count)
            if not obstacles:
                return SinglePositions(whole, built.nodes)
        require_causal(whole, count)
        if obstacles:
            listed = format_list([f"{name} ({reason})" for name, reason in obstacles.items()])
            model.warn(
                f"generating text is slow, because some layers cannot compute one position at a"
                f" time, so that each takes a whole window of {whole.steps}: {listed}"
            )
        return whole

    def generate(self, prompt: str, length: int, sampling: Sampling) -> str:
        """Return the continuation of a text, which follows `start`; see `stream`."""

        def joined() -> str:
            return "".join(self.stream(prompt, length, sampling))

        # One numeric context for all values costs less than one for each.
        return in_numeric_context(self._kernels, self._threads, joined)

    def start(self, prompt: str) -> str:
        """Return the part of a prompt that precedes the parts of `stream`.

        It is the prompt, but without the bytes of a character that the continuation completes.
        """
        return self._encoding.decoder(prompt)[1]

    def stream(self, prompt: str, length: int, sampling: Sampling) -> Iterator[str]:
        """Yield the continuation of a text in parts, as soon as each is known.

        Bytes of prompt and continuation are decoded together, so that a character may begin in the
        prompt. One that is not complete at the end is U+FFFD.

        Args:
            prompt: The start of the text, at least one character.
            length: The number of values to draw: characters, or bytes.
            sampling: The distribution and the random numbers of the draws.

        Raises:
            UsageError: for a prompt that is empty or no str, and a negative length.
            DataError: for a prompt with characters that the network's vocabulary lacks, and for
                predictions that are not finite.
        """
        if not is_integer(length, 0):
            raise UsageError(f"length={length!r} must be an integer of at least 0")
        _require_prompt(prompt)
        indices = self._encoding.encode(prompt)
        decoder, _ = self._encoding.decoder(prompt)
        total, start, computed = len(indices) + length, -1, 0
        for position in range(len(indices), total):
            if start != (first := self._first(position)):
                start = computed = first
                self._outputs.begin(total if self._outputs.any_length else self._steps)
            probabilities = in_numeric_context(
                self._kernels, self._threads, self._probabilities, indices[computed:], position
            )
            computed = position
            index = sampling.choose(probabilities, position)
            indices.append(index)
            if part := decoder.decode(self._encoding.as_bytes(index)):
                yield part
        if rest := decoder.decode(b"", final=True):
            yield rest

    def _first(self, position: int) -> int:
        """Return the first position that the prediction of a position depends on."""
        if self._outputs.any_length or position <= self._steps:
            return 0
        half = (self._steps + 1) // 2
        return -((self._steps - position) // half) * half

    def _probabilities(self, indices: Sequence[int], position: int) -> Array:
        """Return the probability of each index at a position, (V,), after the last indices.

        Raises:
            DataError: if one is not finite, or all are 0.
        """
        output = self._outputs.append(indices)
        probabilities: Array = losses.predict(self._loss, output)[0, 0]
        probabilities[~self._possible] = 0
        if not np.isfinite(probabilities).all() or not (probabilities > 0).any():
            raise DataError(
                f"the predictions at position {position} are NaN or infinite, or all 0; the"
                " parameters are damaged; to check them, add"
                f" {option('--strict-finite', 'strict_finite=True')}"
            )
        return probabilities


def _require_prompt(prompt: str) -> None:
    """Require a text of at least one character.

    Raises:
        UsageError: for other values.
    """
    if not isinstance(prompt, str):
        remedy = ""
        if isinstance(prompt, bytes | bytearray):
            whole = prompt.decode(errors="ignore").encode() == prompt
            how = "" if whole else 'errors="surrogateescape"'
            remedy = f"; decode it: prompt.decode({how})"
        raise UsageError(
            f"the prompt must be a str, not a value of type {type(prompt).__name__}{remedy}"
        )
    if not prompt:
        raise UsageError("the prompt is empty; give at least one character to continue")
