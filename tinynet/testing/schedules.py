"""The conformance kit for learning-rate schedules."""

import math
from dataclasses import dataclass
from typing import Any

from tinynet.schedule import ScheduleConfig
from tinynet.testing.checks import Check, checks_of, require, run_all
from tinynet.testing.configs import Options, make_config, require_config
from tinynet.testing.state import require_unchanged, snapshot

TOTALS = (1, 2, 3, 10, 137)
LONG = 10**9


@dataclass(frozen=True)
class ScheduleCase:
    """The subject of `check_schedule`; its attributes are that function's arguments."""

    schedule_class: type[Any]
    options: Options

    def new(self) -> Any:
        return self.schedule_class(make_config(self.schedule_class, self.options))


def config(case: ScheduleCase) -> None:
    """Options are validated, described, frozen, and none has a name that specs reserve."""
    require_config(case.schedule_class, case.options, ScheduleConfig)


def finite_factor(case: ScheduleCase) -> None:
    """Every step of short and long runs has a finite factor of at least 0."""
    schedule = case.new()
    places = [(step, total) for total in TOTALS for step in range(total)]
    for step, total in [*places, (0, LONG), (LONG // 2, LONG), (LONG - 1, LONG)]:
        factor = schedule.factor(step, total)
        place = f"the factor of step {step} of {total}"
        require(isinstance(factor, float), f"{place} is {factor!r}, not a float")
        require(math.isfinite(factor) and factor >= 0, f"{place} is {factor}")


def pure(case: ScheduleCase) -> None:
    """The factor depends on the step alone, not on earlier calls: a resumed run starts anywhere."""
    schedule, total = case.new(), max(TOTALS)
    before = snapshot(schedule, "schedule")
    forwards = [schedule.factor(step, total) for step in range(total)]
    require_unchanged(before, snapshot(schedule, "schedule"), "factor")
    backwards = [schedule.factor(step, total) for step in reversed(range(total))][::-1]
    fresh = [case.new().factor(step, total) for step in range(total)]
    for others, when in ((backwards, "asked for backwards"), (fresh, "asked of a fresh schedule")):
        for step, (right, factor) in enumerate(zip(forwards, others, strict=True)):
            require(
                factor == right,
                f"{when}, the factor of step {step} of {total} is {factor} instead of {right}",
            )


SCHEDULE_CHECKS = (config, finite_factor, pure)


def schedule_checks(schedule_class: type[Any], options: Options) -> list[Check]:
    """Return the checks of one schedule class with one config.

    Args:
        schedule_class: The class.
        options: Its config, or its options as in a spec.
    """
    case = ScheduleCase(schedule_class, options)
    return checks_of(schedule_class.__name__, case, SCHEDULE_CHECKS)


def check_schedule(schedule_class: type[Any], options: Options) -> None:
    """Run all of `schedule_checks`.

    Raises:
        CheckFailed: with one line for each finding.
    """
    run_all(schedule_checks(schedule_class, options))
