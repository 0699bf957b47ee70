"""Layers with an affine map of each channel: their gradients, and the layers that merge with them.

Such a layer has a factor (..., C), and perhaps a term (C,), among its parameters.
"""

from copy import copy
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

from tinynet.layer import Array, Context, Layer
from tinynet.layer.inherited import is_replayable


def needs(
    ctx: Context, params: dict[str, Array], factor: str, term: str
) -> tuple[bool, bool, bool]:
    """Return which of the gradients of (the input, ``factor``, ``term``) are needed."""
    needs_factor = factor in params and ctx.needs_param(factor)
    return ctx.needs_input(), needs_factor, term in params and ctx.needs_param(term)


def computed(**gradients: Array | None) -> dict[str, Array]:
    """Return the computed gradients; kernels return None for those that are not needed."""
    return {name: gradient for name, gradient in gradients.items() if gradient is not None}


def rescaled(layer: Any, scale: Array, shift: Array, scale_of_weight: Array | None = None) -> Layer:
    """Return a copy of a layer that computes y * scale + shift, (C,) each.

    ``scale_of_weight`` is the scale in a shape that fits the weight, if it is not (C,).
    """
    made: Layer = copy(layer)
    bias = layer.params["bias"] * scale + shift if "bias" in layer.params else shift
    factor = scale if scale_of_weight is None else scale_of_weight
    made.params = {"weight": layer.params["weight"] * factor, "bias": bias}
    return made


def rectified(layer: Any) -> Layer:
    """Return the layer with a fused ReLU, which saves a pass over memory: it computes max(y, 0).

    It shares the parameters of ``layer``, whose samples are independent, and whose ``forward``
    takes ``relu``; so does its ``forward_next``, if it has one. Its `unrectified` is ``layer``.
    """
    made = SimpleNamespace(
        unrectified=layer,
        per_sample=True,
        replayable=is_replayable(layer),
        params=layer.params,
        out_shape=layer.out_shape,
        forward=partial(layer.forward, relu=True),
        backward=layer.backward,
    )
    if hasattr(layer, "forward_next"):
        made.start_cache = layer.start_cache
        made.forward_next = partial(layer.forward_next, relu=True)
    return cast(Layer, made)
