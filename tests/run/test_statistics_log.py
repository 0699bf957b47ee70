"""The statistics of a run are logged once for each step, also if it is killed and resumed."""

import math

import pytest

import tinynet
from tests.small_spec import small_spec
from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.errors import CheckpointCorruptError
from tinynet.logger import LoggerConfig
from tinynet.run.folder import RunFolder
from tinynet.run.log import read_statistics
from tinynet.training.events import Statistics, StepDone

SPEC = small_spec(log_statistics_every_steps=2, loggers=["csv"])
CALLS = []


class KilledError(Exception):
    pass


class Recorder:
    """A logger that remembers the statistics."""

    class Config(LoggerConfig):
        pass

    def __init__(self, config):
        pass

    def start(self, run):
        CALLS.append([(record.step, dict(record.figures)) for record in run.statistics])

    def log(self, step, epoch, figures):
        pass

    def statistics(self, step, epoch, figures):
        CALLS.append((step, figures))

    def finish(self, state, figures):
        pass


def logged(run):
    return read_statistics(RunFolder(run.path).statistics)


def kill_after(step):
    def kill(event):
        if isinstance(event, StepDone) and event.step == step:
            raise KilledError

    return kill


def test_the_file_has_what_observers_get(tmp_path):
    events = []
    run = tinynet.train(SPEC, tmp_path / "run", observer=events.append)
    found = logged(run)
    assert found == [event for event in events if isinstance(event, Statistics)]
    assert [one.step for one in found] == list(range(2, run.step + 1, 2))
    assert found[0].parameters.keys() == {"dense_1/weight", "dense_1/bias"}


def test_a_run_without_them_has_no_file(tmp_path):
    without = {"training.log_statistics_every_steps": None}
    run = tinynet.train(SPEC, tmp_path / "run", overrides=without)
    assert not RunFolder(run.path).statistics.exists()
    assert logged(run) == []


def test_a_killed_and_resumed_run_has_every_step_once(tmp_path):
    whole = tinynet.train(SPEC, tmp_path / "whole")
    with pytest.raises(KilledError):
        tinynet.train(SPEC, tmp_path / "run", observer=kill_after(5))
    path = RunFolder(tmp_path / "run").statistics
    path.write_bytes(path.read_bytes() + b'{"step": 8, "epo')  # cut short by the kill
    run = tinynet.resume(tmp_path / "run")
    assert logged(run) == logged(whole)
    assert path.read_bytes() == RunFolder(whole.path).statistics.read_bytes()


def test_the_checkpoint_and_the_log_are_the_same_with_and_without_them(tmp_path):
    def state(run):
        checkpoint = Checkpoint.read(run.checkpoints[-1])
        arrays = {name: array.tobytes() for name, array in checkpoint.arrays.items()}
        log = [{k: v for k, v in line.items() if k != "wall"} for line in run.history]
        return arrays, checkpoint.progress, log

    without = {"training.log_statistics_every_steps": None, "training.loggers": []}
    assert state(tinynet.train(SPEC, tmp_path / "with")) == state(
        tinynet.train(SPEC, tmp_path / "without", overrides=without)
    )


def test_loggers_get_them_by_name_and_those_up_to_the_checkpoint(register, tmp_path):
    register("loggers", "recorder", Recorder)
    CALLS.clear()
    loggers = {"training.loggers": ["recorder", "csv"]}
    with pytest.raises(KilledError):
        tinynet.train(SPEC, tmp_path / "run", overrides=loggers, observer=kill_after(5))
    first, *before = CALLS
    assert first == []
    assert [step for step, _ in before] == [2, 4]
    name = "statistics/parameters/dense_1/weight/mean"
    CALLS.clear()
    run = tinynet.resume(tmp_path / "run")
    past, *after = CALLS
    found = [*past, *after]
    assert [step for step, _ in past] == [2]
    assert [step for step, _ in found] == [one.step for one in logged(run)]
    means = [one.parameters["dense_1/weight"]["mean"] for one in logged(run)]
    assert [figures[name] for _, figures in found] == means


def test_figures_that_are_not_finite_are_null_in_the_file(tmp_path):
    path = tmp_path / "statistics.jsonl"
    path.write_text(
        '{"step": 2, "epoch": 1, "parameters": {"a": {"mean": null}}, "gradients": {},'
        ' "outputs": {}}\n'
    )
    (found,) = read_statistics(path)
    assert math.isnan(found.parameters["a"]["mean"])


@pytest.mark.parametrize("line", ["{}", "[]", '{"step": 1, "epoch": 1, "parameters": 3}', "x"])
def test_a_file_that_was_changed_is_an_error_with_a_remedy(tmp_path, line):
    run = tinynet.train(SPEC, tmp_path / "run")
    path = RunFolder(run.path).statistics
    path.write_text(line + "\n")
    with pytest.raises(CheckpointCorruptError):
        read_statistics(path)
    with pytest.raises(CheckpointCorruptError, match="move the file away to continue"):
        tinynet.resume(run.path, overrides={"training.epochs": 4})
