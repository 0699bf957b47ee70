"""Exponential linear units: linear where the input is positive, else an exponential curve."""

import numpy as np
from pydantic import Field

from tinynet.builtin.layers._elementwise import SlopeFromOutput
from tinynet.layer import Array, Build, LayerConfig, OnnxGraph, Shape

_SELU_SCALE = 1.0507009873554804934193349852946
_SELU_ALPHA = 1.6732632423543772848170429916717

_FLAT = -40.0
"""Below it, exp(x) - 1 is exactly -1 in float64; clipping here keeps x / alpha finite."""


class ELU(SlopeFromOutput):
    """Exponential linear unit: y = x where x > 0, else alpha * (exp(x) - 1).  (N, ...) -> (N, ...).

    Source: Clevert et al., 2016.
    """

    operations = 5

    class Config(LayerConfig):
        """Parameters of an `elu` node."""

        alpha: float = Field(
            default=1.0, gt=0, description="The output approaches -alpha for very negative inputs."
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self._alpha = config.alpha

    def evaluate(self, x: Array, y: Array) -> None:
        _elu(x, self._alpha, y)

    def slope(self, y: Array, slope: Array) -> None:
        _elu_slope(y, self._alpha, slope)

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return graph.node("Elu", x, alpha=self._alpha)


class SELU(SlopeFromOutput):
    """Scaled ELU: y = scale * x where x > 0, else scale * alpha * (exp(x) - 1).

    (N, ...) -> (N, ...). The scale is 1.0507..., alpha is 1.6733...: with them, and weights of
    variance 1 / inputs, means of 0 and variances of 1 are kept from layer to layer.
    Source: Klambauer et al., 2017.
    """

    operations = 6

    def evaluate(self, x: Array, y: Array) -> None:
        _elu(x, _SELU_ALPHA, y)
        y *= _SELU_SCALE

    def slope(self, y: Array, slope: Array) -> None:
        _elu_slope(y / _SELU_SCALE, _SELU_ALPHA, slope)
        slope *= _SELU_SCALE

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return graph.node("Selu", x, alpha=_SELU_ALPHA, gamma=_SELU_SCALE)


class CELU(SlopeFromOutput):
    """ELU with a continuous slope: y = x where x > 0, else alpha * (exp(x / alpha) - 1).

    (N, ...) -> (N, ...). Source: Barron, 2017.
    """

    operations = 6

    class Config(LayerConfig):
        """Parameters of a `celu` node."""

        alpha: float = Field(
            default=1.0, gt=0, description="The output approaches -alpha for very negative inputs."
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self._alpha = config.alpha

    def evaluate(self, x: Array, y: Array) -> None:
        np.clip(x, _FLAT * self._alpha, 0, out=y)
        y /= self._alpha
        np.expm1(y, out=y)
        y *= self._alpha
        y += np.clip(x, 0, np.inf)

    def slope(self, y: Array, slope: Array) -> None:
        np.clip(y, -np.inf, 0, out=slope)  # exp(x / alpha) = y / alpha + 1 where x <= 0
        slope /= self._alpha
        slope += 1

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return graph.node("Celu", x, alpha=self._alpha)


def _elu(x: Array, alpha: float, y: Array) -> None:
    np.clip(x, -np.inf, 0, out=y)
    np.expm1(y, out=y)
    y *= alpha
    y += np.clip(x, 0, np.inf)


def _elu_slope(y: Array, alpha: float, slope: Array) -> None:
    positive = y > 0
    np.clip(y, -np.inf, 0, out=slope)  # alpha * exp(x) = y + alpha where x <= 0
    slope += alpha
    slope *= ~positive
    slope += positive
