"""The conformance kit for loggers."""

import copy
import io
import math
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

from tinynet.logger import (
    EvaluationLogger,
    LoggedRecord,
    LoggedRun,
    LoggerConfig,
    RunState,
    StatisticsLogger,
)
from tinynet.testing.checks import Check, checks_of, require, run_all
from tinynet.testing.configs import Options, make_config, require_config
from tinynet.testing.state import no_global_randomness

SPEC: dict[str, Any] = {
    "tinynet": 1,
    "name": "example",
    "data": {"type": "digits"},
    "network": {"dtype": "float32", "layers": [{"type": "dense", "units": 3, "name": "dense_1"}]},
    "training": {"epochs": 2, "loss": {"type": "mse"}, "optimizer": {"type": "sgd"}},
}
STEP = {"loss": 2.5, "learning_rate": 0.01}
EVALUATION = {"train/loss": 2.0, "val/loss": 2.25, "val/kind/accuracy": 0.5, "learning_rate": 0.01}
TEST = {"test/loss": 2.5, "test/kind/accuracy": 0.5}
STATISTICS = {
    f"statistics/parameters/dense_1/weight/{name}": 0.5
    for name in ("mean", "std", "min", "max", "zeros")
}
RECORDS = ((1, 1, STEP), (2, 1, STEP), (2, 1, EVALUATION), (3, 2, STEP), (4, 2, EVALUATION))
"""The records of a run of two epochs: step, epoch and figures."""


@dataclass(frozen=True)
class LoggerCase:
    """The subject of `check_logger`; its attributes are that function's arguments."""

    logger_class: type[Any]
    options: Options

    def logger(self) -> Any:
        return self.logger_class(make_config(self.logger_class, self.options))

    def record(
        self, folder: Path, records: Any = RECORDS, past: Any = (), state: RunState = "finished"
    ) -> None:
        """Record one process of a run with a new logger."""
        logger = self.logger()
        logger.start(run_in(folder, past))
        for step, epoch, figures in records:
            logger.log(step, epoch, dict(figures))
        logger.finish(state, dict(records[-1][2]) if records else {})


def run_in(folder: Path, past: Any = ()) -> LoggedRun:
    """Return a run of which some records were made before."""
    history = [
        LoggedRecord(step, epoch, dict(figures), 1.7e9 + step) for step, epoch, figures in past
    ]
    step = history[-1].step if history else 0
    return LoggedRun(folder, folder.name, "0123456789abcdef", copy.deepcopy(SPEC), step, history)


@contextmanager
def new_folder() -> Iterator[Path]:
    """A run folder, in a folder that is the current one."""
    before = Path.cwd()
    with TemporaryDirectory() as parent:
        folder = Path(parent).resolve() / "example-001"
        folder.mkdir()
        os.chdir(parent)
        try:
            yield folder
        finally:
            os.chdir(before)


def config(case: LoggerCase) -> None:
    """Options are validated, described, frozen, and none has a name that specs reserve."""
    require_config(case.logger_class, case.options, LoggerConfig)


def constructor(case: LoggerCase) -> None:
    """The constructor writes no file: tinynet calls it before a run has a folder."""
    with new_folder() as folder:
        case.logger()
        made = sorted(path.name for path in folder.parent.rglob("*") if path != folder)
        require(not made, f"the constructor wrote {', '.join(made)}")


def records(case: LoggerCase) -> None:
    """A new run is recorded, whatever its end, also one without any figures."""
    for state in get_args(RunState):
        with new_folder() as folder:
            case.record(folder, state=state)
    with new_folder() as folder:
        case.record(folder, (), state="failed")


