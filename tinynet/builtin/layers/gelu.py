"""The Gaussian error linear unit."""

import math
from typing import Literal

from pydantic import Field

from tinynet.builtin.layers._elementwise import StoredSlope
from tinynet.layer import Array, Build, Cache, Context, LayerConfig, OnnxGraph, Shape


class GELU(StoredSlope):
    """Gaussian error linear unit: y = x * Phi(x).  (N, ...) -> (N, ...).

    Phi is the distribution function of the standard normal, (1 + erf(x / sqrt(2))) / 2; with
    ``"approximate": "tanh"`` it is (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))) / 2, which
    differs from it by less than 0.0005. Source: Hendrycks and Gimpel, 2016.
    """

    operations = 60
    replayable = True

    class Config(LayerConfig):
        """Parameters of a `gelu` node."""

        approximate: Literal["none", "tanh"] = Field(
            default="none",
            description="'none' for the exact function, 'tanh' for the cheaper approximation.",
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self._approximate = config.approximate == "tanh"

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        keep = ctx.keep and ctx.needs_input()
        return ctx.kernels.gelu(x, self._approximate, ctx.empty, keep)

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        if self._approximate:
            cube = graph.node("Mul", x, graph.node("Mul", x, x))
            inner = graph.node("Add", x, graph.node("Mul", cube, graph.constant(0.044715)))
            scaled = graph.node("Mul", inner, graph.constant(math.sqrt(2 / math.pi)))
            curve = graph.node("Tanh", scaled)
        else:
            curve = graph.node("Erf", graph.node("Mul", x, graph.constant(math.sqrt(0.5))))
        share = graph.node(
            "Mul", graph.node("Add", curve, graph.constant(1.0)), graph.constant(0.5)
        )
        return graph.node("Mul", x, share)
