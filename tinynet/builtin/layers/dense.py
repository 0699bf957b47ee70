"""The fully connected layer."""

import math
from typing import ClassVar

from pydantic import Field

from tinynet.builtin.layers._affine import computed, needs, rectified, rescaled
from tinynet.layer import (
    Array,
    Build,
    Cache,
    Context,
    Gradients,
    InitializerReference,
    Layer,
    LayerConfig,
    OnnxGraph,
    Shape,
    ShapeError,
)


class Dense:
    """Affine map of the last axis: y = x @ weight + bias.

    Input (N, ..., I), output (N, ..., units). Parameters: ``weight`` (I, units), ``bias`` (units,).
    """

    family = "core"
    example: ClassVar = {"units": 10}
    per_sample = True
    replayable = True

    class Config(LayerConfig):
        """Parameters of a `dense` node."""

        units: int = Field(ge=1, description="Size of the output's last axis.")
        use_bias: bool = Field(default=True, description="True to add a learned bias.")
        weight_initializer: InitializerReference = Field(
            default=InitializerReference(type="glorot_uniform"),
            description="Initializer of `weight`.",
        )
        bias_initializer: InitializerReference = Field(
            default=InitializerReference(type="zeros"),
            description="Initializer of `bias`.",
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        if not in_shape:
            raise ShapeError("dense needs an input of shape (..., features); it got ()")
        *lead, fan_in = in_shape
        self.out_shape = (*lead, config.units)
        self.params = {
            "weight": build.param("weight", (fan_in, config.units), config.weight_initializer)
        }
        if config.use_bias:
            self.params["bias"] = build.param("bias", (config.units,), config.bias_initializer)

    def forward(self, ctx: Context, x: Array, *, relu: bool = False) -> tuple[Array, Cache]:
        weight, bias = self.params["weight"], self.params.get("bias")
        rows = x.reshape(-1, x.shape[-1])
        y = ctx.kernels.dense(rows, weight, bias, ctx.empty, relu)
        cache = (rows, y if relu else None) if ctx.keep else None
        return y.reshape(*x.shape[:-1], y.shape[1]), cache

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        rows, rectified_y = cache
        weight, needed = self.params["weight"], needs(ctx, self.params, "weight", "bias")
        dx, dweight, dbias = ctx.kernels.dense_backward(
            dy.reshape(-1, dy.shape[-1]), rows, weight, ctx.empty, needed, rectified_y
        )
        dx = None if dx is None else dx.reshape(*dy.shape[:-1], dx.shape[1])
        return (dx,), computed(weight=dweight, bias=dbias)

    def with_relu(self) -> Layer | None:
        # A subclass with a `forward` of its own may compute something else, without the ReLU.
        return rectified(self) if type(self).forward is Dense.forward else None

    def rescaled(self, scale: Array, shift: Array) -> Layer:
        return rescaled(self, scale, shift)

    def cost(self) -> tuple[int, int]:
        fan_in, units = self.params["weight"].shape
        rows = math.prod(self.out_shape[:-1])
        return 2 * rows * fan_in * units, math.prod(self.out_shape) * self.params["weight"].itemsize

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        bias = [graph.param("bias")] if "bias" in self.params else []
        if len(self.out_shape) == 1:
            return graph.node("Gemm", x, graph.param("weight"), *bias)
        y = graph.node("MatMul", x, graph.param("weight"))
        return graph.node("Add", y, *bias) if bias else y
