"""The learning rate of each update: that of the optimizer, multiplied by a schedule's factor."""

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any, ClassVar

from tinynet import registry
from tinynet.engine.layer_calls import described
from tinynet.engine.plugin_state import layout, layout_problem, state_problem
from tinynet.engine.tensor_names import SCHEDULE as GROUP
from tinynet.metric import Metric
from tinynet.schedule import (
    AdaptiveSchedule,
    AdaptiveScheduleConfig,
    Evaluation,
    Schedule,
    ScheduleConfig,
    State,
    scheduled_factor,
)
from tinynet.spec.consistency import SCHEDULE
from tinynet.spec.training_spec import ScheduleReference
from tinynet.text.plugin_errors import PluginErrors, plugin_error
from tinynet.training.evaluation import Figures
from tinynet.training.monitor import greater_is_better
from tinynet.training.run_length import RunLength


class LearningRate:
    """The learning rate of each update.

    Attributes:
        state: The state of a schedule that sees the results of evaluations: arrays by name, which
            are live. Other schedules have none.
    """

    def __init__(self, rate: float, schedule: ScheduleReference | None, length: RunLength) -> None:
        """Create the schedule.

        Args:
            rate: The optimizer's learning rate.
            schedule: The schedule of the spec; None for a constant learning rate.
            length: The length of the run.

        Raises:
            SpecError: for lengths in epochs that are too short, or do not fit each other.
            PluginError: if the schedule's Config does not derive from ScheduleConfig, or the
                schedule cannot be constructed, or its initial state is wrong.
        """
        self._rate, self._length = rate, length
        self.state: State = {}
        self._adaptive: _Adaptive | None = None
        self._schedule: Schedule | None = None
        if schedule is None:
            return
        plugins = registry.default()
        config = plugins.config(schedule, SCHEDULE)
        if not isinstance(config, ScheduleConfig):
            message = "its Config must derive from ScheduleConfig"
            raise plugin_error(plugins.load_type(schedule), message, SCHEDULE)
        config = length.in_steps(config, SCHEDULE)
        self._plugin = plugins.construct(schedule, config, SCHEDULE)
        self._warmup_steps = config.warmup_steps
        self._schedule = self._plugin
        if isinstance(config, AdaptiveScheduleConfig):
            self._adaptive = _Adaptive(self._plugin, config.metric)
            self._schedule, self.state = self._adaptive, self._adaptive.state

    def at(self, step: int, total_steps: int | None = None) -> float:
        """Return the learning rate of an update, with the state as it is now.

        Args:
            step: Number of the update, from 0.
            total_steps: Updates in the whole run; by default as many as the spec says.

        Raises:
            PluginError: if the schedule fails, or does not return a finite number.
        """
        if self._schedule is None:
            return self._rate
        if total_steps is None:
            total_steps = self._length.total_steps
        with PluginErrors(self._plugin, "factor raised", SCHEDULE):
            factor = scheduled_factor(self._schedule, self._warmup_steps, step, total_steps)
        if not isinstance(factor, Real):
            message = f"factor must return a number; it returned {described(factor)}"
            raise plugin_error(self._plugin, message, SCHEDULE)
        if not math.isfinite(factor):
            message = f"factor must return a finite number; it returned {factor}"
            raise plugin_error(self._plugin, message, SCHEDULE)
        return self._rate * factor

    def update(
        self, figures: Mapping[str, float], metrics: Mapping[str, Metric], step: int
    ) -> None:
        """Show the results of an evaluation to the schedule, unless it is still warming up.

        Args:
            figures: The results by name: ``val/loss``, ...
            metrics: The metrics by label.
            step: Updates done.

        Raises:
            PluginError: if the schedule fails, or spoils its state.
        """
        if self._adaptive is not None and step >= self._warmup_steps:
            self._adaptive.update(self.state, figures, metrics, step)

    def check(self, figures: Figures) -> None:
        """Try `update` on a copy of the state, with the names of the ``figures``.

        Raises:
            PluginError: if the schedule fails, or spoils its state.
        """
        if self._adaptive is not None:
            copies = {name: array.copy() for name, array in self.state.items()}
            names = [f"{split}/{name}" for split in ("train", "val") for name in figures.result()]
            tried = dict.fromkeys(names, 1.0)
            self._adaptive.update(copies, tried, figures.metrics, self._warmup_steps)


class _Adaptive:
    """A schedule that sees the results of evaluations, with its state, as a `Schedule`."""

    Config: ClassVar[type[Any]] = AdaptiveScheduleConfig

    def __init__(self, schedule: AdaptiveSchedule, metric: str) -> None:
        self._schedule, self._metric = schedule, metric
        with PluginErrors(schedule, "start raised", SCHEDULE):
            self.state = schedule.start()
        if problem := state_problem(self.state, "start", GROUP[:-1], finite=True, writable=True):
            raise plugin_error(schedule, problem, SCHEDULE)

    def factor(self, step: int, total_steps: int) -> float:
        return self._schedule.factor(step, total_steps, self.state)

    def update(
        self,
        state: State,
        figures: Mapping[str, float],
        metrics: Mapping[str, Metric],
        step: int,
    ) -> None:
        greater = greater_is_better(self._metric, metrics)
        evaluation = Evaluation(figures[self._metric], greater, dict(figures), step)
        before = layout(state)
        with PluginErrors(self._schedule, "update raised", SCHEDULE):
            self._schedule.update(state, evaluation)
        problem = layout_problem(before, state, "update")
        problem = problem or state_problem(state, "update", GROUP[:-1], finite=True)
        if problem:
            raise plugin_error(self._schedule, problem, SCHEDULE)
