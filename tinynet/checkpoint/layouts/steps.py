"""Changes of one array between the layouts of two frameworks.

Each step has the shape of its result, which is known before an array is read, and a description.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from operator import mul
from typing import Protocol

import numpy as np

from tinynet.types import Array, Shape


class UnsuitableShapeError(Exception):
    """An array whose shape a step cannot change."""


class Step(Protocol):
    """A change of one array."""

    def shape(self, before: Shape, /) -> Shape:
        """Return the shape of the result; raise `UnsuitableShapeError` for an unsuitable one."""

    def value(self, array: Array, /) -> Array:
        """Return the result."""


@dataclass(frozen=True)
class Transpose:
    """The axes in another order."""

    axes: tuple[int, ...]

    def __str__(self) -> str:
        return "transposed" if self.axes == (1, 0) else f"axes {self.axes}"

    def shape(self, before: Shape, /) -> Shape:
        if len(before) != len(self.axes):
            raise UnsuitableShapeError
        return tuple(before[axis] for axis in self.axes)

    def value(self, array: Array, /) -> Array:
        return array.transpose(self.axes)


@dataclass(frozen=True)
class Reshape:
    """Neighboring axes joined, or an axis split, to another shape."""

    after: Shape

    def __str__(self) -> str:
        return f"as {self.after}"

    def shape(self, before: Shape, /) -> Shape:
        sizes, sizes_after = (set(accumulate(shape, mul)) - {1} for shape in (before, self.after))
        nested = sizes <= sizes_after or sizes_after <= sizes
        if math.prod(before) != math.prod(self.after) or not nested:
            raise UnsuitableShapeError
        return self.after

    def value(self, array: Array, /) -> Array:
        return array.reshape(self.after)


@dataclass(frozen=True)
class Gates:
    """The equal parts of the first axis, one for each gate, in another order."""

    before: str
    after: str

    def __str__(self) -> str:
        return f"gates {', '.join(self.before)} -> {', '.join(self.after)}"

    def shape(self, before: Shape, /) -> Shape:
        if not before or before[0] % len(self.before):
            raise UnsuitableShapeError
        return before

    def value(self, array: Array, /) -> Array:
        parts = np.split(array, len(self.before))
        return np.concatenate([parts[self.before.index(gate)] for gate in self.after])


@dataclass(frozen=True)
class Rows:
    """Some of the rows: a range of the first axis.

    Attributes:
        start: The first row.
        count: Their number.
        total: The number of rows before.
    """

    start: int
    count: int
    total: int

    def __str__(self) -> str:
        return f"rows {self.start}:{self.start + self.count}"

    def shape(self, before: Shape, /) -> Shape:
        if not before or before[0] != self.total:
            raise UnsuitableShapeError
        return (self.count, *before[1:])

    def value(self, array: Array, /) -> Array:
        return array[self.start : self.start + self.count]


@dataclass(frozen=True)
class Features:
    """The elements of one axis in another order: features of which some are flattened images.

    Attributes:
        axis: The axis.
        order: The index before, of each element after.
    """

    axis: int
    order: Array = field(compare=False)

    def __str__(self) -> str:
        axis = ("rows", "columns")[self.axis] if self.axis < 2 else f"axis {self.axis}"
        return f"{axis} from channels first to channels last"

    def shape(self, before: Shape, /) -> Shape:
        if len(before) <= self.axis or before[self.axis] != len(self.order):
            raise UnsuitableShapeError
        return before

    def value(self, array: Array, /) -> Array:
        result: Array = array.take(self.order, axis=self.axis)
        return result


def require_norms(norms: Shape, directions: Shape) -> None:
    """Raise `UnsuitableShapeError` for shapes that weight normalization does not have."""
    pairs = zip(norms, directions, strict=False)
    if norms and (len(norms) != len(directions) or any(a not in (1, b) for a, b in pairs)):
        raise UnsuitableShapeError


def with_norms(directions: Array, norms: Array) -> Array:
    """Return directions with other norms, over the axes in which these have one element."""
    axes = tuple(
        axis for axis in range(directions.ndim) if norms.ndim == 0 or norms.shape[axis] == 1
    )
    lengths = np.sqrt(np.square(directions).sum(axis=axes, keepdims=True))
    result: Array = directions * (norms / lengths)
    return result


def shape_after(steps: Sequence[Step], shape: Shape) -> Shape:
    """Return the shape of an array after all steps; raise `UnsuitableShapeError` as these do."""
    for step in steps:
        shape = step.shape(shape)
    return shape


def value_after(steps: Sequence[Step], array: Array) -> Array:
    """Return an array after all steps."""
    for step in steps:
        array = step.value(array)
    return array
