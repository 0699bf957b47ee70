"""The Gaussian error linear unit."""

import math

import numpy as np

from tinynet.kernels.erf import erf
from tinynet.kernels.memory import Empty
from tinynet.types import Array

_FLAT = 40.0
"""Beyond this |x| the slope is exactly 0 or 1 in float64; clipping here keeps x * x finite."""

_TANH_SCALE = math.sqrt(2 / math.pi)
_TANH_CUBIC = 0.044715


def gelu(x: Array, approximate: bool, empty: Empty, keep: bool) -> tuple[Array, Array | None]:
    """See `Kernels.gelu`."""
    y = empty(x.shape, x.dtype)
    slope = empty(x.shape, x.dtype) if keep else None
    (_tanh_gelu if approximate else _gelu)(x, y, slope)
    return y, slope


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
