"""Learned factors of channels."""

import math

import numpy as np
from pydantic import Field

from tinynet.builtin.layers._axes import sample_axes
from tinynet.builtin.layers._onnx import affine
from tinynet.builtin.layers._shared_axes import shared_sum
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
    Rescalable,
    Shape,
)


class Scale:
    """Learned factors, and shifts: y = x * gamma + beta.  (N, ..., C) -> (N, ..., C).

    Parameters: ``gamma`` and, with ``center``, ``beta``, each of the shape of a sample, with size 1
    in place of the axes that ``axis`` does not name. Small initial factors at the end of residual
    branches are the LayerScale of Touvron et al., "Going Deeper with Image Transformers", 2021.

    Raises:
        ShapeError: if an axis does not exist.
    """

    family = "core"
    per_sample = True

    class Config(LayerConfig):
        """Parameters of a `scale` node."""

        axis: int | list[int] = Field(
            default=-1,
            description="The axis whose elements have factors of their own, or the list of such"
            " axes; [] for one factor in all. Axis 0 is the batch; negative numbers count from the"
            " end.",
        )
        center: bool = Field(default=False, description="True to add a learned `beta`.")
        gamma_initializer: InitializerReference = Field(
            default=InitializerReference(type="ones"), description="Initializer of `gamma`."
        )
        beta_initializer: InitializerReference = Field(
            default=InitializerReference(type="zeros"), description="Initializer of `beta`."
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        self.out_shape = in_shape
        own = sample_axes("scale", config.axis, in_shape)
        shape = tuple(size if axis in own else 1 for axis, size in enumerate(in_shape))
        self.params = {"gamma": build.param("gamma", shape, config.gamma_initializer)}
        if config.center:
            self.params["beta"] = build.param("beta", shape, config.beta_initializer)

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y = np.multiply(x, self.params["gamma"], out=ctx.empty(x.shape, x.dtype))
        if "beta" in self.params:
            y += self.params["beta"]
        return y, x if ctx.keep else None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        gamma, grads = self.params["gamma"], {}
        product = ctx.empty(dy.shape, dy.dtype)
        if ctx.needs_param("gamma"):
            grads["gamma"] = shared_sum(np.multiply(dy, cache, out=product), gamma.shape)
        if "beta" in self.params and ctx.needs_param("beta"):
            grads["beta"] = shared_sum(dy, gamma.shape)
        if not ctx.needs_input():
            return (None,), grads
        return (np.multiply(dy, gamma, out=product),), grads

    def fold_into(self, previous: Layer) -> Layer | None:
        gamma = self.params["gamma"]
        of_channels = (*[1] * (gamma.ndim - 1), *self.out_shape[-1:])
        if not isinstance(previous, Rescalable) or gamma.shape != of_channels:
            return None
        beta = self.params.get("beta", np.zeros_like(gamma))
        return previous.rescaled(gamma.reshape(-1), beta.reshape(-1))

    def cost(self) -> tuple[int, int]:
        size = math.prod(self.out_shape)
        return len(self.params) * size, size * self.params["gamma"].itemsize

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return affine(graph, x, self.params)
