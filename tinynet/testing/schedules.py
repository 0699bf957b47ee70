"""The conformance kit for learning-rate schedules."""

import math
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from tinynet.config import Config
from tinynet.errors import TinynetError
from tinynet.length import has_epochs, in_steps
from tinynet.schedule import AdaptiveScheduleConfig, ScheduleConfig
from tinynet.testing.adaptive_schedules import ADAPTIVE_CHECKS, AdaptiveCase
from tinynet.testing.checks import Check, CheckFailed, checks_of, require, run_all
from tinynet.testing.configs import Options, make_config, require_config, validated_config
from tinynet.testing.state import require_unchanged, snapshot
from tinynet.text.plugin_errors import located_cause

TOTALS = (1, 2, 3, 10, 137)
LONG = 10**9
STEPS_PER_EPOCH = 5


@dataclass(frozen=True)
class ScheduleCase:
    """The subject of `check_schedule`; its attributes are that function's arguments."""

    schedule_class: type[Any]
    options: Options

    def new(self) -> Any:
        config = make_config(self.schedule_class, self.options)
        return self.schedule_class(self.in_steps(config))

    def in_steps(self, config: Config) -> Config:
        return in_steps(config, STEPS_PER_EPOCH, "") if has_epochs(config) else config


def config(case: ScheduleCase) -> None:
    """Options are validated, described, frozen, and none has a name that specs reserve."""
    require_config(case.schedule_class, case.options, ScheduleConfig)


def lengths_in_epochs(case: ScheduleCase) -> None:
    """A length may be in epochs: the config is validated with them, and then with whole steps."""
    options = make_config(case.schedule_class, case.options).model_dump(mode="json")
    for name in options:
        try:
            case.in_steps(validated_config(case.schedule_class, {**options, name: {"epochs": 2}}))
        except (ValidationError, TinynetError):
            continue  # not a length, or one that does not fit the other options
        except Exception as error:
            raise CheckFailed(
                f'the option {name!r} set to {{"epochs": 2}} makes Config raise'
                f" {located_cause(error)}; a validator that compares lengths must return at once if"
                " has_epochs(self)"
            ) from error


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


SCHEDULE_CHECKS = (config, lengths_in_epochs, finite_factor, pure)


def is_adaptive(schedule_class: type[Any]) -> bool:
    """Return True for a schedule that sees the results of evaluations."""
    model = getattr(schedule_class, "Config", None)
    return isinstance(model, type) and issubclass(model, AdaptiveScheduleConfig)


def schedule_checks(schedule_class: type[Any], options: Options) -> list[Check]:
    """Return the checks of one schedule class with one config.

    Args:
        schedule_class: The class, of a `Schedule` or an `AdaptiveSchedule`.
        options: Its config, or its options as in a spec.
    """
    case, name = ScheduleCase(schedule_class, options), schedule_class.__name__
    if is_adaptive(schedule_class):
        adaptive = AdaptiveCase(schedule_class, options)
        lengths = checks_of(name, case, [lengths_in_epochs])
        return [*checks_of(name, adaptive, ADAPTIVE_CHECKS), *lengths]
    return checks_of(name, case, SCHEDULE_CHECKS)


def check_schedule(schedule_class: type[Any], options: Options) -> None:
    """Run all of `schedule_checks`.

    Raises:
        CheckFailed: with one line for each finding.
    """
    run_all(schedule_checks(schedule_class, options))
