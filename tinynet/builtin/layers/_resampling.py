"""Linear maps along the axes of images: interpolation, and means over windows."""

import math
from collections.abc import Sequence

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


def _mix(ctx: Context, x: Array, axis: int, weights: Array) -> Array:
    """Return sums over one axis, weighted by each row of ``weights``."""
    before, after = x.shape[:axis], x.shape[axis + 1 :]
    rows = x.reshape(math.prod(before), x.shape[axis], math.prod(after))
    y = ctx.empty((len(rows), len(weights), rows.shape[2]), x.dtype)
    return np.matmul(weights, rows, out=y).reshape(*before, len(weights), *after)
