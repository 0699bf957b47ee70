"""Bilinear maps of two inputs."""

import math
from typing import ClassVar

import numpy as np
from pydantic import Field

from tinynet.builtin.layers._affine import computed, needs
from tinynet.builtin.layers._broadcast import format_shapes
from tinynet.builtin.layers._merge import require_two
from tinynet.builtin.layers._onnx import projected
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


class Bilinear:
    """Bilinear map of the last axes of two inputs: y_k = sum_ij a_i * weight_ijk * b_j + bias_k.

    (N, ..., A), (N, ..., B) -> (N, ..., units). Parameters: ``weight`` (A, B, units), ``bias``
    (units,).

    Raises:
        ShapeError: unless there are two inputs, with the same axes before the last.
    """

    family = "merging"
    example: ClassVar = {"units": 10, "inputs": ["dense_1", "dense_2"]}
    per_sample = True

    class Config(LayerConfig):
        """Parameters of a `bilinear` node."""

        units: int = Field(ge=1, description="Size of the output's last axis.")
        use_bias: bool = Field(default=True, description="True to add a learned bias.")
        weight_initializer: InitializerReference = Field(
            default=InitializerReference(type="glorot_uniform"),
            description="Initializer of `weight`.",
        )
        bias_initializer: InitializerReference = Field(
            default=InitializerReference(type="zeros"), description="Initializer of `bias`."
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        require_two("bilinear", in_shapes)
        if () in in_shapes or in_shapes[0][:-1] != in_shapes[1][:-1]:
            raise ShapeError(
                "bilinear needs two inputs of shape (..., features), with the same axes before the"
                f" last; it got {format_shapes(in_shapes)}"
            )
        (*lead, first), (*_, second) = in_shapes
        self.out_shape = (*lead, config.units)
        weight = build.param(
            "weight",
            (first, second, config.units),
            config.weight_initializer,
            fan_in=first * second,
            fan_out=config.units,
        )
        self.params = {"weight": weight}
        if config.use_bias:
            self.params["bias"] = build.param("bias", (config.units,), config.bias_initializer)
        self._in_shapes = in_shapes
        self._itemsize = build.dtype.itemsize

    def forward(self, ctx: Context, a: Array, b: Array) -> tuple[Array, Cache]:
        rows = a.reshape(-1, a.shape[-1], 1), b.reshape(-1, 1, b.shape[-1])
        weight, bias = self.params["weight"], self.params.get("bias")
        products = self._products(ctx, *rows)
        y = ctx.kernels.dense(products, weight.reshape(-1, weight.shape[2]), bias, ctx.empty)
        cache = (*rows, products) if ctx.keep else None
        return y.reshape(len(a), *self.out_shape), cache

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        a, b, products = cache
        weight = self.params["weight"]
        _, needs_weight, needs_bias = needs(ctx, self.params, "weight", "bias")
        needs_inputs = ctx.needs_input(0), ctx.needs_input(1)
        dproducts, dweight, dbias = ctx.kernels.dense_backward(
            dy.reshape(-1, dy.shape[-1]),
            products,
            weight.reshape(-1, weight.shape[2]),
            ctx.empty,
            (any(needs_inputs), needs_weight, needs_bias),
        )
        dweight = None if dweight is None else dweight.reshape(weight.shape)
        of_inputs: list[Array | None] = [None, None]
        if dproducts is not None:
            dproducts = dproducts.reshape(-1, *weight.shape[:2])
            if needs_inputs[0]:
                of_inputs[0] = self._gradient(ctx, 0, dproducts, b.swapaxes(1, 2))
            if needs_inputs[1]:
                of_inputs[1] = self._gradient(ctx, 1, dproducts.swapaxes(1, 2), a)
        return tuple(of_inputs), computed(weight=dweight, bias=dbias)

    def to_onnx(self, graph: OnnxGraph, a: str, b: str) -> str:
        (*lead, first), (*_, second) = self._in_shapes
        rows, columns = graph.reshape(a, (*lead, first, 1)), graph.reshape(b, (*lead, 1, second))
        products = graph.reshape(graph.node("Mul", rows, columns), (*lead, first * second))
        weight = self.params["weight"].reshape(first * second, -1)
        bias = graph.param("bias") if "bias" in self.params else None
        return projected(graph, products, graph.param("weight", weight), bias)

    def cost(self) -> tuple[int, int]:
        size = math.prod(self.out_shape)
        first, second, _ = self.params["weight"].shape
        return (2 * size + math.prod(self.out_shape[:-1])) * first * second, size * self._itemsize

    def _products(self, ctx: Context, a: Array, b: Array) -> Array:
        """Return the products of all pairs of features: (R, A, 1), (R, 1, B) -> (R, A * B)."""
        shape = (len(a), a.shape[1], b.shape[2])
        products = np.multiply(a, b, out=ctx.empty(shape, a.dtype))
        return products.reshape(len(a), shape[1] * shape[2])

    def _gradient(self, ctx: Context, index: int, dproducts: Array, other: Array) -> Array:
        """Return the gradient of an input: dproducts (R, own, other), other (R, other, 1)."""
        shape = (*dproducts.shape[:2], 1)
        gradient = np.matmul(dproducts, other, out=ctx.empty(shape, dproducts.dtype))
        return gradient.reshape(-1, *self._in_shapes[index])
