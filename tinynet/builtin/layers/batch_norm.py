"""Batch normalization.

In training, shards of a batch exchange their moments, and in the backward pass the sums of their
gradients: the layer has the ability `tinynet.layer.Summarized`, and the engine calls `summarize`,
`forward_with`, `summarize_gradient` and `backward_with` instead of `forward` and `backward`. With
many shards it merges the moments and sums first, by the ability `tinynet.layer.Mergeable`.
"""

import math
from collections.abc import Sequence
from copy import copy
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
from pydantic import Field

from tinynet.builtin.layers._normalization import NormConfig, affine_params
from tinynet.layer import (
    Array,
    Build,
    Cache,
    Context,
    Gradients,
    Layer,
    OnnxGraph,
    Rectifiable,
    Rescalable,
    Shape,
    ShapeError,
)


class Moments(NamedTuple):
    """The moments of some values of each channel."""

    number: int  # values per channel
    mean: Array  # (C,)
    squares: Array  # sum of their squared distances from the mean, (C,)


class BatchNormCache(NamedTuple):
    """The cache of one pass."""

    saved: Cache  # the values that the kernel saves for its backward
    batch: Moments | None  # of the whole batch; None if the running statistics were used


class BatchNorm:
    """Normalization of each channel over the batch.  (N, ..., C) -> (N, ..., C).

        y = (x - mean) / sqrt(variance + epsilon) * gamma + beta

    In training, mean and biased variance are those of the batch, over every axis but the last; in
    evaluation they are the buffers ``running_mean`` and ``running_var`` (C,). After each training
    step, running = momentum * running + (1 - momentum) * batch, with the unbiased variance; a
    batch of a single value per channel has none, and leaves ``running_var`` as it is. Parameters:
    ``gamma`` (C,), ``beta`` (C,). Source: Ioffe and Szegedy, 2015.
    """

    family = "normalization"
    replayable = True

    class Config(NormConfig):
        """Parameters of a `batch_norm` node."""

        momentum: float = Field(
            default=0.9, ge=0, lt=1, description="Share of the old running statistics in the new."
        )

    _relu = False  # True in a copy that `with_relu` has made

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        if not in_shape:
            raise ShapeError("batch_norm needs an input of shape (..., channels); it got ()")
        channels = in_shape[-1:]
        self.out_shape = in_shape
        self.params = affine_params(config, channels, build)
        self.buffers = {
            "running_mean": build.buffer("running_mean", channels, "zeros"),
            "running_var": build.buffer("running_var", channels, "ones"),
        }
        self._epsilon, self._momentum = config.epsilon, config.momentum

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        if ctx.training:
            return self.forward_with(ctx, (_moments(ctx, x),), x)
        running = self.buffers["running_mean"], self.buffers["running_var"]
        y, saved = self._normalize(ctx, x, *running)
        return y, BatchNormCache(saved, None)

    def summarize(self, ctx: Context, x: Array) -> Moments:
        return _own(_moments(ctx, x))

    def forward_with(
        self, ctx: Context, summaries: Sequence[Moments], x: Array
    ) -> tuple[Array, Cache]:
        batch = _merged(summaries)
        variance = ctx.kernels.divide(batch.squares, batch.number, ctx.empty)
        y, saved = self._normalize(ctx, x, batch.mean, variance)
        # `commit` needs the moments even if no backward follows.
        return y, BatchNormCache(saved, batch)

    def _normalize(
        self, ctx: Context, x: Array, mean: Array, variance: Array
    ) -> tuple[Array, Cache]:
        gamma, beta = self.params.get("gamma"), self.params.get("beta")
        kernels = ctx.kernels
        forward = kernels.batch_norm_relu if self._relu else kernels.batch_norm
        return forward(x, mean, variance, gamma, beta, self._epsilon, ctx.empty, ctx.keep)

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        sums, gradients = self.summarize_gradient(ctx, cache, dy)
        return self.backward_with(ctx, cache, (sums,), dy), gradients

    def summarize_gradient(
        self, ctx: Context, cache: Cache, dy: Array
    ) -> tuple[tuple[Array, Array], dict[str, Array]]:
        kernels = ctx.kernels
        sums = kernels.batch_norm_relu_sums if self._relu else kernels.batch_norm_sums
        dgamma, dbeta = sums(dy, cache.saved, ctx.empty)
        gradients = {"gamma": dgamma, "beta": dbeta}
        needed = {name: gradients[name] for name in self.params if ctx.needs_param(name)}
        return (dgamma, dbeta), needed

    def backward_with(
        self, ctx: Context, cache: Cache, summaries: Sequence[tuple[Array, Array]], dy: Array
    ) -> tuple[Array | None, ...]:
        if not ctx.needs_input():
            return (None,)
        means = None
        if cache.batch is not None:
            dgamma, dbeta = (reduce(np.add, sums) for sums in zip(*summaries, strict=True))
            divide, number = ctx.kernels.divide, cache.batch.number
            means = divide(dgamma, number, ctx.empty), divide(dbeta, number, ctx.empty)
        kernels, gamma = ctx.kernels, self.params.get("gamma")
        backward = kernels.batch_norm_relu_backward if self._relu else kernels.batch_norm_backward
        return (backward(dy, cache.saved, gamma, means, ctx.empty),)

    def merge_summaries(self, first: Moments, second: Moments) -> Moments:
        return _merged((first, second))

    def merge_gradient_summaries(
        self, first: tuple[Array, Array], second: tuple[Array, Array]
    ) -> tuple[Array, Array]:
        return first[0] + second[0], first[1] + second[1]

    def with_relu(self) -> Layer | None:
        # A subclass may compute something else, without the ReLU.
        if type(self) is not BatchNorm:
            return None
        made: Any = copy(self)
        made._relu = True
        layer: Layer = made
        return layer

    def fold_into(self, previous: Layer) -> Layer | None:
        if not isinstance(previous, Rescalable):
            return None
        mean, variance = self.buffers["running_mean"], self.buffers["running_var"]
        scale = 1 / np.sqrt(variance + self._epsilon)
        if "gamma" in self.params:
            scale = scale * self.params["gamma"]
        shift = -mean * scale
        if "beta" in self.params:
            shift = shift + self.params["beta"]
        folded = previous.rescaled(scale, shift)
        if not self._relu:
            return folded
        return folded.with_relu() if isinstance(folded, Rectifiable) else None

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        channels = self.out_shape[-1]
        params = [
            graph.param(name) if name in self.params else graph.constant([neutral] * channels)
            for name, neutral in (("gamma", 1.0), ("beta", 0.0))
        ]
        statistics = graph.param("running_mean"), graph.param("running_var")
        y = graph.node(
            "BatchNormalization",
            graph.channels_first(x),
            *params,
            *statistics,
            epsilon=self._epsilon,
        )
        return graph.channels_last(y)

    def to_commit(self, cache: Cache) -> Cache:
        return cache if cache.batch is None else cache._replace(batch=_own(cache.batch))

    def commit(self, cache: Cache) -> None:
        """Move the running statistics towards those of a training pass, in place."""
        batch = cache.batch
        if batch is None:
            return
        self._move("running_mean", batch.mean)
        if batch.number > 1:
            self._move("running_var", batch.squares / (batch.number - 1))

    def _move(self, name: str, value: Array) -> None:
        running = self.buffers[name]
        running *= self._momentum
        running += (1 - self._momentum) * value

    def cost(self) -> tuple[int, int]:
        size = math.prod(self.out_shape)
        # As in evaluation, where the statistics are known: subtract, multiply, add.
        return 3 * size, size * self.buffers["running_mean"].itemsize


def _moments(ctx: Context, x: Array) -> Moments:
    mean, squares = ctx.kernels.moments(x, ctx.empty)
    return Moments(x.size // x.shape[-1], mean, squares)


def _own(moments: Moments) -> Moments:
    """Return the moments in arrays that are not memory of the workspace."""
    return Moments(moments.number, moments.mean.copy(), moments.squares.copy())


def _merged(parts: Sequence[Moments]) -> Moments:
    """Return the moments of several parts of a batch together (Chan, Golub and LeVeque, 1983)."""
    if len(parts) == 1:
        return parts[0]
    number = sum(part.number for part in parts)
    mean = reduce(np.add, (part.mean * (part.number / number) for part in parts))
    squares = reduce(
        np.add, (part.squares + part.number * np.square(part.mean - mean) for part in parts)
    )
    return Moments(number, mean, squares)
