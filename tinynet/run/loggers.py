"""The loggers of a run: they are created before it, and called while it trains."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tinynet import registry
from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.errors import TinynetError
from tinynet.logger import (
    EvaluationLogger,
    LoggedRecord,
    LoggedRun,
    Logger,
    RunState,
    StatisticsLogger,
)
from tinynet.run.evaluation_log import read_evaluations
from tinynet.run.folder import RunFolder
from tinynet.run.lock import is_locked
from tinynet.run.log import read_log, read_statistics
from tinynet.spec.models import Spec
from tinynet.text.plugin_errors import located_cause, origin
from tinynet.training.events import Statistics


@dataclass(eq=False)
class Loggers:
    """The loggers of a run. One that fails is switched off, with a warning.

    Attributes:
        loggers: Those that work.
    """

    loggers: list[Logger] = field(default_factory=list)

    @classmethod
    def of(cls, spec: Spec) -> "Loggers":
        """Create the loggers of a spec; nothing is recorded yet.

        Raises:
            PluginError: if one is missing or cannot be constructed.
            MissingPackageError: if one needs a package that is not installed.
        """
        plugins = registry.default()
        references = spec.training.loggers or ()
        return cls(
            [plugins.create(one, f"/training/loggers/{i}") for i, one in enumerate(references)]
        )

    def __bool__(self) -> bool:
        return bool(self.loggers)

    def start(self, run: LoggedRun, warn: Callable[[str], None]) -> None:
        """Start or resume the records; ``warn`` is called if a logger fails, now or later."""
        self._warn = warn
        self._call("start", lambda logger: logger.start(run))

    def log(self, step: int, epoch: int, figures: Mapping[str, float]) -> None:
        """Record the figures of an evaluation or a step."""
        self._call("log", lambda logger: logger.log(step, epoch, dict(figures)))

    def statistics(self, statistics: Statistics) -> None:
        """Record the statistics of a step, by the loggers that do."""
        step, epoch = statistics.step, statistics.epoch

        def record(logger: Logger) -> None:
            if isinstance(logger, StatisticsLogger):
                logger.statistics(step, epoch, _flat(statistics))

        self._call("statistics", record)

    def log_test(self, run: LoggedRun, record: LoggedRecord, warn: Callable[[str], None]) -> None:
        """Record the figures of the test split after the training, by the loggers that do."""
        self._warn = warn

        def add(logger: Logger) -> None:
            if isinstance(logger, EvaluationLogger):
                logger.log_test(run, record.step, record.epoch, dict(record.figures))

        self._call("log_test", add)

    def finish(self, state: RunState, figures: Mapping[str, float]) -> None:
        """Complete the records."""
        self._call("finish", lambda logger: logger.finish(state, dict(figures)))

    def _call(self, method: str, call: Callable[[Logger], None]) -> None:
        for logger in list(self.loggers):
            try:
                call(logger)
            except (Exception, SystemExit) as error:
                self.loggers.remove(logger)
                self._warn(
                    f"the logger {origin(logger)} is switched off"
                    f"{', and the training continues' if method != 'log_test' else ''}:"
                    f" {method} raised {located_cause(error)}"
                )


def log_test(
    path: Path,
    state: Checkpoint,
    spec: Spec,
    metrics: Mapping[str, float],
    warn: Callable[[str], None],
) -> None:
    """Record the figures of the test split by the loggers of a spec, unless the run is trained.

    Args:
        path: The run folder, whose last evaluation of the test split is this one.
        state: The checkpoint that was evaluated.
        spec: Its spec.
        metrics: The figures.
        warn: Called if a logger fails.
    """
    folder = RunFolder(path)
    if not spec.training.loggers or is_locked(folder.lock):
        return
    try:
        loggers = Loggers.of(spec)
        records, statistics = history(folder.log), past_statistics(folder.statistics)
    except TinynetError as error:
        warn(f"the figures of the test split are not recorded by loggers: {error}")
        return
    tests, step, own = past_tests(path, records), state.progress.step, path.resolve()
    if tests and tests[-1].step == step:
        tests.pop()  # this one
    last = records[-1].step if records else step
    resolved = spec.resolved()
    run = LoggedRun(own, own.name, state.run_id, resolved, last, records, statistics, tests)
    figures = {f"test/{name}": value for name, value in metrics.items()}
    record = LoggedRecord(step, _epoch_of(step, records), figures, time.time())
    loggers.log_test(run, record, warn)


def past_tests(path: Path, records: Sequence[LoggedRecord]) -> list[LoggedRecord]:
    """Return the evaluations of the test split up to the last of other records of a run folder."""
    last = records[-1].step if records else 0
    return [
        LoggedRecord(
            one["checkpoint"],
            _epoch_of(one["checkpoint"], records),
            {f"test/{n}": math.nan if v is None else v for n, v in one["metrics"].items()},
            _seconds(one["time"]),
        )
        for one in read_evaluations(path)
        if one["split"] == "test" and one["checkpoint"] <= last
    ]


def _epoch_of(step: int, records: Sequence[LoggedRecord]) -> int:
    """Return the epoch of a step: that of the first record from it on."""
    epochs = (record.epoch for record in records if record.step >= step)
    return next(epochs, records[-1].epoch if records else 1)


def history(log: Path) -> Sequence[LoggedRecord]:
    """Return the records in a run's log."""
    return [_record(line) for line in read_log(log)]


def past_statistics(log: Path) -> Sequence[LoggedRecord]:
    """Return the records of statistics in a run's folder."""
    # No time is recorded with them: they are of the time when they are read.
    now = time.time()
    return [LoggedRecord(one.step, one.epoch, _flat(one), now) for one in read_statistics(log)]


def _flat(statistics: Statistics) -> dict[str, float]:
    return {
        f"statistics/{section}/{name}/{figure}": value
        for section in ("parameters", "gradients", "outputs")
        for name, summary in getattr(statistics, section).items()
        for figure, value in summary.items()
    }


def _record(line: Mapping[str, Any]) -> LoggedRecord:
    step, epoch, wall = line.get("step"), line.get("epoch"), line.get("wall")
    # Null is a figure that is not finite.
    values = {name: math.nan if value is None else value for name, value in line.items()}
    figures = {
        name: float(value)
        for name, value in values.items()
        if isinstance(value, int | float) and name not in ("step", "epoch")
    }
    return LoggedRecord(
        step if isinstance(step, int) else 0,
        epoch if isinstance(epoch, int) else 0,
        figures,
        _seconds(wall.get("time") if isinstance(wall, Mapping) else None),
    )


def _seconds(value: object) -> float:
    with suppress(ValueError):
        return datetime.fromisoformat(str(value)).timestamp()
    return 0.0
