"""Stages of preprocessing: one transform of one array, and checked calls of the transform."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tinynet.data.fields import field_problem
from tinynet.data.splits import has_kind
from tinynet.dataset import TEXT, Field
from tinynet.engine.layer_calls import described
from tinynet.engine.tensor_names import TRANSFORMS
from tinynet.errors import (
    CheckpointMismatchError,
    DataError,
    LocatedError,
    PluginError,
    Problem,
    TransformError,
)
from tinynet.text.plugin_errors import PluginErrors, is_row, plugin_error, wrong_row
from tinynet.transform import (
    MixesSamples,
    MovesPixels,
    SampleError,
    SharedState,
    State,
    TakesText,
    Transform,
)
from tinynet.types import Array

NUMBERS_OF_TEXT = '{"type": "vocabulary"} (a sequence of tokens) or {"type": "bag_of_words"}'
"""Transforms that turn text into numbers, for messages."""


@dataclass(frozen=True)
class DeclaredStage:
    """A transform of the array ``on``, as the spec declares it.

    ``position`` is the transform's index in the spec, and ``pointer`` its place there.
    """

    position: int
    pointer: str
    on: str
    transform: Transform

    @cached_property
    def label(self) -> str:
        """The address of its state in a checkpoint; stages that share a state have the same."""
        shared = isinstance(self.transform, SharedState) and self.transform.shared_state
        return f"{self.position}" if shared else f"{self.position}/{self.on}"

    @cached_property
    def mixes(self) -> bool:
        """True if the transform mixes the samples of a batch."""
        return isinstance(self.transform, MixesSamples) and self.transform.mixes_samples

    @property
    def moves(self) -> bool:
        """True if the transform moves the pixels of images."""
        return isinstance(self.transform, MovesPixels) and self.transform.moves_pixels

    def require_taken(self, field: Field) -> None:
        """Raise `TransformError` if the array is text, and the transform takes numbers only."""
        takes_text = isinstance(self.transform, TakesText) and self.transform.takes_text
        if field.dtype == TEXT and not takes_text:
            raise TransformError(
                [
                    Problem(
                        f"the array {self.on!r} is text, and this transform takes numbers; put"
                        f" {NUMBERS_OF_TEXT} before it",
                        self.pointer,
                    )
                ]
            )

    def error(self, message: str) -> PluginError:
        """Return the error of a transform that broke its promise."""
        return plugin_error(self.transform, message, self.pointer)

    def errors(self, method: str) -> PluginErrors:
        """Return a context that turns an unexpected exception of a method into a `PluginError`."""
        return PluginErrors(self.transform, f"{method} raised", self.pointer)

    def described(self, method: str, *arguments: Any) -> Field:
        """Return the field that a method of the transform returns.

        Raises:
            TransformError: if the transform refuses the array.
            PluginError: for anything else than a field.
        """
        with naming([self.on], self.pointer), self.errors(method):
            result = getattr(self.transform, method)(*arguments)
        if not isinstance(result, Field):
            raise self.error(f"{method} must return a Field; it returned {described(result)}")
        if problem := field_problem(result):
            message = f"{method} must return a Field that a checkpoint can hold: {problem}"
            raise self.error(message)
        return result


@dataclass(frozen=True)
class Stage(DeclaredStage):
    """A stage with the fields of its array before and after it.

    ``result`` lacks what the transform learns until it is fitted.
    """

    field: Field
    result: Field

    def apply(
        self,
        fitted: State,
        batch: Array,
        rng: Callable[[int], np.random.Generator],
        training: bool,
    ) -> Array:
        """Return the transformed batch; an error about a sample names one of the batch.

        Raises:
            PluginError: for a changed state, and for another shape or dtype than the field's.
        """
        state = copy(fitted)
        # An overflow is reported with the place of its value: see `tinynet.data.ranges`.
        with self.errors("apply"), np.errstate(over="ignore", invalid="ignore"):
            try:
                result = self.transform.apply(state, batch, rng, training)
            except SampleError as error:
                if is_row(getattr(error, "row", None), len(batch)):
                    raise
                raise self.error(wrong_row("apply", error, len(batch))) from error
        names = dict.fromkeys([*fitted, *state])
        if other := [n for n in names if state.get(n) is not fitted.get(n)]:
            raise self.error(
                f"apply must not change its state; {other[0]!r} is another array afterwards"
            )
        shape = (len(batch), *self.result.shape)
        if np.shape(result) != shape:
            message = f"apply must return an array of shape {shape}; it returned"
            raise self.error(f"{message} {described(result)}")
        if not has_kind(result, self.result):
            kind = "text" if self.result.dtype == TEXT else "numbers"
            dtype = np.asarray(result).dtype
            raise self.error(f"apply must return {kind}; it returned an array of dtype {dtype}")
        return result


class LoadedState(dict[str, Array]):
    """A transform's state from a checkpoint; an array that the transform misses is an error."""

    def __init__(self, label: str) -> None:
        self._label = label

    def __missing__(self, name: str) -> Array:
        raise CheckpointMismatchError(f"the checkpoint lacks {TRANSFORMS}{self._label}/{name}")


@contextmanager
def naming(names: Sequence[str], pointer: str) -> Iterator[None]:
    """Add the arrays and the place of the transform to the error of a transform."""
    try:
        yield
    except LocatedError:
        raise
    except DataError as error:
        arrays = f"the array{'s' if len(names) > 1 else ''} {', '.join(map(repr, names))}"
        raise TransformError([Problem(f"{arrays}: {error}", pointer)]) from error
