"""The rectified linear unit with learned slopes."""

import math

import numpy as np
from pydantic import Field

from tinynet.builtin.layers._axes import sample_axis
from tinynet.builtin.layers._shared_axes import shared_sum
from tinynet.layer import (
    Array,
    Build,
    Cache,
    Context,
    Gradients,
    InitializerReference,
    LayerConfig,
    OnnxGraph,
    Shape,
)


class PReLU:
    """ReLU with learned slopes of the negative side: y = x where x > 0, else alpha * x.

    (N, ...) -> (N, ...). Parameter: ``alpha``, one number for each element of a sample, of the
    sample's shape with size 1 in place of the shared axes. For images (N, H, W, C), ``shared_axes``
    [1, 2] is one number for each channel. The gradient at exactly 0 is ``alpha``.
    Source: He et al., "Delving Deep into Rectifiers", 2015.
    """

    family = "activation"
    per_sample = True

    class Config(LayerConfig):
        """Parameters of a `prelu` node."""

        shared_axes: list[int] = Field(
            default=[],
            description="Axes along which `alpha` is the same. Axis 0 is the batch; negative"
            " numbers count from the end.",
        )
        alpha_initializer: InitializerReference = Field(
            default=InitializerReference(type="zeros"), description="Initializer of `alpha`."
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (self.out_shape,) = in_shapes
        shape = list(self.out_shape)
        for axis in config.shared_axes:
            shape[sample_axis("prelu", axis, self.out_shape)] = 1
        self.params = {"alpha": build.param("alpha", tuple(shape), config.alpha_initializer)}
        self._itemsize = build.dtype.itemsize

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y = np.clip(x, -np.inf, 0, out=ctx.empty(x.shape, x.dtype))
        y *= self.params["alpha"]
        y += np.clip(x, 0, np.inf)
        return y, x if ctx.keep else None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        x, dx, grads = cache, None, {}
        if ctx.needs_param("alpha"):
            product = np.clip(x, -np.inf, 0, out=ctx.empty(dy.shape, dy.dtype))
            product *= dy
            grads["alpha"] = shared_sum(product, self.params["alpha"].shape)
        if ctx.needs_input():
            positive = x > 0
            dx = np.multiply(self.params["alpha"], ~positive, out=ctx.empty(dy.shape, dy.dtype))
            dx += positive
            dx *= dy
        return (dx,), grads

    def cost(self) -> tuple[int, int]:
        size = math.prod(self.out_shape)
        return 4 * size, size * self._itemsize

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return graph.node("PRelu", x, graph.param("alpha"))
