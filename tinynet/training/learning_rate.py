"""The learning rate of each update: that of the optimizer, multiplied by a schedule's factor."""

import math
from numbers import Real

from tinynet import registry
from tinynet.engine.layer_calls import described
from tinynet.schedule import Schedule, ScheduleConfig, scheduled_factor
from tinynet.spec.consistency import SCHEDULE
from tinynet.spec.training_spec import ScheduleReference
from tinynet.text.plugin_errors import PluginErrors, plugin_error
from tinynet.training.run_length import RunLength


class LearningRate:
    """The learning rate of each update."""

    def __init__(self, rate: float, schedule: ScheduleReference | None, length: RunLength) -> None:
        """Create the schedule.

        Args:
            rate: The optimizer's learning rate.
            schedule: The schedule of the spec; None for a constant learning rate.
            length: The length of the run.

        Raises:
            SpecError: for lengths in epochs that are too short, or do not fit each other.
            PluginError: if the schedule's Config does not derive from ScheduleConfig, or the
                schedule cannot be constructed.
        """
        self._rate, self._length = rate, length
        self._schedule: Schedule | None = None
        if schedule is None:
            return
        plugins = registry.default()
        config = plugins.config(schedule, SCHEDULE)
        if not isinstance(config, ScheduleConfig):
            message = "its Config must derive from ScheduleConfig"
            raise plugin_error(plugins.load_type(schedule), message, SCHEDULE)
        config = length.in_steps(config, SCHEDULE)
        self._schedule = plugins.construct(schedule, config, SCHEDULE)
        self._warmup_steps = config.warmup_steps

    def at(self, step: int, total_steps: int | None = None) -> float:
        """Return the learning rate of an update.

        Args:
            step: Number of the update, from 0.
            total_steps: Updates in the whole run; by default as many as the spec says.

        Raises:
            PluginError: if the schedule fails, or does not return a finite number.
        """
        schedule = self._schedule
        if schedule is None:
            return self._rate
        if total_steps is None:
            total_steps = self._length.total_steps
        with PluginErrors(schedule, "factor raised", SCHEDULE):
            factor = scheduled_factor(schedule, self._warmup_steps, step, total_steps)
        if not isinstance(factor, Real):
            message = f"factor must return a number; it returned {described(factor)}"
            raise plugin_error(schedule, message, SCHEDULE)
        if not math.isfinite(factor):
            message = f"factor must return a finite number; it returned {factor}"
            raise plugin_error(schedule, message, SCHEDULE)
        return self._rate * factor
