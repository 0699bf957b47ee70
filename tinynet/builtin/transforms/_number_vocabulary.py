"""Whole numbers of the training data as indices of a vocabulary."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from tinynet.dataset import Field
from tinynet.errors import DataError
from tinynet.transform import OnnxGraph, State
from tinynet.types import Array

UNKNOWN = "[UNK]"
"""Name of the class that stands for all values without an index of their own."""

_DENSE = 16
"""Largest range of values, for each value of a batch, that is counted and looked up by a table."""


MAX_TABLE = 1 << 20
"""The largest range of values that a table in ONNX has."""


class NumberVocabulary:
    """The index of each value among the values of the training data.  (N, ...) -> (N, ...), int64.

    Index 0 stands for every value that the training data lack, or that `max_size` or `min_count`
    leaves out; the others are in ascending order of their values. All arrays of ``on`` have one
    vocabulary. The indices are classes: characters, or names of the values.

    State: ``values``, (V - 1,), int64: the value of index i is ``values[i - 1]``.

    Raises:
        DataError: for an array that does not hold whole numbers.
    """

    def __init__(self, max_size: int | None, min_count: int) -> None:
        self.max_size, self.min_count = max_size, min_count

    def describe(self, field: Field) -> Field:
        if np.dtype(field.dtype).kind not in "biu":
            raise DataError(
                f"vocabulary needs whole numbers, but this array holds {field.dtype}; save it as"
                " integers"
            )
        return replace(field, dtype="int64", classes=None, text_unit=None)

    def fitted_field(self, field: Field, state: State) -> Field:
        names = (_name(field, value) for value in state["values"].tolist())
        return replace(self.describe(field), classes=(UNKNOWN, *names))

    def fit(self, field: Field, batches: Iterable[Array]) -> State:
        counts = Counter[int]()
        for batch in batches:
            values, numbers = _distinct(batch.astype(np.int64).reshape(-1))
            for value, number in zip(values.tolist(), numbers.tolist(), strict=True):
                counts[value] += number
        if not counts:
            raise DataError(
                "vocabulary has no training data to learn from; the training split is empty"
            )
        frequent = [value for value, count in counts.items() if count >= self.min_count]
        if not frequent:
            raise DataError(
                f"no value occurs {self.min_count:,} times in the training data, as vocabulary"
                f' requires; set "min_count" to {max(counts.values()):,} or less'
            )
        if self.max_size is not None:
            frequent.sort(key=lambda value: (-counts[value], value))
            frequent = frequent[: self.max_size - 1]
        return {"values": np.array(sorted(frequent), np.int64)}

    def apply(self, state: State, batch: Array) -> Array:
        values, x = state["values"], batch.astype(np.int64)
        low, high = int(values[0]), int(values[-1])
        if high - low < _DENSE * max(x.size, 1):
            table = np.zeros(high - low + 2, np.int64)  # the last element is for values outside
            table[values - low] = np.arange(1, len(values) + 1)
            outside = (x < low) | (x > high)
            return table[np.where(outside, -1, x - low)]
        places = np.searchsorted(values, x).clip(max=len(values) - 1)
        return np.where(values[places] == x, places + 1, 0)

    def invert(self, state: State, batch: Array) -> Array:
        """Return the values of indices; index 0 has none and becomes -1."""
        return np.concatenate([[-1], state["values"]])[batch]

    def to_onnx(self, graph: OnnxGraph, state: State, field: Field, x: str) -> str:
        values, x = state["values"], graph.cast(x, np.int64)
        low, high = int(values[0]), int(values[-1])
        if high - low >= MAX_TABLE:
            is_value = graph.node(
                "Equal", graph.reshape(x, (*field.shape, 1)), graph.constant(values)
            )
            places = graph.constant(np.arange(1, len(values) + 1))
            found = graph.node("Mul", graph.cast(is_value, np.int64), places)
            return graph.node("ReduceSum", found, graph.constant([-1]), keepdims=0)
        table = np.zeros(high - low + 2, np.int64)  # the last element is for values outside
        table[values - low] = np.arange(1, len(values) + 1)
        below = graph.node("Less", x, graph.constant(low))
        above = graph.node("Greater", x, graph.constant(high))
        place = graph.node("Sub", x, graph.constant(low))
        outside = graph.node("Or", below, above)
        place = graph.node("Where", outside, graph.constant(high - low + 1), place)
        return graph.node("Gather", graph.constant(table, "indices"), place)


def _distinct(values: Array) -> tuple[Array, Array]:
    """Return the distinct values among integers (N,), and the number of occurrences of each."""
    if not len(values):
        return values, values
    low, high = int(values.min()), int(values.max())
    if high - low >= _DENSE * len(values):
        return np.unique(values, return_counts=True)
    counts = np.bincount(values - low)
    places = np.flatnonzero(counts)
    return places + low, counts[places]


def _name(field: Field, value: int) -> str:
    """Return the name of a value as a class."""
    if field.classes is not None:
        return field.classes[value]
    return chr(value) if field.text_unit == "character" else str(value)
