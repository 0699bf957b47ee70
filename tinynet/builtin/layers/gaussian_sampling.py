"""Samples of normal distributions, as in variational autoencoders."""

import math
from typing import ClassVar

import numpy as np

from tinynet.layer import (
    Array,
    Build,
    Cache,
    Context,
    Gradients,
    LayerConfig,
    OnnxGraph,
    Shape,
    ShapeError,
)


class GaussianSampling:
    """A draw while training: y = mean + exp(log_variance / 2) * noise; later the mean.

    In evaluation y is the mean. Inputs: mean and log_variance, each (N, ...); output (N, ...). The
    noise is standard normal. So gradients reach both inputs through a random sample.

    Source: Kingma and Welling, "Auto-Encoding Variational Bayes", 2014.

    Raises:
        ShapeError: unless there are two inputs of one shape.
    """

    family = "regularization"
    example: ClassVar = {"inputs": ["mean", "log_variance"]}
    per_sample = True
    Config = LayerConfig

    # Moderate numbers: the exponential of a log_variance of 10,000 is infinite.
    examples = (
        {
            "in_shapes": [[2], [2]],
            "inputs": [[[0.5, -1.2], [0.3, 2.0]], [[-0.7, 0.1], [1.5, -2.5]]],
        },
    )

    def __init__(self, config: LayerConfig, in_shapes: tuple[Shape, ...], build: Build) -> None:
        if len(in_shapes) != 2 or in_shapes[0] != in_shapes[1]:
            shapes = " and ".join(map(str, in_shapes))
            raise ShapeError(
                "gaussian_sampling needs two inputs of one shape, a mean and a log_variance; it got"
                f" {shapes}"
            )
        self.out_shape = in_shapes[0]
        self.params: dict[str, Array] = {}
        self._itemsize = build.dtype.itemsize

    def forward(self, ctx: Context, mean: Array, log_variance: Array) -> tuple[Array, Cache]:
        if not ctx.training:
            return mean, None
        # Drawn in float32 for any dtype: the same noise.
        noise = ctx.rng.standard_normal(mean.shape, np.float32)
        deviation = np.multiply(log_variance, 0.5, out=ctx.empty(mean.shape, mean.dtype))
        np.exp(deviation, out=deviation)
        deviation *= noise
        y = np.add(mean, deviation, out=ctx.empty(mean.shape, mean.dtype))
        return y, deviation if ctx.keep else None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        d_log_variance = None
        if ctx.needs_input(1):
            d_log_variance = ctx.empty(dy.shape, dy.dtype)
            if ctx.training:
                np.multiply(dy, cache, out=d_log_variance)
                d_log_variance *= 0.5
            else:
                d_log_variance.fill(0)
        return (dy if ctx.needs_input(0) else None, d_log_variance), {}

    def to_onnx(self, graph: OnnxGraph, mean: str, log_variance: str) -> str:
        return mean

    def cost(self) -> tuple[int, int]:
        size = math.prod(self.out_shape)
        return 5 * size, 2 * size * self._itemsize
