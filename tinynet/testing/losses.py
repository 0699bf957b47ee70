"""The conformance kit for losses.

A loss of several outputs (``output_count = 2``) is checked with a shape for each, and one without a
target (``takes_target = False``) without targets:

    check_loss(Distance, {}, [(4,), (4,)], targets)
    check_loss(Sparsity, {"l1": 0.01}, (4,))
    check_loss(Distillation, {}, [(5,), (5,)], constants=[1])

``constants`` are the numbers of the outputs that a loss takes for constants, such as those of a
teacher: their gradients must be zeros. All other gradients are compared with finite differences.
"""

from collections.abc import Sequence
from numbers import Real
from typing import Any, cast

import numpy as np

from tinynet.kernels.random import derive
from tinynet.layer.context import Context
from tinynet.loss import CheckedLoss, CountedLoss, LossConfig
from tinynet.testing.arrays import (
    Arrays,
    floating_point_errors,
    is_float,
    owned,
    read_only,
    require_array,
    require_close,
    require_finite,
    require_same_bits,
)
from tinynet.testing.checks import Check, CheckFailed, checks_of, require, run_all
from tinynet.testing.configs import Options, require_config
from tinynet.testing.gradients import require_gradients
from tinynet.testing.layouts import LAYOUTS
from tinynet.testing.loss_case import LossCase, loss_case, output_count
from tinynet.testing.loss_replay import replayed
from tinynet.testing.stand_ins import PoisonedWorkspace, StrictContext
from tinynet.testing.state import require_unchanged, snapshots
from tinynet.types import Array, Shape

LARGE = 1e4


def config(case: LossCase) -> None:
    """Options are validated, described, frozen, and none has a name that specs reserve."""
    require_config(case.loss_class, case.options, LossConfig)


def value_and_gradient(case: LossCase) -> None:
    """The loss is one finite number; each gradient has its output's shape and dtype."""
    for dtype in case.dtypes:
        outputs, ctx = case.draw(dtype), Context(training=True)
        value, cache = case.forward(ctx, outputs, case.drawn_targets(dtype))
        require(
            isinstance(value, float),
            f"the loss is a {type(value).__name__} ({value!r}), not a Python float",
        )
        gradients = case.backward(ctx, cache)
        for output, (name, gradient) in zip(outputs, gradients.items(), strict=True):
            require_array(gradient, f"in {dtype}, {name}", output.shape, dtype)
        require_finite({"the loss": np.array(value), **gradients}, f"in {dtype}")


def gradients(case: LossCase) -> None:
    """Gradients agree with finite differences, with and without weights; constants have zeros."""
    for weights in (None, case.weights()):
        result = case.run(weights=weights)
        analytic = dict(
            zip(case.output_names, map(result.__getitem__, case.gradient_names), strict=True)
        )
        drawn = dict(zip(case.output_names, case.draw(), strict=True))
        for number in case.constants:
            constant = case.output_names[number]
            require(not analytic.pop(constant).any(), f"the gradient of {constant} is not 0")

        def evaluate(
            values: Arrays, weights: Array | None = weights, drawn: Arrays = drawn
        ) -> Array:
            outputs = tuple(owned(array) for array in {**drawn, **values}.values())
            return case.run(outputs=outputs, weights=weights)["the loss"]

        point = {name: drawn[name] for name in analytic}
        rng = derive("directions", case.seed)
        require_gradients(evaluate, point, analytic, np.ones(()), rng)


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
        not any(weighted[name][0].any() for name in case.gradient_names),
        "a sample of weight 0 has a gradient that is not 0",
    )


def per_sample(case: LossCase) -> None:
    """With per_sample, the losses of the parts of a batch sum to the loss of the whole."""
    if not getattr(case.loss_class, "per_sample", False):
        return
    for weights in (None, case.weights()):
        parts = [case.run(rows=slice(i, i + 1), weights=weights) for i in range(case.samples)]
        added = {"the loss": np.sum([part["the loss"] for part in parts], axis=0)}
        for name in case.gradient_names:
            added[name] = np.concatenate([part[name] for part in parts])
        whole = case.run(weights=weights)
        require_close(added, whole, "compared with the sum over the samples one by one")


def counts(case: LossCase) -> None:
    """The positions that count are a number, the same for weights of 1, and the sum of parts."""
    if not (isinstance(case.loss, CountedLoss) and case.loss.counts_positions):
        return
    targets = case.drawn_targets()
    assert targets is not None
    rows = [slice(i, i + 1) for i in range(case.samples)]
    ones = np.ones(case.samples)
    for weights in (None, ones, case.weights()):
        count = case.loss.count(read_only(targets), weights)
        good = isinstance(count, Real) and np.isfinite(count) and count >= 0
        require(good, f"count returns {count!r} instead of a number of at least 0")
        parts = [case.loss.count(targets[r], None if weights is None else weights[r]) for r in rows]
        when = f"the samples one by one count {sum(parts)}, but together {count}"
        require(abs(sum(parts) - count) <= 1e-9 * max(1.0, count), when)
    same = case.loss.count(targets, None) == case.loss.count(targets, ones)
    require(same, "weights of 1 change the count")


def batch_of_one(case: LossCase) -> None:
    """A single sample is a batch like any other, and gives finite numbers."""
    require_finite(case.run(rows=slice(0, 1)), "for a batch of one sample")


