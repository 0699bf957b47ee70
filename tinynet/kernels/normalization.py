"""Normalization of channels over a batch, and of rows by themselves."""

from typing import NamedTuple

import numpy as np

from tinynet.kernels import ThreeGradients, TwoGradients
from tinynet.kernels.elementwise import channel_sums, wide, widen
from tinynet.kernels.memory import Empty
from tinynet.kernels.scratch import scratch
from tinynet.types import Array


class SavedBatch(NamedTuple):
    """The values that `batch_norm` saves for its backward."""

    x: Array  # the input, (..., C)
    mean: Array  # (C,)
    inverse: Array  # 1 / sqrt(variance + epsilon), (C,)


def moments(x: Array, empty: Empty) -> tuple[Array, Array]:
    """See `Kernels.moments`."""
    mean = channel_sums(x) / (x.size // x.shape[-1])
    squares = _centered(x, mean)
    np.square(squares, out=squares)
    return mean, channel_sums(squares)


def batch_norm(
    x: Array,
    mean: Array,
    variance: Array,
    gamma: Array | None,
    beta: Array | None,
    epsilon: float,
    empty: Empty,
    keep: bool,
) -> tuple[Array, SavedBatch | None]:
    """See `Kernels.batch_norm`."""
    y = empty(x.shape, x.dtype)
    rows = wide(y)
    np.subtract(wide(x), widen(mean, x), out=rows)
    inverse = 1 / np.sqrt(variance + epsilon)
    rows *= widen(_scale(inverse, gamma), x)
    if beta is not None:
        rows += widen(beta, x)
    return y, SavedBatch(x, mean, inverse) if keep else None


def batch_norm_sums(dy: Array, saved: SavedBatch, empty: Empty) -> tuple[Array, Array]:
    """See `Kernels.batch_norm_sums`."""
    product = _centered(saved.x, saved.mean)
    product *= dy
    return channel_sums(product) * saved.inverse, channel_sums(dy)


def batch_norm_backward(
    dy: Array,
    saved: SavedBatch,
    gamma: Array | None,
    means: tuple[Array, Array] | None,
    empty: Empty,
) -> Array:
    """See `Kernels.batch_norm_backward`."""
    scale = _scale(saved.inverse, gamma)
    dx = empty(dy.shape, dy.dtype)
    rows = wide(dx)
    np.multiply(wide(dy), widen(scale, dy), out=rows)
    if means is not None:
        product_mean, mean = means
        rows -= widen(scale * mean, dy)
        product = wide(_centered(saved.x, saved.mean))
        product *= widen(scale * saved.inverse * product_mean, dy)
        rows -= product
    return dx


def _centered(x: Array, mean: Array) -> Array:
    """Return x - mean, in temporary memory."""
    centered = scratch(x.shape, x.dtype)
    np.subtract(wide(x), widen(mean, x), out=wide(centered))
    return centered


def _scale(inverse: Array, gamma: Array | None) -> Array:
    return inverse if gamma is None else inverse * gamma


class SavedRows(NamedTuple):
    """The values that `layer_norm` and `rms_norm` save for their backward."""

    normal: Array  # the rows before the affine map, (..., C)
    inverse: Array  # the factor that normalizes a row, (..., 1)


def layer_norm(
    x: Array, gamma: Array | None, beta: Array | None, epsilon: float, empty: Empty, keep: bool
) -> tuple[Array, SavedRows | None]:
    """See `Kernels.layer_norm`."""
    y, normal = empty(x.shape, x.dtype), empty(x.shape, x.dtype)
    np.subtract(x, x.mean(axis=-1, keepdims=True), out=normal)
    variance = np.multiply(normal, normal, out=y).mean(axis=-1, keepdims=True)
    inverse = 1 / np.sqrt(variance + epsilon)
    normal *= inverse
    np.multiply(normal, 1 if gamma is None else gamma, out=y)
    if beta is not None:
        y += beta
    return y, SavedRows(normal, inverse) if keep else None


def layer_norm_backward(
    dy: Array,
    saved: SavedRows,
    gamma: Array | None,
    empty: Empty,
    needs: tuple[bool, bool, bool],
) -> ThreeGradients:
    """See `Kernels.layer_norm_backward`."""
    normal, inverse = saved
    needs_x, needs_gamma, needs_beta = needs
    product = empty(dy.shape, dy.dtype)
    dx = dgamma = None
    if needs_gamma:
        dgamma = channel_sums(np.multiply(dy, normal, out=product))
    if needs_x:
        dx = empty(dy.shape, dy.dtype)
        np.multiply(dy, 1 if gamma is None else gamma, out=dx)
        slope = np.multiply(dx, normal, out=product).mean(axis=-1, keepdims=True)
        dx -= dx.mean(axis=-1, keepdims=True)
        dx -= np.multiply(normal, slope, out=product)
        dx *= inverse
    return dx, dgamma, channel_sums(dy) if needs_beta else None


def rms_norm(
    x: Array, gamma: Array | None, epsilon: float, empty: Empty, keep: bool
) -> tuple[Array, SavedRows | None]:
    """See `Kernels.rms_norm`."""
    y = empty(x.shape, x.dtype)
    inverse = np.multiply(x, x, out=y).mean(axis=-1, keepdims=True)
    inverse += epsilon
    np.sqrt(inverse, out=inverse)
    np.divide(1, inverse, out=inverse)
    normal = empty(x.shape, x.dtype) if keep and gamma is not None else y
    np.multiply(x, inverse, out=normal)
    if gamma is not None:
        np.multiply(normal, gamma, out=y)
    return y, SavedRows(normal, inverse) if keep else None


def rms_norm_backward(
    dy: Array, saved: SavedRows, gamma: Array | None, empty: Empty, needs: tuple[bool, bool]
) -> TwoGradients:
    """See `Kernels.rms_norm_backward`."""
    normal, inverse = saved
    needs_x, needs_gamma = needs
    product = empty(dy.shape, dy.dtype)
    dx = dgamma = None
    if needs_gamma:
        dgamma = channel_sums(np.multiply(dy, normal, out=product))
    if needs_x:
        dx = empty(dy.shape, dy.dtype)
        np.multiply(dy, 1 if gamma is None else gamma, out=dx)
        slope = np.multiply(dx, normal, out=product).mean(axis=-1, keepdims=True)
        dx -= np.multiply(normal, slope, out=product)
        dx *= inverse
    return dx, dgamma
