"""The state of a new best evaluation, which is written with the next save of its run."""

import json
import signal
import subprocess
import sys
from contextlib import nullcontext

import pytest

import tinynet
from tests.small_spec import HUNDRED, small_spec
from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.checkpoint.sections import LogMark
from tinynet.errors import CheckpointError, DataError
from tinynet.events import Saved, StepDone, StopTraining
from tinynet.run import kept_best
from tinynet.run.folder import RunFolder
from tinynet.training.progress import Progress

BEST = 14
"""The last step before the learning rate ruins the network."""

SPEC = small_spec(
    data={**HUNDRED, "transforms": [{"type": "scale", "factor": 0.0625}]},
    epochs=8,
    batch_size=50,
    optimizer={"type": "sgd", "learning_rate": 0.1, "momentum": 0.9},
    schedule={"type": "piecewise_constant", "boundaries": [BEST], "values": [1, 1e4]},
    checkpoint={"every_epochs": 4, "keep_best": {"metric": "val/loss"}},
)
"""Two steps in an epoch: saved by its position after steps 8 and 16."""

KILLED = """
import json, os, signal, sys
import tinynet
from tinynet.events import StepDone

def kill(event):
    if isinstance(event, StepDone) and event.step == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)

tinynet.train(json.loads(sys.argv[1]), sys.argv[2], observer=kill)
"""


def arrays(path):
    return {name: array.tobytes() for name, array in Checkpoint.read(path).tensors.items()}


def saved_steps(run, observe=lambda event: None):
    """Train; return the steps of the saves in their order."""
    steps = []

    def observer(event):
        if isinstance(event, Saved):
            steps.append(event.step)
        observe(event)

    tinynet.train(SPEC, run, observer=observer)
    return steps


def test_a_best_state_that_a_kill_takes_is_computed_again(tmp_path):
    """Otherwise the best checkpoint would be another one than that of an uninterrupted run."""
    whole, run = tinynet.train(SPEC, tmp_path / "whole"), tmp_path / "killed"
    assert whole.best_evaluation.step == BEST
    words = [sys.executable, "-c", KILLED, json.dumps(SPEC), str(run), str(BEST + 1)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert BEST not in RunFolder(run).steps()
    resumed = tinynet.resume(run)
    assert resumed.best_evaluation == whole.best_evaluation
    assert arrays(resumed.best) == arrays(whole.best)
    assert arrays(resumed.checkpoints[-1]) == arrays(whole.checkpoints[-1])


def test_only_the_best_state_at_a_save_is_written(tmp_path):
    """Every new best one would take a write to the disk, which a short run would notice."""
    assert saved_steps(tmp_path / "run") == [0, 8, BEST, 16]


def test_a_state_that_takes_much_memory_is_saved_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(kept_best, "_MOST", 1)
    assert saved_steps(tmp_path / "run") == [0, *range(2, BEST + 1, 2), 16]


def test_a_state_is_not_kept_for_long(tmp_path, monkeypatch):
    """Who evaluates the best checkpoint of a running run would use an old one."""
    monkeypatch.setattr(kept_best, "_LONGEST", 0.0)
    assert saved_steps(tmp_path / "run") == [0, *range(2, BEST + 1, 2), 16]


def test_a_run_that_improves_steadily_is_saved_as_often(tmp_path, monkeypatch):
    """Otherwise a kill would take the whole run, if each new best one restarted the clock."""
    now = iter(range(1_000))
    monkeypatch.setattr(kept_best.time, "monotonic", lambda: next(now))
    monkeypatch.setattr(kept_best, "_LONGEST", 3)
    kept = kept_best.KeptBest()
    snapshot = kept_best.Snapshot(Progress(), LogMark(), {})
    waited = [(kept.keep(snapshot), kept.waits_long)[1] for _ in range(3)]
    assert waited == [False, False, True]
    kept.clear()
    kept.keep(snapshot)
    assert not kept.waits_long


def test_a_best_checkpoint_that_is_not_written_yet_is_not_called_missing(tmp_path):
    """The remedy would be the setting that the spec has already."""
    errors = []

    def load(event):
        if isinstance(event, StepDone) and event.step == 3:
            with pytest.raises(CheckpointError) as caught:
                tinynet.load_model(tmp_path / "run", checkpoint="best")
            errors.append(str(caught.value))

    saved_steps(tmp_path / "run", load)
    assert "has no best checkpoint yet" in errors[0]
    assert "keep_best" not in errors[0]


@pytest.mark.parametrize("error", [DataError("the disk is gone"), StopTraining("enough")])
def test_the_best_state_is_saved_when_a_run_ends_early(tmp_path, error):
    """The run may never be resumed."""
    run = tmp_path / "run"

    def fail(event):
        if isinstance(event, StepDone) and event.step == BEST + 1:
            raise error

    with nullcontext() if isinstance(error, StopTraining) else pytest.raises(DataError):
        saved_steps(run, fail)
    assert BEST in RunFolder(run).steps()
    newest = Checkpoint.read(RunFolder(run).checkpoint(RunFolder(run).steps()[-1]))
    assert newest.progress.best.step == BEST