def pure(case: LossCase) -> None:
    """Neither pass changes the loss, its arguments, or the cache, and each may be repeated."""
    outputs, targets, ctx = case.draw(), case.drawn_targets(), StrictContext(training=True)
    before = snapshots(loss=case.loss, outputs=case.passed(outputs), targets=targets)
    _, cache = case.forward(ctx, outputs, targets)
    after = snapshots(loss=case.loss, outputs=case.passed(outputs), targets=targets)
    require_unchanged(before, after, "forward")
    locked = None if targets is None else read_only(targets)
    try:
        case.forward(ctx, tuple(map(read_only, outputs)), locked)
    except ValueError as error:
        raise CheckFailed(f"forward writes to a read-only argument ({error})") from error
    kept = snapshots(loss=case.loss, cache=cache)
    first = {name: np.array(array) for name, array in case.backward(ctx, cache).items()}
    require_unchanged(kept, snapshots(loss=case.loss, cache=cache), "backward")
    second = {name: np.array(array) for name, array in case.backward(ctx, cache).items()}
    require_same_bits(first, second, "in a second backward")


def interleaved_passes(case: LossCase) -> None:
    """Another forward between forward and backward changes nothing."""
    ctx, alone = StrictContext(training=True), case.run()
    value, cache = case.forward(ctx, case.draw(), case.drawn_targets())
    case.run(outputs=tuple(output[::-1].copy() for output in case.draw()))
    together = {"the loss": np.array(value), **case.backward(ctx, cache)}
    require_same_bits(alone, together, "with another pass between forward and backward")


def evaluation(case: LossCase) -> None:
    """In evaluation nothing is drawn, and without a cache the loss is the same."""
    forbidden = "ctx.rng is drawn from in evaluation mode"
    values = []
    for keep in (True, False):
        ctx = StrictContext(training=False, keep=keep, forbidden=forbidden)
        value, _ = case.forward(ctx, case.draw(), case.drawn_targets())
        values.append({"the loss": np.array(value)})
    require_close(values[0], values[1], "with keep=False")


def large_values(case: LossCase) -> None:
    """Outputs up to 10,000 give a finite loss, gradient and prediction, and no warning."""
    if case.outputs is not None:
        return  # The author has chosen the outputs: larger ones may be invalid.
    outputs, when = case.draw(scale=LARGE), f"for outputs up to {LARGE:,.0f}"
    with floating_point_errors(when):
        result = case.run(outputs=outputs)
        if output_count(case.loss_class) == 1:
            result["the prediction"] = case.loss.predict(outputs[0])
    require_finite(result, when)


def memory_layout(case: LossCase) -> None:
    """Outputs that are not contiguous give the same numbers."""
    right = case.run()
    for name, arrange in LAYOUTS.items():
        result = case.run(outputs=tuple(map(arrange, case.draw())))
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
    if output_count(case.loss_class) > 1:
        return  # The predictions of several outputs are the outputs.
    for dtype in case.dtypes:
        outputs = read_only(case.draw(dtype)[0])
        predicted = case.loss.predict(outputs)
        require_array(predicted, f"in {dtype}, the prediction", None, None)
        if is_float(predicted):
            require_array(predicted, f"in {dtype}, the prediction", None, dtype)
        require(
            predicted.shape[:1] == outputs.shape[:1],
            f"predict gives shape {predicted.shape} for outputs of shape {outputs.shape}",
        )
    (outputs,) = case.draw()
    whole, alone = case.loss.predict(outputs), case.loss.predict(outputs[:1].copy())
    require_close({"row 0": whole[:1]}, {"row 0": alone}, "predicted without the other samples")


def good_targets(case: LossCase) -> None:
    """A loss that validates shapes and targets accepts these."""
    if not isinstance(case.loss, CheckedLoss):
        return
    out_shape, targets = case.passed(case.out_shapes), case.targets
    if targets is None:
        case.loss.check_shapes(out_shape, cast(Shape, None))
        return
    case.loss.check_shapes(out_shape, targets.shape[1:])
    bad = case.loss.bad_target(out_shape, targets)
    require(bad is None, f"bad_target says of good targets: {bad}")


LOSS_CHECKS = (
    config,
    value_and_gradient,
    gradients,
    sample_weights,
    per_sample,
    counts,
    batch_of_one,
    pure,
    interleaved_passes,
    evaluation,
    large_values,
    memory_layout,
    recycled_memory,
    predictions,
    good_targets,
    replayed,
)


def loss_checks(
    loss_class: type[Any],
    options: Options,
    out_shape: Sequence[int] | Sequence[Sequence[int]],
    targets: Array | None = None,
    *,
    outputs: Array | Sequence[Array] | None = None,
    constants: Sequence[int] = (),
    dtypes: Sequence[str] = ("float32", "float64"),
    seed: int = 0,
) -> list[Check]:
    """Return the checks of one loss class with one config.

    Args:
        loss_class: The class.
        options: Its config, or its options as in a spec.
        out_shape: Shape of one sample of the network's output; for a loss of several outputs the
            shape of each.
        targets: Good targets, (N, *target_shape), at least two; None for a loss without a target.
        outputs: (N, *out_shape), or such an array for each of several outputs, for a loss that
            does not accept all real numbers.
        constants: Numbers of the outputs that the loss takes for constants, counted from 0.
        dtypes: The dtypes that the loss computes in.
        seed: The seed of everything that the checks draw.

    Raises:
        UsageError: for ``dtypes`` that are a single string.
        ValueError: for arguments that do not fit the class.
    """
    case = loss_case(loss_class, options, out_shape, targets, outputs, constants, dtypes, seed)
    return checks_of(loss_class.__name__, case, LOSS_CHECKS)


def check_loss(
    loss_class: type[Any],
    options: Options,
    out_shape: Sequence[int] | Sequence[Sequence[int]],
    targets: Array | None = None,
    **kwargs: Any,
) -> None:
    """Run all of `loss_checks`, with the same arguments.

    Raises:
        CheckFailed: with one line for each finding.
    """
    run_all(loss_checks(loss_class, options, out_shape, targets, **kwargs))
