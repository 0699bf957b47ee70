"""The softmax function as a layer."""

import numpy as np
from pydantic import Field

from tinynet.builtin.layers._elementwise import SameShape
from tinynet.functional import softmax
from tinynet.layer import Array, Build, Cache, Context, Gradients, LayerConfig, Shape, ShapeError


class Softmax(SameShape):
    """Values that are positive and sum to 1 along an axis: y = exp(x) / sum(exp(x)).

    (N, ...) -> (N, ...). Omit it before the loss `softmax_cross_entropy`, which takes logits.
    """

    operations = 4

    class Config(LayerConfig):
        """Parameters of a `softmax` node."""

        axis: int = Field(
            default=-1, le=-1, description="The axis that sums to 1, counted from the last, -1."
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        if -config.axis > len(self.out_shape):
            raise ShapeError(
                f"softmax along axis {config.axis} needs a sample of at least {-config.axis} axes;"
                f" it got {self.out_shape}"
            )
        self._axis = config.axis

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y = softmax(x, self._axis, out=ctx.empty(x.shape, x.dtype))
        return y, y if ctx.keep else None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        if not ctx.needs_input():
            return (None,), {}
        y = cache
        dx = ctx.empty(dy.shape, dy.dtype)
        np.multiply(dy, y, out=dx)
        np.subtract(dy, dx.sum(axis=self._axis, keepdims=True), out=dx)
        dx *= y
        return (dx,), {}
