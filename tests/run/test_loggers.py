"""Loggers observe a run: none of them changes, delays or ends the training."""

import os
import re
import signal
import sys

import pytest

import tinynet
from tests.small_spec import small_spec
from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.errors import PluginError, SpecError, UsageError
from tinynet.extras import MissingPackageError
from tinynet.logger import LoggerConfig
from tinynet.run.folder import RunFolder
from tinynet.run.interrupts import Interrupted
from tinynet.training.events import Evaluated, Warned

SPEC = small_spec(metrics=["accuracy"], log_every_steps=1)

CALLS = []
"""The calls of a `Recorder`."""


@pytest.fixture(autouse=True)
def no_calls():
    CALLS.clear()


class Recorder:
    """A logger that remembers its calls."""

    class Config(LoggerConfig):
        pass

    def __init__(self, config):
        self.config = config

    def start(self, run):
        CALLS.append(("start", run.step, len(run.history), run))

    def log(self, step, epoch, figures):
        CALLS.append(("log", step, epoch, dict(figures)))
        figures.clear()  # a copy of its own

    def finish(self, state, figures):
        CALLS.append(("finish", state, dict(figures)))


class FailsAtStart(Recorder):
    def start(self, run):
        raise OSError("no such server")


class FailsLater(Recorder):
    def log(self, step, epoch, figures):
        super().log(step, epoch, figures)
        if step == 3:
            raise ValueError("it is full")


class Exits(Recorder):
    def finish(self, state, figures):
        sys.exit(3)


class NeedsPackage(Recorder):
    def __init__(self, config):
        from tinynet.extras import importing

        with importing("mlflow", "the logger needs_package"):
            import no_such_package  # noqa: F401


class Bare:
    class Config(LoggerConfig):
        pass

    def __init__(self, config):
        pass


class KilledError(Exception):
    pass


@pytest.fixture
def recorder(register):
    register("loggers", "recorder", Recorder)


def train(folder, **training):
    spec = {**SPEC, "training": {**SPEC["training"], **training}}
    warnings = []

    def observe(event):
        if isinstance(event, Warned):
            warnings.append(event.message)

    return tinynet.train(spec, folder, observer=observe), warnings


def state(run):
    checkpoint = Checkpoint.read(run.checkpoints[-1])
    arrays = {name: array.tobytes() for name, array in checkpoint.arrays.items()}
    log = [{k: v for k, v in line.items() if k != "wall"} for line in run.history]
    return arrays, checkpoint.progress, log


def test_a_logger_is_told_everything_that_the_log_has(recorder, tmp_path):
    run, _ = train(tmp_path / "run", loggers=["recorder"])
    (_, step, past, started), *logged, (_, end, figures) = CALLS
    assert (step, past, end, figures) == (0, 0, "finished", run.figures)
    assert (started.folder, started.name) == (run.path, "run")
    assert started.spec["training"]["epochs"] == 3
    lines = [{"step": step, "epoch": epoch, **figures} for _, step, epoch, figures in logged]
    assert lines == [{k: v for k, v in line.items() if k != "wall"} for line in run.history]


def test_the_bits_are_the_same_with_and_without_loggers(recorder, tmp_path):
    """Watching a run must not change it."""
    without, _ = train(tmp_path / "without")
    with_loggers, _ = train(tmp_path / "with", loggers=["recorder", "csv"])
    assert state(with_loggers) == state(without)


@pytest.mark.parametrize(
    ("cls", "method", "cause", "calls"),
    [
        (FailsAtStart, "start", "OSError: no such server", 0),
        (FailsLater, "log", "ValueError: it is full", 1 + 3),
        (Exits, "finish", "SystemExit: 3", 1 + 12),
    ],
)
def test_a_failing_logger_is_one_warning_and_the_training_continues(
    register, tmp_path, cls, method, cause, calls
):
    """A full disk of a dashboard must not cost a night of training."""
    register("loggers", "fails", cls)
    run, warnings = train(tmp_path / "run", loggers=["fails", "csv"])
    assert run.finished
    assert len(warnings) == 1
    expected = f"the logger test-plugin:fails .* is switched off, .*: {method} raised {cause}"
    assert re.search(expected, warnings[0])
    assert len(CALLS) == calls
    assert (run.path / "metrics.csv").read_text().count("\n") == 1 + len(run.history)
    assert state(run) == state(train(tmp_path / "without")[0])


