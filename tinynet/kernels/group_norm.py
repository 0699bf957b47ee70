"""Normalization of each sample over groups of its channels.

In NumPy, a pass over rows of a few channels is slow. So samples are treated as rows of several
positions, and numbers of channels are repeated to fit such a row.
"""

from functools import cache
from math import prod
from typing import NamedTuple

import numpy as np

from tinynet.kernels.elementwise import rectify, relu_backward
from tinynet.kernels.memory import Empty
from tinynet.kernels.results import ThreeGradients
from tinynet.types import Array

_ROW = 512
"""Numbers from which NumPy's passes over rows are fast."""


class Saved(NamedTuple):
    """The values that `group_norm` saves for its backward."""

    centered: Array  # x - mean, (N, R, repeats * C)
    inverse: Array  # 1 / sqrt(variance + epsilon), repeated for each channel, (N, C)
    groups: int
    rectified: Array | None  # the output, if a ReLU was applied


def group_norm(
    x: Array,
    groups: int,
    gamma: Array | None,
    beta: Array | None,
    epsilon: float,
    empty: Empty,
    keep: bool,
    relu: bool = False,
) -> tuple[Array, Saved | None]:
    """See `Kernels.group_norm`."""
    rows, channels = _rows(x), x.shape[-1]
    centered, product = empty(rows.shape, x.dtype), empty(rows.shape, x.dtype)
    means = _group_means(_sums(rows, channels), groups, rows)
    np.subtract(rows, _widened(means, rows), out=centered)
    np.multiply(centered, centered, out=product)
    inverse = _group_means(_sums(product, channels), groups, rows)
    inverse += epsilon
    np.sqrt(inverse, out=inverse)
    np.reciprocal(inverse, out=inverse)
    y = np.multiply(centered, _widened(_scaled(inverse, gamma), rows), out=product)
    if beta is not None:
        y += _widened(beta[None], rows)
    if relu:
        rectify(y)
    y = y.reshape(x.shape)
    return y, Saved(centered, inverse, groups, y if relu else None) if keep else None


def group_norm_backward(
    dy: Array,
    saved: Saved,
    gamma: Array | None,
    empty: Empty,
    needs: tuple[bool, bool, bool],
) -> ThreeGradients:
    """See `Kernels.group_norm_backward`."""
    centered, inverse, groups, rectified = saved
    if rectified is not None:
        dy = relu_backward(dy, rectified, empty)
    needs_x, needs_gamma, needs_beta = needs
    rows, channels = dy.reshape(centered.shape), dy.shape[-1]
    product = np.multiply(rows, centered, out=empty(rows.shape, dy.dtype))
    products, sums = _sums(product, channels), _sums(rows, channels)
    products *= inverse
    dgamma = products.sum(axis=0) if needs_gamma else None
    dbeta = sums.sum(axis=0) if needs_beta else None
    if not needs_x:
        return None, dgamma, dbeta
    # inverse * (dn - mean(dn) - normal * mean(dn * normal)), where normal = centered * inverse
    # and dn = dy * gamma
    means, slopes = (_group_means(_scaled(part, gamma), groups, rows) for part in (sums, products))
    scale = _widened(_scaled(inverse, gamma), rows)
    dx = np.multiply(rows, scale, out=empty(rows.shape, dy.dtype))
    dx -= _widened(inverse * means, rows)
    dx -= np.multiply(centered, _widened(inverse * inverse * slopes, rows), out=product)
    return dx.reshape(dy.shape), dgamma, dbeta


def _rows(x: Array) -> Array:
    """(N, ..., C) -> (N, R, repeats * C)."""
    positions, channels = prod(x.shape[1:-1]), x.shape[-1]
    repeats = _repeats(positions, channels)
    return x.reshape(len(x), positions // repeats, repeats * channels)


@cache
def _repeats(positions: int, channels: int) -> int:
    """Return how many positions make a row: enough for `_ROW` numbers, if such a part exists."""
    return next(
        n
        for n in range(1, positions + 1)
        if positions % n == 0 and (n * channels >= _ROW or n == positions)
    )


def _widened(vectors: Array, rows: Array) -> Array:
    """Repeat numbers of channels to fit ``rows``: (N, C) -> (N, 1, repeats * C)."""
    samples, channels = vectors.shape
    repeated = np.empty((samples, rows.shape[2] // channels, channels), vectors.dtype)
    repeated[...] = vectors[:, None]
    return repeated.reshape(samples, 1, rows.shape[2])


def _sums(rows: Array, channels: int) -> Array:
    """Sum over each channel of a sample, as a matrix product: `_rows` -> (N, C)."""
    samples, count, width = rows.shape
    positions = count * (width // channels)
    ones = np.ones((1, positions), rows.dtype)
    sums: Array = np.matmul(ones, rows.reshape(samples, positions, channels))
    return sums[:, 0]


def _group_means(sums: Array, groups: int, rows: Array) -> Array:
    """Return the mean of each channel's group, from the sums of the channels: (N, C)."""
    samples, channels = sums.shape
    size = channels // groups
    means = sums.reshape(samples, groups, size).sum(axis=2)
    means /= prod(rows.shape[1:]) // groups
    return np.repeat(means, size, axis=1)


def _scaled(vectors: Array, gamma: Array | None) -> Array:
    """Multiply numbers of channels by ``gamma``, if there is one."""
    return vectors if gamma is None else vectors * gamma
