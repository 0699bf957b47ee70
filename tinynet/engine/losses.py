"""The outputs of a network with their losses, and checked calls of these losses."""

import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import Any, NamedTuple, cast

import numpy as np

from tinynet.engine.layer_calls import described, dtype_problem
from tinynet.errors import PluginError, Problem, ShapeError
from tinynet.layer.context import Context
from tinynet.layer.inherited import still_holds
from tinynet.loss import CheckedLoss, CountedLoss, Loss, ReplayableLoss
from tinynet.spec.consistency import LOSS, outputs_of_loss
from tinynet.text.plugin_errors import PluginErrors, plugin_error
from tinynet.types import Array, Shape


@dataclass(frozen=True)
class OutputLoss:
    """A loss that is minimized, for one output of a network or several.

    Attributes:
        name: The name of its output; the names of several are joined: ``left+right``.
        loss: The loss.
        weight: Its factor in the sum over all losses.
        target: Name of the target in the spec; None where it names none.
        pointer: JSON pointer to the loss in the spec.
        out_shapes: Shape of one sample of each of its outputs.
        dtype: NumPy's name of the dtype of weights in `Loss.forward`.
    """

    name: str
    loss: Loss
    weight: float = 1.0
    target: str | None = None
    pointer: str = LOSS
    out_shapes: tuple[Shape, ...] = ()
    dtype: str = "float64"

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        """The names of its outputs."""
        return outputs_of_loss(self.name)

    @cached_property
    def takes_target(self) -> bool:
        """True if it compares its output with a target."""
        return bool(getattr(self.loss, "takes_target", True))

    @cached_property
    def checks(self) -> CheckedLoss | None:
        """The loss, if it can check targets before training."""
        return self.loss if isinstance(self.loss, CheckedLoss) else None

    @cached_property
    def ignored_label(self) -> int | None:
        """The label of targets that do not count; None if every target counts."""
        label = getattr(self.loss, "ignore_label", None)
        return None if label is None else int(label)

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

    def has_positions(self, positions: Shape, target_shape: Shape | None) -> bool:
        """Return True if its outputs, and the target if it takes one, begin with some axes."""
        target = () if target_shape is None else (target_shape,)
        shapes = (*self.out_shapes, *target)
        return all(shape[: len(positions)] == positions for shape in shapes)

    def own_weights(self, weights: Array | None, targets: Array | None) -> Array | None:
        """Return the weights that apply to this loss.

        Weights of positions that its outputs or target lack count each sample once, but not the
        samples without a position that counts. Weights that are too small for the dtype are 0:
        they would have no effect, but count.

        Args:
            weights: Weight of each sample, (N,), or of each position, (N, T); or None.
            targets: Its targets, (N, *target_shape); None for a loss without.
        """
        if weights is None:
            return None
        too_small = (weights != 0) & (np.abs(weights) <= self._rounded_to_0)
        if np.any(too_small):
            weights = np.where(too_small, 0, weights)
        target_shape = None if targets is None else targets.shape[1:]
        if self.has_positions(weights.shape[1:], target_shape):
            return weights
        counts = np.any(weights, axis=tuple(range(1, weights.ndim)))
        return np.asarray(counts, weights.dtype)

    @cached_property
    def _rounded_to_0(self) -> float:
        """The largest weight that is 0 in the dtype."""
        return float(np.finfo(self.dtype).smallest_subnormal) / 2

    def errors(self, method: str) -> PluginErrors:
        """Return a context that turns an unexpected exception of a method into a `PluginError`."""
        return PluginErrors(self.loss, f"{method} raised", self.pointer)

    def error(self, message: str) -> PluginError:
        """Return the error of a loss that breaks its protocol."""
        return plugin_error(self.loss, message, self.pointer)

    @cached_property
    def replayable(self) -> bool:
        """True if the loss can be replayed together with the network.

        The divisor of a mean over positions changes with every batch, which cannot be replayed.
        """
        able = isinstance(self.loss, ReplayableLoss) and still_holds(
            self.loss, "losses_and_gradient"
        )
        return able and self.counted is None and len(self.outputs) == 1

    @cached_property
    def counted(self) -> CountedLoss | None:
        """The loss, if it is a mean over positions that count, and not over samples."""
        is_counted = isinstance(self.loss, CountedLoss) and self.loss.counts_positions
        return cast(CountedLoss, self.loss) if is_counted else None


class LossInputs(NamedTuple):
    """The targets and weights of some samples, and the results that are needed.

    Attributes:
        targets: (n, *target_shape) for each loss with a target, by the loss's name.
        weights: Weight of each sample, (n,), or of each position, (n, T); None where each counts 1.
        scales: Factor of the gradients of each loss, by its name; None in evaluation.
        predict: True to compute predictions, too.
    """

    targets: Mapping[str, Array]
    weights: Array | None
    scales: Mapping[str, float] | None = None
    predict: bool = True

    def rows(self, rows: slice) -> "LossInputs":
        """Return the same for some of the samples."""
        targets = {name: array[rows] for name, array in self.targets.items()}
        weights = None if self.weights is None else self.weights[rows]
        return self._replace(targets=targets, weights=weights)


class LossResult(NamedTuple):
    """The losses of some samples.

    Attributes:
        losses: Each loss, unweighted, summed over the samples, by its name.
        predictions: (n, *out_shape) for each output, by name; empty if they are not requested.
        gradients: Gradient of the weighted sum of the losses with respect to each output with a
            loss, (n, *out_shape), by name; empty in evaluation.
    """

    losses: dict[str, float]
    predictions: dict[str, Array]
    gradients: dict[str, Array]


