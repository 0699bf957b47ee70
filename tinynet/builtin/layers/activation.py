"""The layer that applies an activation function by its name."""

from typing import Any, ClassVar, Literal, Protocol

from pydantic import Field

from tinynet.builtin.layers.activations import LeakyReLU, ReLU, Sigmoid, SiLU, Tanh
from tinynet.builtin.layers.exponential_linear import CELU, ELU, SELU
from tinynet.builtin.layers.gated import GLU, SwiGLU
from tinynet.builtin.layers.gelu import GELU
from tinynet.builtin.layers.piecewise_activations import (
    HardShrink,
    HardSigmoid,
    HardSiLU,
    HardTanh,
    ReLU6,
    SoftShrink,
)
from tinynet.builtin.layers.smooth_activations import (
    Exponential,
    LogSigmoid,
    Mish,
    Softplus,
    Softsign,
    TanhShrink,
)
from tinynet.builtin.layers.softmax import LogSoftmax, Softmax, Sparsemax
from tinynet.layer import (
    Array,
    Build,
    Cache,
    Context,
    Costed,
    Exportable,
    Fusable,
    Gradients,
    Layer,
    LayerConfig,
    OnnxGraph,
    Shape,
)

FUNCTIONS: dict[str, Any] = {
    "celu": CELU,
    "elu": ELU,
    "exponential": Exponential,
    "gelu": GELU,
    "glu": GLU,
    "hard_shrink": HardShrink,
    "hard_sigmoid": HardSigmoid,
    "hard_silu": HardSiLU,
    "hard_tanh": HardTanh,
    "leaky_relu": LeakyReLU,
    "log_sigmoid": LogSigmoid,
    "log_softmax": LogSoftmax,
    "mish": Mish,
    "relu": ReLU,
    "relu6": ReLU6,
    "selu": SELU,
    "sigmoid": Sigmoid,
    "silu": SiLU,
    "soft_shrink": SoftShrink,
    "softmax": Softmax,
    "softplus": Softplus,
    "softsign": Softsign,
    "sparsemax": Sparsemax,
    "swiglu": SwiGLU,
    "tanh": Tanh,
    "tanh_shrink": TanhShrink,
}
"""The layers that need no options, by their names."""


class _Function(Layer, Costed, Exportable, Protocol):
    """A layer of `FUNCTIONS`."""


class Activation:
    """An activation function by its name, with its default options.

    ``{"type": "activation", "activation": "relu"}`` computes the same as ``{"type": "relu"}``, so
    that a function can be a variable or a block's parameter. (N, ...) -> (N, ...), except `glu` and
    `swiglu`, which halve the last axis.

    Attributes:
        function: The name of the function.
    """

    family = "activation"
    example: ClassVar = {"activation": "relu"}
    per_sample = True

    class Config(LayerConfig):
        """Parameters of an `activation` node."""

        activation: Literal[
            "celu",
            "elu",
            "exponential",
            "gelu",
            "glu",
            "hard_shrink",
            "hard_sigmoid",
            "hard_silu",
            "hard_tanh",
            "leaky_relu",
            "log_sigmoid",
            "log_softmax",
            "mish",
            "relu",
            "relu6",
            "selu",
            "sigmoid",
            "silu",
            "soft_shrink",
            "softmax",
            "softplus",
            "softsign",
            "sparsemax",
            "swiglu",
            "tanh",
            "tanh_shrink",
        ] = Field(description="The type of the layer that computes the function.")

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        self.function = config.activation
        function = FUNCTIONS[config.activation]
        self._layer: _Function = function(function.Config(), in_shapes, build)
        self.out_shape = self._layer.out_shape
        self.params: dict[str, Array] = {}

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        return self._layer.forward(ctx, x)

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        return self._layer.backward(ctx, cache, dy)

    def fuse_into(self, previous: Layer) -> Layer | None:
        return self._layer.fuse_into(previous) if isinstance(self._layer, Fusable) else None

    def cost(self) -> tuple[int, int]:
        return self._layer.cost()

    def to_onnx(self, graph: OnnxGraph, x: str) -> str | tuple[str, ...]:
        return self._layer.to_onnx(graph, x)
