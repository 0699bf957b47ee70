"""Windows of images: padding, and cutting out a window at another place for each image."""

import numpy as np

from tinynet.builtin.transforms._images import FillMode
from tinynet.dataset import Field
from tinynet.transform import OnnxGraph
from tinynet.types import Array

Sides = tuple[tuple[int, int], tuple[int, int]]
"""Pixels to add: ((top, bottom), (left, right))."""


def padded(batch: Array, sides: Sides, mode: FillMode, fill: float) -> Array:
    """Return images (N, H, W, ...) with more pixels on their sides."""
    (top, bottom), (left, right) = sides
    count, height, width, *rest = batch.shape
    if not any((top, bottom, left, right)):
        return batch
    if mode != "constant":
        return np.pad(batch, ((0, 0), *sides, *((0, 0) for _ in rest)), mode=mode)
    shape = (count, top + height + bottom, left + width + right, *rest)
    y = np.full(shape, fill, batch.dtype) if fill else np.zeros(shape, batch.dtype)
    y[:, top : top + height, left : left + width] = batch
    return y


def windows(batch: Array, tops: Array, lefts: Array, height: int, width: int) -> Array:
    """Return a window of each image (N, H, W, ...), whose first pixel is (top, left)."""
    y = np.empty((len(batch), height, width, *batch.shape[3:]), batch.dtype)
    places = zip(y, batch, tops.tolist(), lefts.tolist(), strict=True)
    for window, image, top, left in places:
        window[...] = image[top : top + height, left : left + width]
    return y


def padded_in_onnx(
    graph: OnnxGraph, field: Field, x: str, sides: Sides, mode: FillMode, fill: float
) -> str:
    """Compute `padded` in ONNX for images of a field."""
    if mode != "constant":
        for axis, side in enumerate(sides):
            places = np.pad(np.arange(field.shape[axis]), side, mode=mode)
            x = graph.node("Gather", x, graph.constant(places), axis=1 + axis)
        return x
    (top, bottom), (left, right) = sides
    others = [0] * (len(field.shape) - 2)
    pads = [0, top, left, *others, 0, bottom, right, *others]
    value = graph.constant(fill, dtype=graph.dtype_of(x))
    return graph.node("Pad", x, graph.constant(pads), value)


def window_in_onnx(graph: OnnxGraph, x: str, top: int, left: int, height: int, width: int) -> str:
    """Cut the same window out of each image, in ONNX."""
    first, end = graph.constant([top, left]), graph.constant([top + height, left + width])
    return graph.node("Slice", x, first, end, graph.constant([1, 2]))