# Checked calls of one loss --------------------------------------------------------------------


def forward(
    part: OutputLoss,
    ctx: Context,
    outputs: Any,
    targets: Array | None,
    weights: Array | None = None,
) -> tuple[float, Any]:
    """Return the loss summed over the samples, and the cache.

    Args:
        part: The loss.
        ctx: The context of this pass.
        outputs: Its output, (n, *out_shape), or a tuple of several.
        targets: The targets, (n, *target_shape); None for a loss without.
        weights: Weight of each sample or position; see `LossInputs` and `OutputLoss.own_weights`.

    Raises:
        ShapeError: if the weights do not fit the outputs.
        PluginError: if the loss raises an exception, or does not return (number, cache).
    """
    weights = part.own_weights(weights, targets)
    with part.errors("forward"):
        # A loss without sample weights may lack the parameter.
        optional = () if weights is None else (weights,)
        try:
            returned = part.loss.forward(ctx, outputs, cast(Array, targets), *optional)
        except ShapeError as error:  # weights that do not fit are found here first
            if any(problem.pointer for problem in error.problems):
                raise
            raise ShapeError([Problem(str(error), part.pointer)]) from error
    if not isinstance(returned, tuple) or len(returned) != 2:
        raise part.error(
            "forward must return (the sum over the samples, cache); it returned"
            f" {described(returned)}",
        )
    value, cache = returned
    if type(value) is not float and not isinstance(value, Real):
        raise part.error(
            "forward must return the sum over the samples as one number; it returned"
            f" {described(value)}",
        )
    return float(value), cache


def backward(part: OutputLoss, ctx: Context, cache: Any, outputs: Any) -> tuple[Array, ...]:
    """Return the gradient of the sum with respect to each output, in its shape and dtype.

    Raises:
        PluginError: if the loss raises an exception, or returns another shape or dtype.
    """
    with part.errors("backward"):
        returned: Any = part.loss.backward(ctx, cache)
    if not isinstance(outputs, tuple):
        _check_gradient(part, "the gradient of the outputs", returned, outputs)
        return (returned,)
    if not isinstance(returned, tuple) or len(returned) != len(outputs):
        message = f"backward must return a tuple of the gradients of {len(outputs)} outputs"
        raise part.error(f"{message}; it returned {described(returned)}")
    for number, (gradient, output) in enumerate(zip(returned, outputs, strict=True)):
        _check_gradient(part, f"the gradient of output {number}", gradient, output)
    return returned


def _check_gradient(
    part: OutputLoss, what: str, gradient: Any, output: Array, method: str = "backward"
) -> None:
    if getattr(gradient, "shape", None) != output.shape:
        raise part.error(
            f"{method} must return {what}, of shape {output.shape}; it returned"
            f" {described(gradient)}",
        )
    if gradient.dtype != output.dtype:
        raise part.error(f"{what} {dtype_problem(output.dtype, gradient.dtype)}")


def replayed_targets(
    part: OutputLoss, outputs: Shape, dtype: np.dtype[np.generic], targets: Array
) -> Array | None:
    """Return targets as `losses_and_gradient` takes them; None if the loss cannot take them.

    Args:
        part: The loss.
        outputs: The shape of its output, (N, *out_shape).
        dtype: The dtype of its output.
        targets: The targets, (N, *target_shape).

    Raises:
        PluginError: if the loss raises an exception.
    """
    loss: Any = part.loss
    with part.errors("replayed_targets"):
        taken: Array | None = loss.replayed_targets(outputs, targets)
    if taken is None or taken.dtype.kind != "f":
        return taken
    return taken.astype(dtype, copy=False)


def losses_and_gradient(
    part: OutputLoss, ctx: Context, outputs: Array, targets: Array
) -> tuple[Array, Array]:
    """Return losses whose sum is that of the samples, and its gradient; see `ReplayableLoss`.

    Raises:
        PluginError: if the loss raises an exception, or returns another shape or dtype.
    """
    loss = cast(ReplayableLoss, part.loss)
    with part.errors("losses_and_gradient"):
        values, gradient = loss.losses_and_gradient(ctx, outputs, targets)
    _check_gradient(part, "the gradient of the outputs", gradient, outputs, "losses_and_gradient")
    return values, gradient


def count(part: OutputLoss, targets: Array | None, weights: Array | None) -> float:
    """Return the number of positions that count for a loss that is a mean over these.

    Raises:
        PluginError: if the loss raises an exception, or does not return a number.
    """
    loss = cast(CountedLoss, part.loss)
    with part.errors("count"):
        counted = loss.count(cast(Array, targets), part.own_weights(weights, targets))
    if not isinstance(counted, Real) or not math.isfinite(counted) or counted < 0:
        message = f"count must return a number of at least 0; it returned {described(counted)}"
        raise part.error(message)
    return float(counted)


def counted_terms(
    part: OutputLoss, targets: Array | None, weights: Array | None, samples: int
) -> float:
    """Return the number of samples or positions that count for any loss.

    Args:
        part: The loss.
        targets: The targets, (N, *target_shape); None for a loss without.
        weights: Weight of each sample or position; see `LossInputs`.
        samples: Number of samples, N.

    Raises:
        PluginError: if the loss raises an exception, or does not return a number.
    """
    if isinstance(part.loss, CountedLoss):
        return count(part, targets, weights)
    own = part.own_weights(weights, targets)
    return samples if own is None else float(np.count_nonzero(own))


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
