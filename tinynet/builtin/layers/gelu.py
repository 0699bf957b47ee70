"""The Gaussian error linear unit."""

import math
from typing import Literal

import numpy as np
from pydantic import Field

from tinynet.builtin.layers._elementwise import SlopeFromInput
from tinynet.builtin.layers._erf import erf
from tinynet.layer import Array, Build, LayerConfig, Shape

_FLAT = 40.0
"""Beyond this |x| the slope is exactly 0 or 1 in float64; clipping here keeps x * x finite."""

_TANH_SCALE = math.sqrt(2 / math.pi)
_TANH_CUBIC = 0.044715


class GELU(SlopeFromInput):
    """Gaussian error linear unit: y = x * Phi(x).  (N, ...) -> (N, ...).

    Phi is the distribution function of the standard normal, (1 + erf(x / sqrt(2))) / 2; with
    ``"approximate": "tanh"`` it is (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))) / 2, which
    differs from it by less than 0.0005. Source: Hendrycks and Gimpel, 2016.
    """

    operations = 60

    class Config(LayerConfig):
        """Parameters of a `gelu` node."""

        approximate: Literal["none", "tanh"] = Field(
            default="none",
            description="'none' for the exact function, 'tanh' for the cheaper approximation.",
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self._evaluate = _tanh_gelu if config.approximate == "tanh" else _gelu

    def evaluate(self, x: Array, y: Array, slope: Array | None) -> None:
        self._evaluate(x, y, slope)


def _gelu(x: Array, y: Array, slope: Array | None) -> None:
    np.multiply(x, math.sqrt(0.5), out=y)
    erf(y, out=y)
    y += 1
    y *= 0.5
    if slope is not None:  # Phi(x) + x * exp(-x^2 / 2) / sqrt(2 pi)
        np.clip(x, -_FLAT, _FLAT, out=slope)
        np.square(slope, out=slope)
        slope *= -0.5
        np.exp(slope, out=slope)
        slope *= 1 / math.sqrt(2 * math.pi)
        slope *= x
        slope += y
    y *= x


def _tanh_gelu(x: Array, y: Array, slope: Array | None) -> None:
    z = np.clip(x, -_FLAT, _FLAT)
    square = z * z
    tanh = np.tanh(_TANH_SCALE * z * (1 + _TANH_CUBIC * square), out=y)
    if slope is not None:
        inner_slope = _TANH_SCALE * (1 + 3 * _TANH_CUBIC * square)
        np.multiply(z * (1 - tanh * tanh), inner_slope, out=slope)
        slope += tanh
        slope += 1
        slope *= 0.5
    y += 1
    y *= 0.5
    y *= x
