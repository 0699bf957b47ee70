"""Random Fourier features: a layer for tinynet that names itself ``fourier_features``."""

import math
from typing import Any

import numpy as np
from pydantic import Field

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


class FourierFeatures:
    """Waves of random frequency and phase: y = sqrt(2 / units) * cos(x @ weight + bias).

    Inner products of the features approximate the Gaussian kernel of their inputs,
    exp(-|a - b|^2 / (2 length_scale^2)), so that a linear layer after them is a kernel machine
    (Rahimi & Recht, 2007, "Random Features for Large-Scale Kernel Machines").

    Input (N, ..., I), output (N, ..., units). Parameters: ``weight`` (I, units), the frequencies,
    drawn from N(0, 1 / length_scale^2); ``bias`` (units,), the phases, uniform in [0, 2 pi).
    ``"trainable": false`` in the spec keeps them as they were drawn.
    """

    per_sample = True
    examples: tuple[dict[str, Any], ...] = (
        {"options": {"units": 6, "length_scale": 0.5}, "in_shapes": [[5]]},
        {"options": {"units": 1}, "in_shapes": [[3, 4]]},
    )

    class Config(LayerConfig):
        """Parameters of a `fourier_features` node."""

        units: int = Field(ge=1, description="Number of features: size of the output's last axis.")
        length_scale: float = Field(
            default=1.0,
            gt=0,
            description="Distance over which samples count as alike, in units of the input.",
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        if not in_shape:
            raise ShapeError("fourier_features needs an input of shape (..., features); it got ()")
        *lead, fan_in = in_shape
        self.out_shape = (*lead, config.units)
        self._scale = math.sqrt(2 / config.units)

        def frequencies(rng: np.random.Generator, shape: Shape, *_: Any) -> Array:
            return rng.normal(0, 1 / config.length_scale, shape)

        def phases(rng: np.random.Generator, shape: Shape, *_: Any) -> Array:
            return rng.uniform(0, 2 * math.pi, shape)

        self.params = {
            "weight": build.param("weight", (fan_in, config.units), frequencies),
            "bias": build.param("bias", (config.units,), phases),
        }

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        angle = x @ self.params["weight"] + self.params["bias"]
        return self._scale * np.cos(angle), (x, angle)

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        x, angle = cache
        d_angle = -self._scale * np.sin(angle) * dy
        rows, d_rows = x.reshape(-1, x.shape[-1]), d_angle.reshape(-1, d_angle.shape[-1])
        grads = {"weight": rows.T @ d_rows, "bias": d_rows.sum(axis=0)}
        return (d_angle @ self.params["weight"].T,), grads

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        angle = graph.node("MatMul", x, graph.param("weight"))
        angle = graph.node("Add", angle, graph.param("bias"))
        return graph.node("Mul", graph.node("Cos", angle), graph.constant(self._scale))
