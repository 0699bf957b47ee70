"""The conformance kit for losses."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tinynet.kernels.random import derive
from tinynet.layer.context import Context
from tinynet.loss import CheckedLoss, LossConfig
from tinynet.testing.arrays import (
    Arrays,
    dtype_names,
    floating_point_errors,
    is_float,
    owned,
    read_only,
    require_array,
    require_close,
    require_finite,
    require_same_bits,
    spread,
)
from tinynet.testing.checks import Check, CheckFailed, checks_of, require, run_all
from tinynet.testing.configs import Options, make_config, require_config
from tinynet.testing.gradients import require_gradients
from tinynet.testing.layouts import LAYOUTS
from tinynet.testing.stand_ins import PoisonedWorkspace, StrictContext
from tinynet.testing.state import require_unchanged, snapshots
from tinynet.types import Array, Shape

LARGE = 1e4


@dataclass(frozen=True)
class LossCase:
    """The subject of `check_loss`; its attributes are that function's arguments."""

    loss_class: type[Any]
    options: Options
    out_shape: Shape
    targets: Array
    outputs: Array | None
    dtypes: tuple[str, ...]
    seed: int

    @cached_property
    def loss(self) -> Any:
        return self.loss_class(make_config(self.loss_class, self.options))

    def draw(self, dtype: DTypeLike = "float64", scale: float = 2.0) -> Array:
        """Return outputs of a network, (N, *out_shape)."""
        if self.outputs is not None:
            return owned(self.outputs.astype(dtype))
        shape = (len(self.targets), *self.out_shape)
        return spread(derive("outputs", self.seed), [shape], dtype, scale)[0]

    def drawn_targets(self, dtype: DTypeLike = "float64") -> Array:
        targets = self.targets
        return owned(targets.astype(dtype) if is_float(targets) else targets)

    def weights(self, dtype: DTypeLike = "float64") -> Array | None:
        """Return weights of the samples, one of them 0; None for a loss without weights."""
        if "weights" not in inspect.signature(self.loss.forward).parameters:
            return None
        weights = derive("weights", self.seed).uniform(0.5, 2.0, len(self.targets))
        weights[0] = 0.0
        return weights.astype(dtype)

    def run(
        self,
        ctx: Context | None = None,
        *,
        outputs: Array | None = None,
        rows: slice = slice(None),
        weights: Array | None = None,
    ) -> Arrays:
        """Return value and gradient in float64, copied; of the chosen rows only, if any."""
        outputs = (self.draw() if outputs is None else outputs)[rows]
        ctx = ctx or StrictContext(training=True)
        extra = () if weights is None else (weights[rows],)
        value, cache = self.loss.forward(ctx, outputs, self.drawn_targets()[rows], *extra)
        gradient = self.loss.backward(ctx, cache)
        return {"the loss": np.array(value), "the gradient": np.array(gradient)}


def config(case: LossCase) -> None:
    """Options are validated, described, frozen, and none has a name that specs reserve."""
    require_config(case.loss_class, case.options, LossConfig)


def value_and_gradient(case: LossCase) -> None:
    """The loss is one finite number; its gradient has the outputs' shape and dtype."""
    for dtype in case.dtypes:
        outputs, ctx = case.draw(dtype), Context(training=True)
        value, cache = case.loss.forward(ctx, outputs, case.drawn_targets(dtype))
        require(
            isinstance(value, float),
            f"the loss is a {type(value).__name__} ({value!r}), not a Python float",
        )
        gradient = case.loss.backward(ctx, cache)
        require_array(gradient, f"in {dtype}, the gradient", outputs.shape, dtype)
        require_finite({"the loss": np.array(value), "the gradient": gradient}, f"in {dtype}")


