"""The outputs of a network with their losses, and checked calls of these losses."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from tinynet.engine.layer_calls import described, dtype_problem
from tinynet.errors import PluginError
from tinynet.layer.context import Context
from tinynet.loss import CheckedLoss, Loss
from tinynet.spec.consistency import LOSS
from tinynet.text.plugin_errors import PluginErrors, plugin_error
from tinynet.types import Array


@dataclass(frozen=True)
class OutputLoss:
    """An output of a network, with the loss that is minimized for it.

    Attributes:
        output: Name of the output.
        loss: The loss.
        weight: Its factor in the sum over all outputs.
        target: Name of the target in the spec; None where it names none.
        pointer: JSON pointer to the loss in the spec.
    """

    output: str
    loss: Loss
    weight: float = 1.0
    target: str | None = None
    pointer: str = LOSS

    @cached_property
    def checks(self) -> CheckedLoss | None:
        """The loss, if it can check targets before training."""
        return self.loss if isinstance(self.loss, CheckedLoss) else None

    @cached_property
    def takes_weights(self) -> bool:
        """True if the loss's ``forward`` has the parameter ``weights``."""
        try:
            inspect.signature(self.loss.forward).bind("ctx", "outputs", "targets", "weights")
        except TypeError:
            return False
        except ValueError:  # compiled code may have no signature
            return True
        return True

    def errors(self, method: str) -> PluginErrors:
        """Return a context that turns an unexpected exception of a method into a `PluginError`."""
        return PluginErrors(self.loss, f"{method} raised", self.pointer)

    def error(self, message: str) -> PluginError:
        """Return the error of a loss that breaks its protocol."""
        return plugin_error(self.loss, message, self.pointer)


class LossInputs(NamedTuple):
    """The targets and weights of some samples, and the results that are needed.

    Attributes:
        targets: (n, *target_shape) for each output with a loss, by the output's name.
        weights: Weight of each sample, (n,); None where each counts 1.
        gradient_scale: Factor of all gradients; None in evaluation.
        predict: True to compute predictions, too.
    """

    targets: Mapping[str, Array]
    weights: Array | None
    gradient_scale: float | None = None
    predict: bool = True

    def rows(self, rows: slice) -> "LossInputs":
        """Return the same for some of the samples."""
        targets = {name: array[rows] for name, array in self.targets.items()}
        weights = None if self.weights is None else self.weights[rows]
        return self._replace(targets=targets, weights=weights)


class LossResult(NamedTuple):
    """The losses of some samples.

    Attributes:
        losses: Loss of each output, unweighted, summed over the samples.
        predictions: (n, *out_shape) for each output, by name; empty if they are not requested.
        gradients: Gradient of the weighted sum of the losses with respect to each output with a
            loss, (n, *out_shape), by name; empty in evaluation.
    """

    losses: dict[str, float]
    predictions: dict[str, Array]
    gradients: dict[str, Array]


# Checked calls of one loss --------------------------------------------------------------------


def forward(
    part: OutputLoss, ctx: Context, outputs: Array, targets: Array, weights: Array | None = None
) -> tuple[float, Any]:
    """Return the loss summed over the samples, and the cache.

    Raises:
        PluginError: if the loss raises an exception, or does not return (number, cache).
    """
    with part.errors("forward"):
        # A loss without sample weights may lack the parameter.
        optional = () if weights is None else (weights,)
        returned = part.loss.forward(ctx, outputs, targets, *optional)
    if not isinstance(returned, tuple) or len(returned) != 2:
        raise part.error(
            "forward must return (the sum over the samples, cache); it returned"
            f" {described(returned)}",
        )
    value, cache = returned
    if not isinstance(value, Real):
        raise part.error(
            "forward must return the sum over the samples as one number; it returned"
            f" {described(value)}",
        )
    return float(value), cache


def backward(part: OutputLoss, ctx: Context, cache: Any, outputs: Array) -> Array:
    """Return the gradient of the sum with respect to the outputs, in their shape and dtype.

    Raises:
        PluginError: if the loss raises an exception, or returns another shape or dtype.
    """
    with part.errors("backward"):
        gradient = part.loss.backward(ctx, cache)
    if getattr(gradient, "shape", None) != outputs.shape:
        raise part.error(
            f"backward must return the gradient of the outputs, of shape {outputs.shape}; it"
            f" returned {described(gradient)}",
        )
    if gradient.dtype != outputs.dtype:
        message = f"the gradient of the outputs {dtype_problem(outputs.dtype, gradient.dtype)}"
        raise part.error(message)
    return gradient


def predict(part: OutputLoss, outputs: Array) -> Array:
    """Return the predictions of a loss, (n, ...), in an array of their own.

    Raises:
        PluginError: if the loss raises an exception, or does not return a row for each sample.
    """
    with part.errors("predict"):
        values = np.array(part.loss.predict(outputs))
    if values.shape[:1] != outputs.shape[:1]:
        raise part.error(
            f"predict must return a row for each of {len(outputs)} samples; it returned"
            f" {described(values)}",
        )
    return values
