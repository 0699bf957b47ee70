"""Normalization of each sample over groups of its channels."""

import math
from typing import NamedTuple

import numpy as np
from pydantic import Field

from tinynet.builtin.layers._normalization import NormConfig, affine_params
from tinynet.layer import Array, Build, Cache, Context, Gradients, Shape, ShapeError

_ROW = 512
"""Numbers from which NumPy's passes over rows are fast."""


class _Saved(NamedTuple):
    """The values of a pass for `backward`."""

    centered: Array  # x - mean, (N, R, repeats * C)
    inverse: Array  # 1 / sqrt(variance + epsilon), repeated for each channel, (N, C)


class _GroupNorm:
    """y = (x - mean) / sqrt(variance + epsilon) * gamma + beta, over groups of channels.

    In NumPy, a pass over rows of a few channels is slow. So samples are treated as rows of several
    positions, and numbers of channels are repeated to fit such a row.
    """

    per_sample = True

    def __init__(self, config: NormConfig, groups: int, in_shape: Shape, build: Build) -> None:
        channels = in_shape[-1]
        self.out_shape = in_shape
        self.params = affine_params(config, (channels,), build)
        self._groups, self._channels = groups, channels
        self._positions = math.prod(in_shape[:-1])
        self._repeats = next(
            n
            for n in range(1, self._positions + 1)
            if self._positions % n == 0 and (n * channels >= _ROW or n == self._positions)
        )
        self._count = math.prod(in_shape) // groups
        self._epsilon, self._itemsize = config.epsilon, build.dtype.itemsize

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        rows = self._rows(x)
        centered, product = ctx.empty(rows.shape, x.dtype), ctx.empty(rows.shape, x.dtype)
        np.subtract(rows, self._widened(self._group_means(self._sums(rows))), out=centered)
        np.multiply(centered, centered, out=product)
        inverse = self._group_means(self._sums(product))
        inverse += self._epsilon
        np.sqrt(inverse, out=inverse)
        np.reciprocal(inverse, out=inverse)
        y = np.multiply(centered, self._widened(self._scaled(inverse)), out=product)
        if "beta" in self.params:
            y += self._widened(self.params["beta"][None])
        return y.reshape(x.shape), _Saved(centered, inverse) if ctx.keep else None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        centered, inverse = cache
        rows = self._rows(dy)
        product = np.multiply(rows, centered, out=ctx.empty(rows.shape, dy.dtype))
        dgamma, dbeta = self._sums(product), self._sums(rows)
        dgamma *= inverse
        sums = {"gamma": dgamma, "beta": dbeta}
        grads = {name: sums[name].sum(axis=0) for name in self.params if ctx.needs_param(name)}
        if not ctx.needs_input():
            return (None,), grads
        # inverse * (dn - mean(dn) - normal * mean(dn * normal)), where normal = centered * inverse
        # and dn = dy * gamma
        means, slopes = (self._group_means(self._scaled(part)) for part in (dbeta, dgamma))
        dx = np.multiply(
            rows, self._widened(self._scaled(inverse)), out=ctx.empty(rows.shape, dy.dtype)
        )
        dx -= self._widened(inverse * means)
        dx -= np.multiply(centered, self._widened(inverse * inverse * slopes), out=product)
        return (dx.reshape(dy.shape),), grads

    def cost(self) -> tuple[int, int]:
        size = math.prod(self.out_shape)
        # Sum, subtract, square, sum, and the two of the affine map.
        return 6 * size, size * self._itemsize

    def _rows(self, x: Array) -> Array:
        """(N, ..., C) -> (N, R, repeats * C)."""
        return x.reshape(len(x), self._positions // self._repeats, self._repeats * self._channels)

    def _widened(self, vectors: Array) -> Array:
        """Repeat numbers of channels to fit `_rows`: (N, C) -> (N, 1, repeats * C)."""
        repeated = np.empty((len(vectors), self._repeats, self._channels), vectors.dtype)
        repeated[...] = vectors[:, None]
        return repeated.reshape(len(vectors), 1, self._repeats * self._channels)

    def _sums(self, rows: Array) -> Array:
        """Sum over each channel of a sample, as a matrix product: `_rows` -> (N, C)."""
        channels = rows.reshape(len(rows), self._positions, self._channels)
        sums: Array = np.matmul(np.ones((1, self._positions), rows.dtype), channels)
        return sums[:, 0]

    def _group_means(self, sums: Array) -> Array:
        """Return the mean of each channel's group, from the sums of the channels: (N, C)."""
        size = self._channels // self._groups
        groups = sums.reshape(len(sums), self._groups, size).sum(axis=2)
        groups /= self._count
        return np.repeat(groups, size, axis=1)

    def _scaled(self, vectors: Array) -> Array:
        """Multiply numbers of channels by ``gamma``, if there is one."""
        return vectors * self.params["gamma"] if "gamma" in self.params else vectors


class GroupNorm(_GroupNorm):
    """Normalizes each sample over groups of neighboring channels.  (N, ..., C) -> (N, ..., C).

        y = (x - mean) / sqrt(variance + epsilon) * gamma + beta

    Mean and biased variance are taken over the C / groups channels of a group at all positions.
    Parameters: ``gamma`` (C,), ``beta`` (C,). Source: Wu and He, 2018.

    Raises:
        ShapeError: if ``groups`` does not divide the channels, or a group is a single number.
    """

    examples = ({"options": {"groups": 2}},)

    class Config(NormConfig):
        """Parameters of a `group_norm` node."""

        groups: int = Field(
            default=32, ge=1, description="Number of groups; it divides the number of channels."
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        if not in_shape:
            raise ShapeError("group_norm needs an input of shape (..., channels); it got ()")
        channels, groups = in_shape[-1], config.groups
        if channels % groups:
            fitting = max(n for n in range(1, min(groups, channels) + 1) if channels % n == 0)
            raise ShapeError(
                f"group_norm cannot divide {channels} channels into {groups} groups; set"
                f' "groups" to a divisor of {channels}, such as {fitting}'
            )
        if math.prod(in_shape) == groups:
            raise ShapeError(
                f"group_norm with {groups} groups would normalize single numbers of an input of"
                f' shape {in_shape}, and give 0; set "groups" to a smaller divisor of {channels}'
            )
        super().__init__(config, groups, in_shape, build)


class InstanceNorm(_GroupNorm):
    """Normalizes each channel of a sample over all positions.  (N, ..., C) -> (N, ..., C).

        y = (x - mean) / sqrt(variance + epsilon) * gamma + beta

    Mean and biased variance are taken over every axis but the last, for each sample by itself.
    Parameters: ``gamma`` (C,), ``beta`` (C,). Source: Ulyanov et al., 2016.

    Raises:
        ShapeError: if a channel of a sample has a single number.
    """

    class Config(NormConfig):
        """Parameters of an `instance_norm` node."""

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        if math.prod(in_shape[:-1]) == 1:
            raise ShapeError(
                "instance_norm needs an input of shape (..., positions, channels), with more than"
                f" one position; it got {in_shape}"
            )
        super().__init__(config, in_shape[-1], in_shape, build)
