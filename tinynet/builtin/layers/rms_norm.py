"""Normalization by the root mean square."""

import math

from pydantic import Field

from tinynet.builtin.layers._affine import computed
from tinynet.builtin.layers._onnx import affine
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
    ShapeError,
)


class RMSNorm:
    """Division of each vector along the last axis by its root mean square.

    (N, ..., C) -> (N, ..., C).

        y = x / sqrt(mean(x^2) + epsilon) * gamma

    Parameter: ``gamma`` (C,). Source: Zhang and Sennrich, 2019.
    """

    family = "normalization"
    per_sample = True
    replayable = True

    class Config(LayerConfig):
        """Parameters of an `rms_norm` node."""

        epsilon: float = Field(default=1e-6, gt=0, description="Added to the mean square.")
        scale: bool = Field(default=True, description="True to multiply by a learned `gamma`.")
        gamma_initializer: InitializerReference = Field(
            default=InitializerReference(type="ones"), description="Initializer of `gamma`."
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        if not in_shape:
            raise ShapeError("rms_norm needs an input of shape (..., channels); it got ()")
        self.out_shape = in_shape
        self.params: dict[str, Array] = {}
        if config.scale:
            self.params["gamma"] = build.param("gamma", in_shape[-1:], config.gamma_initializer)
        self._epsilon, self._itemsize = config.epsilon, build.dtype.itemsize

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        rows, gamma = x.reshape(-1, x.shape[-1]), self.params.get("gamma")
        y, saved = ctx.kernels.rms_norm(rows, gamma, self._epsilon, ctx.empty, ctx.keep)
        return y.reshape(x.shape), saved

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        gamma = self.params.get("gamma")
        needed = ctx.needs_input(), gamma is not None and ctx.needs_param("gamma")
        rows = dy.reshape(-1, dy.shape[-1])
        dx, dgamma = ctx.kernels.rms_norm_backward(rows, cache, gamma, ctx.empty, needed)
        return (None if dx is None else dx.reshape(dy.shape),), computed(gamma=dgamma)

    def cost(self) -> tuple[int, int]:
        size = math.prod(self.out_shape)
        # Square, sum, and the two factors.
        return 4 * size, size * self._itemsize

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        mean = graph.node("ReduceMean", graph.node("Mul", x, x), axes=[-1], keepdims=1)
        root = graph.node("Sqrt", graph.node("Add", mean, graph.constant(self._epsilon)))
        return affine(graph, graph.node("Div", x, root), self.params)
