"""Activation functions of straight pieces, other than ReLU, and the products with them."""

from typing import ClassVar

import numpy as np
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from tinynet.builtin.layers._elementwise import SlopeFromInput, SlopeFromOutput
from tinynet.layer import Array, Build, LayerConfig, OnnxGraph, Shape


class _Bounded(SlopeFromOutput):
    """y = min(max(x, low), high); the gradient at both bounds is 0."""

    operations = 2
    low: ClassVar[float]
    high: ClassVar[float]

    def evaluate(self, x: Array, y: Array) -> None:
        np.clip(x, self.low, self.high, out=y)

    def slope(self, y: Array, slope: Array) -> None:
        np.greater(y, self.low, out=slope)
        slope *= y < self.high

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return graph.node(
            "Clip", x, graph.constant(self.low * 1.0), graph.constant(self.high * 1.0)
        )


class ReLU6(_Bounded):
    """ReLU with an upper bound: y = min(max(x, 0), 6).  (N, ...) -> (N, ...).

    The gradient at exactly 0 and 6 is 0. Source: Krizhevsky, "Convolutional Deep Belief Networks on
    CIFAR-10", 2010.
    """

    low, high = 0, 6


class HardTanh(_Bounded):
    """A hyperbolic tangent of straight pieces: y = min(max(x, -1), 1).

    (N, ...) -> (N, ...). The gradient at exactly -1 and 1 is 0.
    """

    low, high = -1, 1


class HardSigmoid(SlopeFromOutput):
    """A sigmoid of straight pieces: y = min(max(x / 6 + 1 / 2, 0), 1).  (N, ...) -> (N, ...)."""

    operations = 4

    def evaluate(self, x: Array, y: Array) -> None:
        _hard_sigmoid(x, y)

    def slope(self, y: Array, slope: Array) -> None:
        np.greater(y, 0, out=slope)
        slope *= y < 1
        slope *= 1 / 6

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return graph.node("HardSigmoid", x, alpha=1 / 6, beta=0.5)


class HardSiLU(SlopeFromInput):
    """SiLU with the hard sigmoid, or hard swish: y = x * hard_sigmoid(x).  (N, ...) -> (N, ...).

    Source: Howard et al., "Searching for MobileNetV3", 2019.
    """

    operations = 5

    def evaluate(self, x: Array, y: Array, slope: Array | None) -> None:
        _hard_sigmoid(x, y)
        if slope is not None:
            np.clip(x, -3, 3, out=slope)
            slope *= 1 / 6
            slope *= (y > 0) & (y < 1)
            slope += y
        y *= x

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return graph.node("Mul", x, graph.node("HardSigmoid", x, alpha=1 / 6, beta=0.5))


class Clip(SlopeFromInput):
    """Values limited to a range: y = min(max(x, min), max).  (N, ...) -> (N, ...).

    The gradient is 1 from ``min`` to ``max``, both included, and 0 outside.
    """

    example: ClassVar = {"min": 0, "max": 1}
    operations = 2
    examples = ({"options": {"min": -0.5, "max": 0.5}},)

    class Config(LayerConfig):
        """Parameters of a `clip` node."""

        min: float | None = Field(
            default=None, description="Smallest value of the output; null for no limit."
        )
        max: float | None = Field(
            default=None, description="Largest value of the output; null for no limit."
        )

        @model_validator(mode="after")
        def _check(self) -> "Clip.Config":
            if self.min is None and self.max is None:
                raise PydanticCustomError("clip", 'a limit is expected: set "min", "max" or both')
            if self.min is not None and self.max is not None and self.min >= self.max:
                raise PydanticCustomError(
                    "clip",
                    "a min less than max is expected; they are {min} and {max}",
                    {"min": self.min, "max": self.max},
                )
            return self

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self._min = -np.inf if config.min is None else config.min
        self._max = np.inf if config.max is None else config.max

    def evaluate(self, x: Array, y: Array, slope: Array | None) -> None:
        np.clip(x, self._min, self._max, out=y)
        if slope is not None:
            np.equal(x, y, out=slope)

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return graph.node("Clip", x, graph.constant(self._min), graph.constant(self._max))


class Threshold(SlopeFromInput):
    """A threshold: y = x where x > threshold, else a fixed value.  (N, ...) -> (N, ...).

    The gradient at exactly the threshold is 0.
    """

    example: ClassVar = {"threshold": 0.5}
    operations = 3

    class Config(LayerConfig):
        """Parameters of a `threshold` node."""

        threshold: float = Field(description="Inputs above it are kept.")
        default_value: float = Field(default=0.0, description="Output for all other inputs.")

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self._threshold, self._default_value = config.threshold, config.default_value

    def evaluate(self, x: Array, y: Array, slope: Array | None) -> None:
        y[...] = x
        np.copyto(y, self._default_value, where=x <= self._threshold)
        if slope is not None:
            np.greater(x, self._threshold, out=slope)

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        low = graph.node("LessOrEqual", x, graph.constant(self._threshold))
        return graph.node("Where", low, graph.constant(self._default_value), x)


class _Shrink(SlopeFromOutput):
    """y = 0 where |x| <= threshold; the slope is 1 elsewhere."""

    class Config(LayerConfig):
        """Parameters of a `hard_shrink` or `soft_shrink` node."""

        threshold: float = Field(
            default=0.5, ge=0, description="The output is 0 for inputs up to this absolute value."
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self._threshold = config.threshold

    def slope(self, y: Array, slope: Array) -> None:
        np.not_equal(y, 0, out=slope)


class HardShrink(_Shrink):
    """Hard shrinkage: y = x where |x| > threshold, else 0.  (N, ...) -> (N, ...)."""

    operations = 3

    def evaluate(self, x: Array, y: Array) -> None:
        np.abs(x, out=y)
        np.greater(y, self._threshold, out=y)
        y *= x

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return graph.node("Shrink", x, lambd=self._threshold, bias=0.0)


class SoftShrink(_Shrink):
    """Soft shrinkage: y = x moved towards 0 by threshold, and 0 near 0.  (N, ...) -> (N, ...).

    It is 0 where |x| <= threshold.

    Source: Donoho, "De-noising by Soft-Thresholding", 1995.
    """

    operations = 3

    def evaluate(self, x: Array, y: Array) -> None:
        np.clip(x, -self._threshold, self._threshold, out=y)
        np.subtract(x, y, out=y)

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return graph.node("Shrink", x, lambd=self._threshold, bias=self._threshold)


def _hard_sigmoid(x: Array, y: Array) -> None:
    np.multiply(x, 1 / 6, out=y)
    y += 0.5
    np.clip(y, 0, 1, out=y)