def gradients(case: LossCase) -> None:
    """The gradient agrees with finite differences, with and without weights."""
    for weights in (None, case.weights()):

        def evaluate(values: Arrays, weights: Array | None = weights) -> Array:
            return case.run(outputs=owned(values["outputs"]), weights=weights)["the loss"]

        analytic = {"outputs": case.run(weights=weights)["the gradient"]}
        rng = derive("directions", case.seed)
        require_gradients(evaluate, {"outputs": case.draw()}, analytic, np.ones(()), rng)


def sample_weights(case: LossCase) -> None:
    """Weights of 1 change nothing; a sample of weight 0 has no gradient; weights are linear."""
    weights = case.weights()
    if weights is None:
        return
    ones = case.run(weights=np.ones(len(weights)))
    require_close(case.run(), ones, "with weights of 1")
    weighted = case.run(weights=weights)
    double = case.run(weights=2 * weights)
    twice = {name: 2 * array for name, array in weighted.items()}
    require_close(twice, double, "with all weights doubled")
    require(
        not weighted["the gradient"][0].any(), "a sample of weight 0 has a gradient that is not 0"
    )


def per_sample(case: LossCase) -> None:
    """With per_sample, the losses of the parts of a batch sum to the loss of the whole."""
    if not getattr(case.loss_class, "per_sample", False):
        return
    for weights in (None, case.weights()):
        count = len(case.targets)
        parts = [case.run(rows=slice(i, i + 1), weights=weights) for i in range(count)]
        added = {
            "the loss": np.sum([part["the loss"] for part in parts], axis=0),
            "the gradient": np.concatenate([part["the gradient"] for part in parts]),
        }
        whole = case.run(weights=weights)
        require_close(added, whole, "compared with the sum over the samples one by one")


def batch_of_one(case: LossCase) -> None:
    """A single sample is a batch like any other, and gives finite numbers."""
    require_finite(case.run(rows=slice(0, 1)), "for a batch of one sample")


def pure(case: LossCase) -> None:
    """Neither pass changes the loss, its arguments, or the cache, and each may be repeated."""
    outputs, targets, ctx = case.draw(), case.drawn_targets(), StrictContext(training=True)
    before = snapshots(loss=case.loss, outputs=outputs, targets=targets)
    _, cache = case.loss.forward(ctx, outputs, targets)
    after = snapshots(loss=case.loss, outputs=outputs, targets=targets)
    require_unchanged(before, after, "forward")
    try:
        case.loss.forward(ctx, read_only(outputs), read_only(targets))
    except ValueError as error:
        raise CheckFailed(f"forward writes to a read-only argument ({error})") from error
    kept = snapshots(loss=case.loss, cache=cache)
    first = np.array(case.loss.backward(ctx, cache))
    require_unchanged(kept, snapshots(loss=case.loss, cache=cache), "backward")
    second = np.array(case.loss.backward(ctx, cache))
    require_same_bits({"the gradient": first}, {"the gradient": second}, "in a second backward")


def interleaved_passes(case: LossCase) -> None:
    """Another forward between forward and backward changes nothing."""
    ctx, alone = StrictContext(training=True), case.run()
    value, cache = case.loss.forward(ctx, case.draw(), case.drawn_targets())
    case.run(outputs=case.draw()[::-1].copy())
    gradient = case.loss.backward(ctx, cache)
    together = {"the loss": np.array(value), "the gradient": gradient}
    require_same_bits(alone, together, "with another pass between forward and backward")


def evaluation(case: LossCase) -> None:
    """In evaluation nothing is drawn, and without a cache the loss is the same."""
    forbidden = "ctx.rng is drawn from in evaluation mode"
    values = []
    for keep in (True, False):
        ctx = StrictContext(training=False, keep=keep, forbidden=forbidden)
        value, _ = case.loss.forward(ctx, case.draw(), case.drawn_targets())
        values.append({"the loss": np.array(value)})
    require_close(values[0], values[1], "with keep=False")


