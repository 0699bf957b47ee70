"""The TensorBoard logger: TensorBoard's own reader finds every value at its step, once."""

import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

pytest.importorskip("tensorboardX", reason="needs the extra tensorboard")
accumulators = pytest.importorskip(
    "tensorboard.backend.event_processing.event_accumulator", reason="needs the extra extra"
)

import tinynet  # noqa: E402
from tests.small_spec import small_spec  # noqa: E402
from tinynet.builtin.loggers.tensorboard import TensorBoard  # noqa: E402
from tinynet.logger import LoggedRun  # noqa: E402
from tinynet.testing import check_logger  # noqa: E402

pytestmark = [
    pytest.mark.extra,
    # Of the protocol buffers of TensorBoard.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

SPEC = small_spec(metrics=["accuracy"], log_every_steps=1, loggers=["tensorboard"])

KILL = """
import json, os, signal, sys, tinynet
spec, run, step = json.loads(sys.argv[1]), sys.argv[2], int(sys.argv[3])

def kill(event):
    if getattr(event, "step", 0) == step:
        os.kill(os.getpid(), signal.SIGKILL)

tinynet.train(spec, run, observer=kill)
"""


class KilledError(Exception):
    pass


def read(run_folder):
    """Return {tag: [(step, value), ...]} as TensorBoard's own reader sees the run."""
    reader = accumulators.EventAccumulator(
        str(run_folder / "tensorboard"), size_guidance={accumulators.SCALARS: 0}
    )
    reader.Reload()
    return {
        tag: [(event.step, event.value) for event in reader.Scalars(tag)]
        for tag in reader.Tags()["scalars"]
    }


def expected(run):
    """Return the same from the log of the run."""
    scalars = {}
    for line in run.history:
        for name, value in line.items():
            if name not in ("step", "epoch", "wall"):
                scalars.setdefault(name, {})[line["step"]] = value
    return {
        name: [(step, pytest.approx(value)) for step, value in values.items()]
        for name, values in scalars.items()
    }


def test_every_figure_is_a_scalar_at_its_step(tmp_path):
    run = tinynet.train(SPEC, tmp_path / "run")
    scalars = read(run.path)
    assert scalars == expected(run)
    assert [step for step, _ in scalars["loss"]] == list(range(1, run.step + 1))


def test_a_killed_and_resumed_run_shows_every_step_once(tmp_path):
    """Without it, the curves of a preempted run would go back and forth."""
    whole = read(tinynet.train(SPEC, tmp_path / "whole").path)
    words = [sys.executable, "-c", KILL, json.dumps(SPEC), str(tmp_path / "run"), "7"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    for torn in (0, 5):  # Its last event may be cut short, as by a full disk.
        folder = tmp_path / f"torn-{torn}"
        shutil.copytree(tmp_path / "run", folder)
        (events,) = (folder / "tensorboard").iterdir()
        os.truncate(events, events.stat().st_size - torn)
        run = tinynet.resume(folder)
        assert len(list((folder / "tensorboard").iterdir())) == 2
        assert read(folder) == expected(run)
        assert read(folder) == whole


def test_a_checkpoint_before_an_evaluation_repeats_the_evaluation_only(tmp_path):
    spec = {**SPEC, "training": {**SPEC["training"], "checkpoint": {"every_steps": 1}}}

    def kill(event):
        if isinstance(event, tinynet.training.events.Evaluated) and event.epoch == 2:
            raise KilledError

    with pytest.raises(KilledError):
        tinynet.train(spec, tmp_path / "run", observer=kill)
    run = tinynet.resume(tmp_path / "run")
    assert read(run.path) == expected(run)


def test_a_logger_that_is_added_later_shows_the_whole_run(tmp_path):
    first = {"training.loggers": [], "training.epochs": 2}
    tinynet.train(SPEC, tmp_path / "run", overrides=first)
    more = {"training.epochs": 3}
    run = tinynet.resume(tmp_path / "run", overrides=more, loggers=["tensorboard"])
    assert read(run.path) == expected(run)


def test_a_link_in_a_run_folder_of_a_stranger_is_not_followed(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "run").mkdir()
    os.symlink(elsewhere, tmp_path / "run" / "tensorboard")
    logger = TensorBoard(TensorBoard.Config())
    with pytest.raises(tinynet.errors.CheckpointIOError, match="a symbolic link"):
        logger.start(LoggedRun(tmp_path / "run", "run", "0", {}))
    assert not list(elsewhere.iterdir())


def test_it_keeps_the_promises_of_a_logger():
    check_logger(TensorBoard, {})


def test_figures_of_the_test_split_are_scalars_that_hide_no_others(tmp_path):
    run = tinynet.train(SPEC, tmp_path / "run")
    test = run.evaluate("test")
    found = read(run.path)
    assert found["test/loss"] == [(run.step, pytest.approx(test["loss"]))]
    assert {tag: v for tag, v in found.items() if not tag.startswith("test/")} == expected(run)
    tinynet.resume(run.path, overrides={"training.epochs": 4})
    assert [step for step, _ in read(run.path)["test/loss"]] == [run.step]