@pytest.mark.parametrize("how", ["spec", "argument"])
def test_a_missing_package_is_an_error_before_the_run_has_a_folder(register, tmp_path, how):
    register("loggers", "needs_package", NeedsPackage)
    spec, settings = SPEC, {}
    if how == "argument":
        settings = {"loggers": ["needs_package"]}
    else:
        spec = {**SPEC, "training": {**SPEC["training"], "loggers": ["needs_package"]}}
    with pytest.raises(UsageError, match=r"needs the package no_such_package: pip install 'tiny"):
        tinynet.train(spec, tmp_path / "run", **settings)
    assert not (tmp_path / "run").exists()


def test_a_resumed_run_has_the_records_up_to_its_checkpoint(recorder, tmp_path):
    def kill(event):
        if isinstance(event, Evaluated) and event.epoch == 2:
            raise KilledError

    spec = {**SPEC, "training": {**SPEC["training"], "loggers": ["recorder"]}}
    with pytest.raises(KilledError):
        tinynet.train(spec, tmp_path / "run", observer=kill)
    first, failed = CALLS[0][-1], CALLS[-1]
    assert failed[:2] == ("finish", "failed")
    CALLS.clear()
    run = tinynet.resume(tmp_path / "run")
    _, step, past, again = CALLS[0]
    assert (step, past) == (3, 4)
    assert again.run_id == first.run_id
    assert [record.step for record in again.history] == [1, 2, 3, 3]
    assert again.history[-1].figures == {
        k: v for k, v in run.history[3].items() if k not in ("step", "epoch", "wall")
    }
    assert again.history[0].time > 1.7e9


def test_an_interrupted_run_is_stopped_and_not_finished(recorder, tmp_path):
    def interrupt(event):
        if isinstance(event, Evaluated) and event.epoch == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    spec = {**SPEC, "training": {**SPEC["training"], "loggers": ["recorder"]}}
    with pytest.raises(Interrupted):
        tinynet.train(spec, tmp_path / "run", observer=interrupt)
    assert CALLS[-1][:2] == ("finish", "stopped")


def test_a_finished_run_calls_no_logger(recorder, tmp_path):
    train(tmp_path / "run", loggers=["recorder"])
    CALLS.clear()
    tinynet.resume(tmp_path / "run")
    assert not CALLS


def test_loggers_can_be_changed_when_a_run_is_resumed(recorder, tmp_path):
    train(tmp_path / "run", loggers=["recorder"], epochs=1)
    CALLS.clear()
    more = {"training.epochs": 2}
    run = tinynet.resume(tmp_path / "run", overrides={**more, "training.loggers": ["csv"]})
    assert not CALLS
    assert (run.path / "metrics.csv").exists()
    spec = Checkpoint.read(RunFolder(run.path).checkpoint(run.step)).spec
    assert [one["type"] for one in spec["training"]["loggers"]] == ["csv"]


def test_a_logger_is_added_once(recorder, tmp_path):
    loggers = ["csv", "recorder", "recorder", {"type": "csv", "file": "b.csv"}]
    spec = {**SPEC, "training": {**SPEC["training"], "epochs": 1, "loggers": ["recorder"]}}
    run = tinynet.train(spec, tmp_path / "run", loggers=loggers)
    spec = Checkpoint.read(run.checkpoints[-1]).spec
    assert [one["type"] for one in spec["training"]["loggers"]] == ["recorder", "csv", "csv"]


@pytest.mark.parametrize(
    ("loggers", "error", "message"),
    [
        (["csvv"], SpecError, "there is no logger 'csvv'; did you mean 'csv'"),
        ([{"type": "csv", "fil": 1}], SpecError, "logger csv: .*unknown key 'fil'"),
        ([{"type": "csv", "file": 1}], SpecError, "logger csv: file: "),
        ("csv", UsageError, "must be a list of names or objects"),
        ([3], UsageError, "must be a list of names or objects"),
    ],
)
def test_a_logger_that_does_not_exist_is_reported_with_a_remedy(tmp_path, loggers, error, message):
    with pytest.raises(error, match=message):
        tinynet.train(SPEC, tmp_path / "run", loggers=loggers)
    assert not (tmp_path / "run").exists()


def test_the_same_logger_twice_is_a_mistake_in_a_spec():
    spec = {**SPEC, "training": {**SPEC["training"], "loggers": ["csv", "csv"]}}
    with pytest.raises(SpecError, match="the logger 'csv' is listed twice"):
        tinynet.load_spec(spec)