def large_values(case: LossCase) -> None:
    """Outputs up to 10,000 give a finite loss, gradient and prediction, and no warning."""
    if case.outputs is not None:
        return  # The author has chosen the outputs: larger ones may be invalid.
    outputs, when = case.draw(scale=LARGE), f"for outputs up to {LARGE:,.0f}"
    with floating_point_errors(when):
        result = case.run(outputs=outputs)
        result["the prediction"] = case.loss.predict(outputs)
    require_finite(result, when)


def memory_layout(case: LossCase) -> None:
    """Outputs that are not contiguous give the same numbers."""
    right = case.run()
    for name, arrange in LAYOUTS.items():
        result = case.run(outputs=arrange(case.draw()))
        require_close(right, result, f"for outputs that are {name}")


def recycled_memory(case: LossCase) -> None:
    """Memory from `ctx.empty` is written before it is read, and not used after the pass."""
    workspace, right = PoisonedWorkspace(), case.run()
    for _ in range(2):
        result = case.run(StrictContext(training=True, workspace=workspace))
        workspace.reset()
        require_close(right, result, "where ctx.empty hands out used memory, full of NaN")


def predictions(case: LossCase) -> None:
    """`predict` returns one row for each sample, independent of the others, and changes nothing."""
    for dtype in case.dtypes:
        outputs = read_only(case.draw(dtype))
        predicted = case.loss.predict(outputs)
        require_array(predicted, f"in {dtype}, the prediction", None, None)
        if is_float(predicted):
            require_array(predicted, f"in {dtype}, the prediction", None, dtype)
        require(
            predicted.shape[:1] == outputs.shape[:1],
            f"predict gives shape {predicted.shape} for outputs of shape {outputs.shape}",
        )
    outputs = case.draw()
    whole, alone = case.loss.predict(outputs), case.loss.predict(outputs[:1].copy())
    require_close({"row 0": whole[:1]}, {"row 0": alone}, "predicted without the other samples")


def good_targets(case: LossCase) -> None:
    """A loss that validates targets accepts these."""
    if not isinstance(case.loss, CheckedLoss):
        return
    case.loss.check_shapes(case.out_shape, case.targets.shape[1:])
    bad = case.loss.bad_target(case.out_shape, case.targets)
    require(bad is None, f"bad_target says of good targets: {bad}")


LOSS_CHECKS = (
    config,
    value_and_gradient,
    gradients,
    sample_weights,
    per_sample,
    batch_of_one,
    pure,
    interleaved_passes,
    evaluation,
    large_values,
    memory_layout,
    recycled_memory,
    predictions,
    good_targets,
)


def loss_checks(
    loss_class: type[Any],
    options: Options,
    out_shape: Sequence[int],
    targets: Array,
    *,
    outputs: Array | None = None,
    dtypes: Sequence[str] = ("float32", "float64"),
    seed: int = 0,
) -> list[Check]:
    """Return the checks of one loss class with one config.

    Args:
        loss_class: The class.
        options: Its config, or its options as in a spec.
        out_shape: Shape of one sample of the network's output.
        targets: Good targets, (N, *target_shape), at least two.
        outputs: (N, *out_shape), for a loss that does not accept all real numbers.
        dtypes: The dtypes that the loss computes in.
        seed: The seed of everything that the checks draw.

    Raises:
        UsageError: for ``dtypes`` that are a single string.
    """
    case = LossCase(
        loss_class,
        options,
        tuple(out_shape),
        np.asarray(targets),
        None if outputs is None else np.asarray(outputs),
        dtype_names(dtypes),
        seed,
    )
    return checks_of(loss_class.__name__, case, LOSS_CHECKS)


def check_loss(
    loss_class: type[Any],
    options: Options,
    out_shape: Sequence[int],
    targets: Array,
    **kwargs: Any,
) -> None:
    """Run all of `loss_checks`, with the same arguments.

    Raises:
        CheckFailed: with one line for each finding.
    """
    run_all(loss_checks(loss_class, options, out_shape, targets, **kwargs))
