"""The protocol of loggers, and every name that the author of a logger imports.

A logger records the figures of a run outside of tinynet's own log: in a table, a dashboard, a
tracking server. It observes the run, and cannot change it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, TypeAlias, runtime_checkable

from pydantic import JsonValue

from tinynet.config import Config

__all__ = [
    "EvaluationLogger",
    "LoggedRecord",
    "LoggedRun",
    "Logger",
    "LoggerConfig",
    "RunState",
    "StatisticsLogger",
]

RunState: TypeAlias = Literal["finished", "stopped", "failed"]
"""The state of a run when its process ends: complete, stopped and resumable, or with an error."""


class LoggerConfig(Config):
    """The base of a logger's ``Config``."""


@dataclass(frozen=True)
class LoggedRecord:
    """The figures after a step.

    Attributes:
        step: Updates done.
        epoch: Number of the epoch, from 1.
        figures: Values by name; NaN where one was not finite.
        time: When it was recorded, in seconds since 1970 (UTC).
    """

    step: int
    epoch: int
    figures: Mapping[str, float]
    time: float


@dataclass(frozen=True)
class LoggedRun:
    """The run that a logger records.

    Attributes:
        folder: The run folder; a logger keeps its files here, under names of its own.
        name: The name of the folder.
        run_id: The identity of the run, which it keeps when it is resumed.
        spec: The resolved spec, as JSON.
        step: Updates done: 0 for a new run. Records of a killed process from this step on, except
            those in ``history`` and ``statistics``, are recorded again.
        history: The records of the run up to now, oldest first; empty for a new run. Also those
            from before the logger was added.
        statistics: Likewise those of statistics, by the names that `StatisticsLogger` describes.
        tests: Likewise those of the test split, by the names that `EvaluationLogger` describes.
    """

    folder: Path
    name: str
    run_id: str
    spec: Mapping[str, JsonValue]
    step: int = 0
    history: Sequence[LoggedRecord] = ()
    statistics: Sequence[LoggedRecord] = ()
    tests: Sequence[LoggedRecord] = ()


class Logger(Protocol):
    """A recorder of the figures of a run. Constructed as ``Type(config)``.

    One object records one process of a run. The constructor imports the packages that the logger
    needs, so that a missing one is reported before the training, and has no other effect. An
    exception in any other method becomes a warning, and the logger is not called again.
    """

    Config: ClassVar[type[Any]]

    def start(self, run: LoggedRun) -> None:
        """Start to record a run, or resume it; the first call."""
        ...

    def log(self, step: int, epoch: int, figures: Mapping[str, float]) -> None:
        """Record the figures of an evaluation, or of a step that is logged.

        Args:
            step: Updates done.
            epoch: Number of the epoch, from 1.
            figures: ``train/loss``, ``val/accuracy``, ..., and ``learning_rate`` for an evaluation;
                ``loss`` and ``learning_rate`` for a step. Values may be NaN or infinite, and later
                records may have other names.
        """
        ...

    def finish(self, state: RunState, figures: Mapping[str, float]) -> None:
        """Complete the records of this process; the last call.

        Args:
            state: The state of the run.
            figures: Those of the last evaluation in this process; empty without one.
        """
        ...


@runtime_checkable
class StatisticsLogger(Protocol):
    """A logger that also records statistics of parameters, gradients and outputs of layers."""

    def statistics(self, step: int, epoch: int, figures: Mapping[str, float]) -> None:
        """Record the statistics of a step, where a spec has ``log_statistics_every_steps``.

        Args:
            step: Updates done.
            epoch: Number of the epoch, from 1.
            figures: ``statistics/parameters/dense_1/weight/mean`` and so on. Between them are
                ``parameters``, ``gradients`` or ``outputs``, and the address of a parameter or the
                name of a layer; last is ``mean``, ``std``, ``min``, ``max`` or ``zeros``.
        """
        ...


@runtime_checkable
class EvaluationLogger(Protocol):
    """A logger that also records the figures of the test split, which follow the training."""

    def log_test(self, run: LoggedRun, step: int, epoch: int, figures: Mapping[str, float]) -> None:
        """Add the figures of the test split to the records of a run that no process trains.

        It is the only call of an object that is constructed for it, perhaps in another process than
        that of the training, and perhaps long after it.

        Args:
            run: The run as it is now.
            step: The step of the checkpoint that was evaluated, which may be an earlier one.
            epoch: Number of its epoch, from 1.
            figures: ``test/loss`` and ``test/`` with the label of every metric.
        """
        ...
