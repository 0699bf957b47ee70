"""Batch normalisation."""

import math
from typing import NamedTuple

from pydantic import Field

from tinynet.layer import Array, Build, Cache, Context, Gradients, Shape, ShapeError
from tinynet.layers._gradients import wanted
from tinynet.layers._normalization import NormConfig, affine_params, needs


class Pass(NamedTuple):
    """The cache of one pass.

    Attributes:
        saved: What the kernel keeps for its backward.
        statistics: (mean, biased variance) of the batch, (C,) each; None in evaluation.
        values: How many values of each channel they were taken over.
    """

    saved: Cache
    statistics: tuple[Array, Array] | None
    values: int


class BatchNorm:
    """Normalises each channel over the batch.  (N, ..., C) -> (N, ..., C).

        y = (x - mean) / sqrt(variance + epsilon) * gamma + beta

    In training, mean and biased variance are those of the batch, over every axis but the last; in
    evaluation they are the buffers ``running_mean`` and ``running_var`` (C,). After each training
    step, running = momentum * running + (1 - momentum) * batch, with the unbiased variance; a
    batch of a single value per channel has none, and leaves ``running_var`` as it is. Parameters:
    ``gamma`` (C,), ``beta`` (C,). Source: Ioffe and Szegedy, 2015.
    """

    class Config(NormConfig):
        """Parameters of a `batch_norm` node."""

        momentum: float = Field(
            default=0.9, ge=0, lt=1, description="Share of the old running statistics in the new."
        )

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
        gamma, beta = self.params.get("gamma"), self.params.get("beta")
        running = self.buffers["running_mean"], self.buffers["running_var"]
        given = None if ctx.training else running
        y, statistics, saved = ctx.kernels.batch_norm(
            x, gamma, beta, given, self._epsilon, ctx.empty, ctx.keep
        )
        # In training, `commit` needs the statistics even where no backward follows.
        return y, Pass(saved, statistics if ctx.training else None, x.size // x.shape[-1])

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        dx, dgamma, dbeta = ctx.kernels.batch_norm_backward(
            dy, cache.saved, self.params.get("gamma"), ctx.empty, needs(ctx, self.params)
        )
        return (dx,), wanted(gamma=dgamma, beta=dbeta)

    def commit(self, cache: Cache) -> None:
        """Move the running statistics towards those of a training pass, in place."""
        if cache.statistics is None:
            return
        mean, variance = cache.statistics
        self._move("running_mean", mean)
        if cache.values > 1:
            self._move("running_var", variance * (cache.values / (cache.values - 1)))

    def _move(self, name: str, value: Array) -> None:
        running = self.buffers[name]
        running *= self._momentum
        running += (1 - self._momentum) * value

    def cost(self) -> tuple[int, int]:
        size = math.prod(self.out_shape)
        # As in evaluation, where the statistics are known: subtract, multiply, add.
        return 3 * size, size * self.buffers["running_mean"].itemsize
