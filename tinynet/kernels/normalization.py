"""Normalisation of channels over a batch, and of rows by themselves."""

from typing import NamedTuple

import numpy as np

from tinynet.kernels import ThreeGradients
from tinynet.kernels.channels import channel_sums, wide, widen
from tinynet.memory import Empty
from tinynet.types import Array


class SavedBatch(NamedTuple):
    """What `batch_norm` leaves for `batch_norm_backward`.

    Attributes:
        centered: x - mean, (..., C).
        inverse: 1 / sqrt(variance + epsilon), (C,).
        constant: Whether the statistics were given, and so do not depend on x.
    """

    centered: Array
    inverse: Array
    constant: bool


def batch_norm(
    x: Array,
    gamma: Array | None,
    beta: Array | None,
    statistics: tuple[Array, Array] | None,
    epsilon: float,
    empty: Empty,
    keep: bool,
) -> tuple[Array, tuple[Array, Array], SavedBatch | None]:
    """See `Kernels.batch_norm`."""
    y, centered = empty(x.shape, x.dtype), empty(x.shape, x.dtype)
    count = x.size // x.shape[-1]
    mean = channel_sums(x) / count if statistics is None else statistics[0]
    np.subtract(wide(x), widen(mean, x), out=wide(centered))
    if statistics is None:
        np.multiply(centered, centered, out=y)
        variance = channel_sums(y) / count
    else:
        variance = statistics[1]
    inverse = 1 / np.sqrt(variance + epsilon)
    scale = inverse if gamma is None else inverse * gamma
    rows = wide(y)
    np.multiply(wide(centered), widen(scale, x), out=rows)
    if beta is not None:
        rows += widen(beta, x)
    saved = SavedBatch(centered, inverse, statistics is not None) if keep else None
    return y, (mean, variance), saved


def batch_norm_backward(
    dy: Array,
    saved: SavedBatch,
    gamma: Array | None,
    empty: Empty,
    needs: tuple[bool, bool, bool],
) -> ThreeGradients:
    """See `Kernels.batch_norm_backward`."""
    centered, inverse, constant = saved
    needs_x, needs_gamma, needs_beta = needs
    through_statistics = needs_x and not constant
    dx = dgamma = dbeta = None
    if needs_beta or through_statistics:
        dbeta = channel_sums(dy)
    if needs_gamma or through_statistics:
        product = empty(dy.shape, dy.dtype)
        dgamma = channel_sums(np.multiply(dy, centered, out=product)) * inverse
    if needs_x:
        dx = empty(dy.shape, dy.dtype)
        rows = wide(dx)
        scale = inverse if gamma is None else inverse * gamma
        np.multiply(wide(dy), widen(scale, dy), out=rows)
    if through_statistics:
        count = dy.size // dy.shape[-1]
        rows -= widen(scale * dbeta / count, dy)
        slope = widen(scale * inverse * dgamma / count, dy)
        rows -= np.multiply(wide(centered), slope, out=wide(product))
    return dx, dgamma if needs_gamma else None, dbeta if needs_beta else None


class SavedRows(NamedTuple):
    """What `layer_norm` leaves for `layer_norm_backward`.

    Attributes:
        normal: (x - mean) / sqrt(variance + epsilon), (..., C).
        inverse: 1 / sqrt(variance + epsilon), (..., 1).
    """

    normal: Array
    inverse: Array


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
