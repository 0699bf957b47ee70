"""The layer that pads a sample."""

import math
from typing import Annotated, ClassVar, Literal, NamedTuple, TypeAlias

import numpy as np
from pydantic import Field

from tinynet.builtin.layers._onnx import gathered, padded
from tinynet.layer import (
    Array,
    Build,
    Cache,
    Context,
    Gradients,
    LayerConfig,
    OnnxGraph,
    Shape,
    ShapeError,
)

_Count: TypeAlias = Annotated[int, Field(ge=0)]
_Place: TypeAlias = tuple[slice, ...]


class _Border(NamedTuple):
    """One border of an axis."""

    axis: int
    place: _Place  # of the border in the output
    source: _Place  # of the values that it repeats


class Pad:
    """A sample with more elements before and after its axes: (N, A, ...) -> (N, a + A + b, ...).

    Raises:
        ShapeError: if a sample has fewer axes than ``pad_width``, or an axis is too short to be
            reflected or wrapped.
    """

    family = "reshaping"
    example: ClassVar = {"pad_width": [[1, 0], 0]}
    per_sample = True

    class Config(LayerConfig):
        """Parameters of a `pad` node."""

        pad_width: list[_Count | Annotated[list[_Count], Field(min_length=2, max_length=2)]] = (
            Field(
                min_length=1,
                description="For each axis of a sample, from the first, the elements to add on both"
                " sides, or [before, after]; [1, 1] pads height and width of an image. Further axes"
                " are not padded.",
            )
        )
        mode: Literal["constant", "reflect", "edge", "wrap"] = Field(
            default="constant",
            description="'constant' for one number, 'edge' to repeat the outermost elements,"
            " 'reflect' to mirror the elements next to them, 'wrap' to repeat the elements of the"
            " opposite end (circular padding).",
        )
        constant_values: float = Field(
            default=0.0, description="The number of the mode 'constant'."
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        if len(config.pad_width) > len(in_shape):
            raise ShapeError(
                f"pad with a pad_width of {len(config.pad_width)} axes needs a sample of as many;"
                f" it got {in_shape}"
            )
        missing = len(in_shape) - len(config.pad_width)
        widths = [
            (width, width) if isinstance(width, int) else (width[0], width[1])
            for width in [*config.pad_width, *[0] * missing]
        ]
        _require_enough_elements(config.mode, widths, in_shape)
        self.out_shape = tuple(
            before + size + after for size, (before, after) in zip(in_shape, widths, strict=True)
        )
        self.params: dict[str, Array] = {}
        self._center = (
            slice(None),
            *(
                slice(before, before + size)
                for size, (before, _) in zip(in_shape, widths, strict=True)
            ),
        )
        self._mode, self._constant = config.mode, config.constant_values
        self._borders = [
            border
            for axis, (size, width) in enumerate(zip(in_shape, widths, strict=True), 1)
            for border in _borders(config.mode, axis, size, width)
        ]
        self._bytes = math.prod(self.out_shape) * build.dtype.itemsize

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y = ctx.empty((len(x), *self.out_shape), x.dtype)
        if self._mode == "constant":
            y.fill(self._constant)
        y[self._center] = x
        for border in self._borders:
            y[border.place] = y[border.source]
        return y, None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        if not ctx.needs_input():
            return (None,), {}
        if not self._borders:
            return (dy[self._center],), {}
        total = ctx.empty(dy.shape, dy.dtype)
        total[...] = dy
        # Corners are copies of copies, so their gradients return in the reverse order.
        for border in reversed(self._borders):
            gradient = total[border.place]
            if self._mode == "edge":  # all elements of the border repeat the same one
                gradient = gradient.sum(axis=border.axis, keepdims=True)
            total[border.source] += gradient
        return (total[self._center],), {}

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        sizes = zip(self._center[1:], self.out_shape, strict=True)
        widths = [(inner.start, size - inner.stop) for inner, size in sizes]
        if self._mode == "constant":
            return padded(graph, x, widths, self._constant)
        for axis, (size, width) in enumerate(zip(graph.shape_of(x), widths, strict=True), 1):
            if any(width):  # ONNX has "wrap" only since opset 19
                x = gathered(graph, x, axis, np.pad(np.arange(size), width, self._mode))
        return x

    def cost(self) -> tuple[int, int]:
        return 0, self._bytes


def _require_enough_elements(mode: str, widths: list[tuple[int, int]], in_shape: Shape) -> None:
    """Raise `ShapeError` if a border needs more elements than the axis has to repeat.

    A reflected border repeats all but the outermost, a wrapped one all.
    """
    if mode not in ("reflect", "wrap"):
        return
    for size, width in zip(in_shape, widths, strict=True):
        most = size - 1 if mode == "reflect" else size
        if max(width) > most:
            raise ShapeError(
                f"pad with mode '{mode}' can add at most {most} elements to a side of an axis"
                f" of size {size}, not {max(width)}; a sample has the shape {in_shape}"
            )


def _borders(mode: str, axis: int, size: int, width: tuple[int, int]) -> list[_Border]:
    """Return the borders of an axis of the output that repeat other elements of it."""
    before, after = width
    end = before + size
    places = [slice(before), slice(end, end + after)]
    if mode == "reflect":
        sources = [_mirrored(before + 1, before), _mirrored(end - 1 - after, after)]
    elif mode == "wrap":
        sources = [slice(end - before, end), slice(before, before + after)]
    else:
        sources = [slice(before, before + 1), slice(end - 1, end)]
    lead = (slice(None),) * axis
    return [
        _Border(axis, (*lead, place), (*lead, source))
        for place, source, count in zip(places, sources, width, strict=True)
        if count and mode != "constant"
    ]


def _mirrored(start: int, count: int) -> slice:
    """Return the slice of ``count`` elements from ``start``, in reverse order."""
    return slice(start + count - 1, start - 1 if start else None, -1)
