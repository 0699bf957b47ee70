"""Layers that are affine in each channel of their output: any affine map after them is free."""

from copy import copy
from typing import Any

from tinynet.layer import Array


def rescaled(layer: Any, scale: Array, shift: Array) -> Any:
    """Return the same layer with other parameters, so that it gives y * scale + shift.

    Args:
        layer: A layer with a ``weight`` (..., C), and perhaps a ``bias`` (C,).
        scale: (C,).
        shift: (C,).
    """
    made = copy(layer)
    bias = layer.params["bias"] * scale + shift if "bias" in layer.params else shift
    made.params = {"weight": layer.params["weight"] * scale, "bias": bias}
    return made
