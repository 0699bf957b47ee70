"""Linear maps along the axes of images: interpolation, and means over windows."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from tinynet.layer import Array, Context


def resample(ctx: Context, x: Array, maps: Sequence[Array]) -> Array:
    """Apply a map (out_size, size) along each axis of x (N, *sizes, C), the last axis first."""
    for axis in reversed(range(len(maps))):
        x = _mix(ctx, x, 1 + axis, maps[axis])
    return x


def resample_backward(ctx: Context, dy: Array, maps: Sequence[Array]) -> Array:
    """Return the gradient of the input of `resample`, (N, *sizes, C)."""
    for axis, weights in enumerate(maps):
        dy = _mix(ctx, dy, 1 + axis, weights.T)
    return dy


def operations(sizes: Sequence[int], out_sizes: Sequence[int], channels: int) -> int:
    """Return the floating-point operations of `resample`."""
    total, now = 0, list(sizes)
    for axis in reversed(range(len(now))):
        now[axis] = out_sizes[axis]
        total += 2 * sizes[axis] * math.prod(now) * channels
    return total


def interpolation(places: Array, size: int, dtype: DTypeLike) -> Array:
    """Return the weights of ``size`` pixels at ``places`` between their centers, (places, size).

    At most two of a row are not 0; still, up to some hundred pixels, the product with all of them
    is faster than to gather those two. Made where it is used, not kept: a network of any size can
    be built dry.
    """
    inside = np.clip(places, 0, size - 1)
    distances = np.abs(inside[:, None] - np.arange(size))
    weights: Array = np.maximum(1 - distances, 0).astype(dtype)
    return weights


class Filter(NamedTuple):
    """The weight of a pixel by its distance from a place.

    Attributes:
        weight: A function of distances in pixels, none of them negative.
        radius: The distance from which on it is 0.
    """

    weight: Callable[[Array], Array]
    radius: int


def triangle() -> Filter:
    """Return the filter of linear interpolation."""
    return Filter(lambda distance: np.maximum(1 - distance, 0), 1)


def cubic(a: float) -> Filter:
    """Return the cubic of Keys, "Cubic Convolution Interpolation", 1981, whose slope at 1 is a."""

    def weight(distance: Array) -> Array:
        d = np.minimum(distance, 2)
        near = ((a + 2) * d - (a + 3)) * d * d + 1
        far = ((d - 5) * d + 8) * d * a - 4 * a
        return np.where(d <= 1, near, far)

    return Filter(weight, 2)


def filtered(
    places: Array, size: int, dtype: DTypeLike, by: Filter, stretch: float, exclude_outside: bool
) -> Array:
    """Return the weights of ``size`` pixels at ``places``, (places, size); each row sums to 1.

    Args:
        places: Places in units of pixels, 0 at the center of the first one.
        size: The number of pixels.
        dtype: The dtype of the weights.
        by: The filter.
        stretch: Factor of the filter's width.
        exclude_outside: False to repeat the outermost pixels outwards.
    """
    reach = by.radius * stretch
    pixels = np.ceil(places - reach)[:, None] + np.arange(math.floor(2 * reach) + 1)
    taps = by.weight(np.abs(pixels - places[:, None]) / stretch)
    inside = np.clip(pixels, 0, size - 1).astype(np.intp)
    if exclude_outside:
        taps *= inside == pixels
    taps /= taps.sum(axis=1, keepdims=True)
    weights = np.zeros((len(places), size))
    np.add.at(weights, (np.arange(len(places))[:, None], inside), taps)
    return weights.astype(dtype)


def _mix(ctx: Context, x: Array, axis: int, weights: Array) -> Array:
    """Return sums over one axis, weighted by each row of ``weights``."""
    before, after = x.shape[:axis], x.shape[axis + 1 :]
    rows = x.reshape(math.prod(before), x.shape[axis], math.prod(after))
    y = ctx.empty((len(rows), len(weights), rows.shape[2]), x.dtype)
    return np.matmul(weights, rows, out=y).reshape(*before, len(weights), *after)