def resumed(case: LoggerCase) -> None:
    """A run is resumed: with later records of a killed process, and where there are none."""
    with new_folder() as folder:
        logger, copied = case.logger(), folder / "copy" / folder.name
        logger.start(run_in(folder))
        for step, epoch, figures in RECORDS:
            logger.log(step, epoch, dict(figures))
        # The files as a killed process left them. Its checkpoint was saved before two records.
        shutil.copytree(folder, copied, ignore=shutil.ignore_patterns("copy"))
        logger.finish("failed", {})
        case.record(copied, RECORDS[3:], RECORDS[:3])
    with new_folder() as folder:
        case.record(folder, RECORDS[3:], RECORDS[:3])


def statistics(case: LoggerCase) -> None:
    """Statistics are recorded, if the logger does, also those of a resumed run."""
    if not issubclass(case.logger_class, StatisticsLogger):
        return
    with new_folder() as folder:
        logger, run = case.logger(), run_in(folder, RECORDS[:1])
        past = LoggedRecord(1, 1, {**STATISTICS}, 1.7e9)
        logger.start(replace(run, statistics=[past]))
        logger.log(2, 1, dict(STEP))
        logger.statistics(2, 1, {**STATISTICS, "statistics/outputs/relu_1/max": math.inf})
        logger.finish("finished", {})


def tests(case: LoggerCase) -> None:
    """Figures of the test split are recorded after the training, if the logger does."""
    if not issubclass(case.logger_class, EvaluationLogger):
        return
    with new_folder() as folder:
        case.record(folder)
        run, figures = run_in(folder, RECORDS), dict(TEST)
        before = copy.deepcopy(run)
        case.logger().log_test(run, 2, 1, figures)
        past = replace(run, tests=[LoggedRecord(2, 1, dict(TEST), 1.7e9)])
        case.logger().log_test(past, 4, 2, {"test/loss": math.nan})
        require((run, figures) == (before, TEST), "log_test changes what it is given")
        case.logger().start(past)
    with new_folder() as folder:
        case.logger().log_test(run_in(folder, RECORDS), 4, 2, dict(TEST))


def odd_figures(case: LoggerCase) -> None:
    """Figures may be NaN or infinite, and have new names at any time."""
    odd = {"train/loss": math.nan, "val/loss": math.inf, "val/mse": -math.inf, "val/new": 1e300}
    with new_folder() as folder:
        case.record(folder, (*RECORDS, (5, 3, odd), (6, 3, {"val/newer": 0.0})))
    with new_folder() as folder:
        case.record(folder, RECORDS, ((1, 1, odd),))


def pure(case: LoggerCase) -> None:
    """Figures, spec and history are not changed, and no global random state is used."""
    with new_folder() as folder, no_global_randomness("the logger"):
        logger, run = case.logger(), run_in(folder, RECORDS[:3])
        before = copy.deepcopy(run)
        logger.start(run)
        figures = dict(EVALUATION)
        logger.log(4, 2, figures)
        logger.finish("finished", figures)
        require(run == before, "the logger changes the run that start is given")
        require(figures == EVALUATION, "the logger changes the figures that it is given")


def quiet(case: LoggerCase) -> None:
    """Nothing is printed to stdout, where commands print their results."""
    with new_folder() as folder, redirect_stdout(io.StringIO()) as printed:
        case.record(folder)
    require(not printed.getvalue(), f"the logger prints {printed.getvalue()[:80]!r} to stdout")


LOGGER_CHECKS: tuple[Callable[[LoggerCase], None], ...] = (
    config, constructor, records, resumed, statistics, tests, odd_figures, pure, quiet
)  # fmt: skip


def logger_checks(logger_class: type[Any], options: Options) -> list[Check]:
    """Return the checks of one logger class with one config.

    The logger is called as in a run, in an empty current folder; one that sends figures to a server
    needs options that name one for the test.

    Args:
        logger_class: The class.
        options: Its config, or its options as in a spec.
    """
    return checks_of(logger_class.__name__, LoggerCase(logger_class, options), LOGGER_CHECKS)


def check_logger(logger_class: type[Any], options: Options) -> None:
    """Run all of `logger_checks`, with the same arguments.

    Raises:
        CheckFailed: with one line for each finding.
    """
    run_all(logger_checks(logger_class, options))