def test_a_logger_without_its_method_is_a_warning_too(register, tmp_path):
    register("loggers", "bare", Bare)
    run, warnings = train(tmp_path / "run", loggers=["bare"])
    assert run.finished
    assert len(warnings) == 1
    assert "has no attribute 'start'" in warnings[0]


def test_a_run_is_used_without_the_plugin_of_its_logger(recorder, tmp_path, monkeypatch):
    """A dashboard of the training machine is not needed where the model is used."""
    run, _ = train(tmp_path / "run", loggers=["recorder", "csv"], epochs=2)
    monkeypatch.undo()  # the plugin is not installed now
    assert tinynet.evaluate(run.path, "train").metrics["loss"] > 0
    more = {"training.epochs": 3}
    with pytest.raises(PluginError, match=r"(?s)pip install 'test-plugin==1\.0'.*--set 'training"):
        tinynet.resume(run.path, overrides=more)
    again = tinynet.resume(run.path, overrides={**more, "training.loggers": ["csv"]}, exact=True)
    assert again.epoch == 3


def test_a_run_that_an_observer_stops_is_not_finished(recorder, tmp_path):
    def stop(event):
        if isinstance(event, Evaluated):
            raise tinynet.events.StopTraining("enough")

    spec = {**SPEC, "training": {**SPEC["training"], "loggers": ["recorder"]}}
    tinynet.train(spec, tmp_path / "run", observer=stop)
    assert CALLS[-1][:2] == ("finish", "stopped")


class RecordsTests(Recorder):
    """A logger that remembers the figures of the test split, too."""

    def log_test(self, run, step, epoch, figures):
        CALLS.append(("test", step, epoch, dict(figures), run))
        figures.clear()  # a copy of its own


class FailsInTheTest(Recorder):
    def log_test(self, run, step, epoch, figures):
        raise OSError("no such server")


def of_tests():
    return [call for call in CALLS if call[0] == "test"]


def test_figures_of_the_test_split_reach_loggers_once(register, tmp_path):
    """Otherwise a dashboard has everything but the figures that count at the end."""
    register("loggers", "recorder", Recorder)
    register("loggers", "tester", RecordsTests)
    run = tinynet.train(small_spec(loggers=["recorder", "tester"]), tmp_path / "run")
    CALLS.clear()
    test = run.evaluate("test")
    ((_, step, epoch, figures, logged),) = CALLS
    assert (step, epoch) == (run.step, 3)
    assert figures == {f"test/{name}": value for name, value in test.items()}
    assert (logged.name, logged.step, len(logged.history)) == ("run", run.step, 3)
    assert logged.tests == []
    assert run.evaluate("test") == test
    run.evaluate("val")
    assert len(CALLS) == 1
    tinynet.resume(run.path, overrides={"training.epochs": 4})
    for again in (call[-1] for call in CALLS if call[0] == "start"):
        assert [(one.step, one.epoch, one.figures) for one in again.tests] == [(step, 3, figures)]


def test_figures_of_a_run_that_is_trained_do_not_reach_loggers(register, tmp_path):
    """A second process must not write into the records of the first."""
    register("loggers", "tester", RecordsTests)

    def observe(event):
        if isinstance(event, Evaluated) and event.epoch == 2:
            tinynet.evaluate(tmp_path / "run", checkpoint="last")

    spec = small_spec(loggers=["tester"], checkpoint={"every_steps": 1})
    tinynet.train(spec, tmp_path / "run", observer=observe)
    assert of_tests() == []


def test_a_logger_that_fails_in_the_test_is_a_warning(register, tmp_path):
    register("loggers", "fails", FailsInTheTest)
    run = tinynet.train(small_spec(epochs=1, loggers=["fails"]), tmp_path / "run")
    events = []
    assert "loss" in run.evaluate("test", observer=events.append)
    (warning,) = [event.message for event in events if isinstance(event, Warned)]
    assert "log_test raised" in warning
    assert "no such server" in warning


def test_a_missing_logger_does_not_prevent_an_evaluation(register, tmp_path, monkeypatch):
    register("loggers", "tester", RecordsTests)
    run = tinynet.train(small_spec(epochs=1, loggers=["tester"]), tmp_path / "run")

    def missing(self, config):
        raise MissingPackageError("pip install it")

    monkeypatch.setattr(RecordsTests, "__init__", missing)
    events = []
    run.evaluate("test", observer=events.append)
    (warning,) = [event.message for event in events if isinstance(event, Warned)]
    assert "not recorded by loggers" in warning
