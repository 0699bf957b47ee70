"""The calls of a loss's methods, held to what the protocol promises."""

from numbers import Real
from typing import Any

import numpy as np

from tinynet import registry
from tinynet.errors import PluginError
from tinynet.layer.context import Context
from tinynet.loss import Loss
from tinynet.network.calls import described, dtype_fault
from tinynet.types import Array


def forward(
    loss: Loss, ctx: Context, outputs: Array, targets: Array, weights: Array | None = None
) -> tuple[float, Any]:
    """The loss summed over samples, and the cache.

    Raises:
        PluginError: if the loss fails, or returns anything else.
    """
    with registry.blaming(loss, "forward"):
        # A loss that knows no weights may leave the argument out.
        more = () if weights is None else (weights,)
        returned = loss.forward(ctx, outputs, targets, *more)
    if not isinstance(returned, tuple) or len(returned) != 2:
        raise _fault(
            loss,
            "forward must return (the sum over the samples, cache); it returned"
            f" {described(returned)}",
        )
    value, cache = returned
    if not isinstance(value, Real):
        raise _fault(
            loss,
            "forward must return the sum over the samples as one number; it returned"
            f" {described(value)}",
        )
    return float(value), cache


def backward(loss: Loss, ctx: Context, cache: Any, outputs: Array) -> Array:
    """The gradient of the sum with respect to ``outputs``, in their shape and dtype.

    Raises:
        PluginError: if the loss fails, or returns anything else.
    """
    with registry.blaming(loss, "backward"):
        gradient = loss.backward(ctx, cache)
    if getattr(gradient, "shape", None) != outputs.shape:
        raise _fault(
            loss,
            f"backward must return the gradient of the outputs, of shape {outputs.shape}; it"
            f" returned {described(gradient)}",
        )
    if gradient.dtype != outputs.dtype:
        message = f"the gradient of the outputs {dtype_fault(outputs.dtype, gradient.dtype)}"
        raise _fault(loss, message)
    return gradient


def predict(loss: Loss, outputs: Array) -> Array:
    """What the loss predicts, in an array of its own, (N, ...).

    Raises:
        PluginError: if the loss fails, or does not predict something of each sample.
    """
    with registry.blaming(loss, "predict"):
        predictions = np.array(loss.predict(outputs))
    if predictions.shape[:1] != outputs.shape[:1]:
        raise _fault(
            loss,
            f"predict must return a row for each of {len(outputs)} samples; it returned"
            f" {described(predictions)}",
        )
    return predictions


def _fault(loss: Loss, message: str) -> PluginError:
    return registry.fault(loss, message)
