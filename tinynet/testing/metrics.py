"""The conformance kit for metrics."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tinynet.metric import MetricConfig
from tinynet.testing.arrays import (
    Arrays,
    floating_point_errors,
    read_only,
    require_close,
    require_same_bits,
)
from tinynet.testing.checks import Check, CheckFailed, checks_of, require, run_all
from tinynet.testing.configs import Options, make_config, require_config
from tinynet.testing.saving import require_storable, saved_and_loaded
from tinynet.testing.state import require_unchanged, snapshot
from tinynet.types import Array

TOLERANCE = 1e-9


@dataclass(frozen=True)
class MetricCase:
    """The subject of `check_metric`; its attributes are that function's arguments."""

    metric_class: type[Any]
    options: Options
    predictions: Array
    targets: Array

    @cached_property
    def metric(self) -> Any:
        return self.metric_class(make_config(self.metric_class, self.options))

    def start(self) -> Arrays:
        state: Arrays = self.metric.start(self.predictions.shape[1:])
        return state

    def state_of(self, *parts: slice) -> Arrays:
        """Return the state after updates with these rows, part after part."""
        state = self.start()
        for part in parts:
            self.metric.update(state, self.predictions[part].copy(), self.targets[part].copy())
        return state

    @property
    def whole(self) -> Arrays:
        return self.state_of(slice(None))

    def figure(self, state: Arrays) -> Arrays:
        return {"the figure": np.array(self.metric.result(state))}


def config(case: MetricCase) -> None:
    """Options are validated, described, frozen, and none has a name that specs reserve."""
    require_config(case.metric_class, case.options, MetricConfig)


def direction(case: MetricCase) -> None:
    """`greater_is_better` is True or False: the direction of an improvement."""
    value = getattr(case.metric, "greater_is_better", None)
    require(isinstance(value, bool), f"greater_is_better is {value!r}, not True or False")


def figure(case: MetricCase) -> None:
    """The result is one finite float; without any sample it is 0."""
    result = case.metric.result(case.whole)
    require(isinstance(result, float), f"the figure is {result!r}, not a float")
    require(math.isfinite(result), f"the figure is {result}")
    with floating_point_errors("the figure of nothing"):
        nothing = case.metric.result(case.start())
    require(nothing == 0.0, f"the figure of nothing is {nothing} instead of 0")


def state_in_place(case: MetricCase) -> None:
    """`update` changes the state's arrays in place, and nothing else; `result` changes nothing."""
    state = case.start()
    require(
        isinstance(state, dict) and all(isinstance(a, np.ndarray) for a in state.values()),
        "the state is not a dict of arrays",
    )
    require_storable(state, "start", finite=True)
    held = dict(state)
    predictions, targets = read_only(case.predictions), read_only(case.targets)
    before = snapshot(case.metric, "metric")
    try:
        case.metric.update(state, predictions, targets)
    except ValueError as error:
        raise CheckFailed(f"update writes to read-only predictions or targets ({error})") from error
    require_unchanged(before, snapshot(case.metric, "metric"), "update")
    require(
        state.keys() == held.keys() and all(state[name] is held[name] for name in held),
        "update replaces an array of the state instead of changing it in place",
    )
    fresh = case.start()
    for name, array in state.items():
        same = array.shape == fresh[name].shape and array.dtype == fresh[name].dtype
        require(same, f"update changes shape or dtype of the state's {name!r}")
    frozen = snapshot(state, "state")
    case.metric.result(state)
    require_unchanged(frozen, snapshot(state, "state"), "result")


def exact_over_batches(case: MetricCase) -> None:
    """Batches of any size, in any order, give the figure of the whole, and not a mean of means."""
    right = case.figure(case.whole)
    for parts in (
        (slice(0, 1), slice(1, 4), slice(4, None)),
        (slice(4, None), slice(0, 1), slice(1, 4)),
    ):
        batched = case.figure(case.state_of(*parts))
        require_close(right, batched, "counted in batches of 1, 3 and the rest", TOLERANCE)


def merge(case: MetricCase) -> None:
    """Merged states give the figure of the whole; the second state is not changed."""
    state, other = case.state_of(slice(0, 3)), case.state_of(slice(3, None))
    held, before = dict(state), snapshot(other, "other state")
    case.metric.merge(state, other)
    require_unchanged(before, snapshot(other, "other state"), "merge")
    require(
        all(state.get(name) is held[name] for name in held),
        "merge replaces an array of the state instead of changing it in place",
    )
    require_close(case.figure(case.whole), case.figure(state), "after merge", TOLERANCE)
    state = case.whole
    case.metric.merge(state, case.start())
    require_close(case.figure(case.whole), case.figure(state), "merged with nothing", TOLERANCE)


def resumable(case: MetricCase) -> None:
    """Saved, loaded and updated by a new metric, the state gives the same bits."""
    state = saved_and_loaded(case.state_of(slice(0, 3)))
    fresh = case.metric_class(make_config(case.metric_class, case.options))
    fresh.update(state, case.predictions[3:].copy(), case.targets[3:].copy())
    right = case.figure(case.state_of(slice(0, 3), slice(3, None)))
    resumed = {"the figure": np.array(fresh.result(state))}
    require_same_bits(right, resumed, "saved and loaded half-way")


METRIC_CHECKS = (
    config,
    direction,
    figure,
    state_in_place,
    exact_over_batches,
    merge,
    resumable,
)


def metric_checks(
    metric_class: type[Any], options: Options, predictions: Array, targets: Array
) -> list[Check]:
    """Return the checks of one metric class with one config.

    Args:
        metric_class: The class.
        options: Its config, or its options as in a spec.
        predictions: Predictions of a loss, (N, *out_shape), at least five samples.
        targets: Targets, (N, *target_shape), some of them predicted correctly, some not.
    """
    case = MetricCase(metric_class, options, np.asarray(predictions), np.asarray(targets))
    return checks_of(metric_class.__name__, case, METRIC_CHECKS)


def check_metric(
    metric_class: type[Any], options: Options, predictions: Array, targets: Array
) -> None:
    """Run all of `metric_checks`, which says what the arguments are.

    Raises:
        CheckFailed: with one line for each finding.
    """
    run_all(metric_checks(metric_class, options, predictions, targets))
