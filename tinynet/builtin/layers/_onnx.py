"""Parts of ONNX graphs that several layers need."""

import math
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from tinynet.builtin.layers._sides import Pair
from tinynet.kernels import Window
from tinynet.layer import Array, OnnxGraph, Shape


class Axis(NamedTuple):
    """A window along one axis."""

    cells: int
    stride: int
    padding: Pair
    dilation: int


def axes_of(window: Window) -> list[Axis]:
    """Return the window along the height and the width of images."""
    parts = zip(window.kernel_size, window.strides, window.padding, window.dilation, strict=True)
    return [Axis(*part) for part in parts]


def window_attributes(axes: Sequence[Axis]) -> dict[str, list[int]]:
    """Return the attributes of an operator with a window."""
    return {
        "kernel_shape": [axis.cells for axis in axes],
        "strides": [axis.stride for axis in axes],
        "pads": pads([axis.padding for axis in axes]),
        "dilations": [axis.dilation for axis in axes],
    }


def pads(sides: Sequence[Pair]) -> list[int]:
    """Return the padding (before, after) of each axis as ONNX has it: all before, all after."""
    return list(chain(*zip(*sides, strict=True)))


def filters_first(weight: Array) -> Array:
    """Return a weight (*size, C, F) as ONNX has it, (F, C, *size)."""
    return np.moveaxis(weight, (-1, -2), (0, 1))


def affine(graph: OnnxGraph, x: str, params: dict[str, Array]) -> str:
    """Return x * gamma + beta, with those of the two parameters that there are."""
    if "gamma" in params:
        x = graph.node("Mul", x, graph.param("gamma"))
    return graph.node("Add", x, graph.param("beta")) if "beta" in params else x


def mixed(graph: OnnxGraph, x: str, in_shape: Shape, maps: Sequence[Array]) -> str:
    """Apply a linear map (out_size, size) along each axis of samples (*sizes, C), the last first.

    It is `tinynet.builtin.layers._resampling.resample` in ONNX.
    """
    *sizes, channels = in_shape
    x = graph.channels_first(x)
    for axis in reversed(range(len(maps))):
        weights, after = maps[axis], sizes[axis + 1 :]
        if not after:
            x = graph.node("MatMul", x, graph.constant(weights.T))
        else:
            rows = graph.reshape(x, (channels, *sizes[: axis + 1], math.prod(after)))
            x = graph.node("MatMul", graph.constant(weights), rows)
        sizes[axis] = len(weights)
        x = graph.reshape(x, (channels, *sizes))
    return graph.channels_last(x)


def gathered(graph: OnnxGraph, x: str, axis: int, indices: ArrayLike) -> str:
    """Select elements of one axis by their indices; the batch is axis 0."""
    return graph.node("Gather", x, graph.constant(np.asarray(indices, np.int64)), axis=axis)


def sliced(graph: OnnxGraph, x: str, axis: int, start: int, stop: int, step: int = 1) -> str:
    """Select a range of one axis, of at least one element; the batch is axis 0.

    With a negative ``step``, a ``stop`` of -1 is the place before the first element, as in `range`.
    """
    # In ONNX, as in NumPy's slices, -1 is the last element.
    end = stop if stop >= 0 else np.iinfo(np.int64).min
    bounds = (graph.constant([number]) for number in (start, end, axis, step))
    return graph.node("Slice", x, *bounds)


def padded(graph: OnnxGraph, x: str, sides: Sequence[tuple[int, int]], value: float = 0.0) -> str:
    """Add elements of one value before and after the first axes of a sample."""
    rest = [(0, 0)] * (len(graph.shape_of(x)) - len(sides))
    befores, afters = zip((0, 0), *sides, *rest, strict=True)
    return graph.node("Pad", x, graph.constant([*befores, *afters]), graph.constant(value))


def projected(graph: OnnxGraph, x: str, weight: str, bias: str | None) -> str:
    """Return x @ weight + bias: (N, ..., I) -> (N, ..., U)."""
    product = graph.node("MatMul", x, weight)
    return product if bias is None else graph.node("Add", product, bias)
