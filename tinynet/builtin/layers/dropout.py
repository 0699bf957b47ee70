"""Dropout."""

import numpy as np
from pydantic import Field

from tinynet.builtin.layers._elementwise import SameShape
from tinynet.layer import Array, Build, Cache, Context, Gradients, LayerConfig, Shape


class Dropout(SameShape):
    """Zeroes elements at random while training.  (N, ...) -> (N, ...).

    Each element is dropped with probability ``rate``, and the others become x / (1 - rate), so
    that the expectation stays; in evaluation y = x. Source: Srivastava et al., 2014.
    """

    operations = 1

    class Config(LayerConfig):
        """Parameters of a `dropout` node."""

        rate: float = Field(ge=0, lt=1, description="Probability that an element is dropped.")

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self._rate = config.rate

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        if not ctx.training or self._rate == 0:
            return x, None
        uniform = ctx.empty(x.shape, np.float32)  # for any dtype of x: the same mask
        ctx.rng.random(dtype=np.float32, out=uniform)
        y, mask = ctx.kernels.dropout(x, uniform, self._rate, ctx.empty)
        return y, mask if ctx.keep else None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        if not ctx.needs_input():
            return (None,), {}
        if not ctx.training or self._rate == 0:
            return (dy,), {}
        dx = ctx.empty(dy.shape, dy.dtype)
        np.multiply(dy, cache, out=dx)
        return (dx,), {}
