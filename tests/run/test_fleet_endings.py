"""Several processes that train one run end together, and leave a run that can be resumed."""

from contextlib import contextmanager

import numpy as np
import pytest

from tests.fleet_runs import CNN, content, failure, is_process, outcome, train_together
from tinynet.builtin.datasets.memory import Memory
from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.errors import (
    CheckpointIOError,
    CheckpointMismatchError,
    DataError,
    DivergedError,
)
from tinynet.events import Saved, StepDone, StopTraining
from tinynet.run import joined_session, session
from tinynet.run.interrupts import Interrupted, Interrupts
from tinynet.training.trainer import Trainer

SIGTERM = 15


class Late(Interrupts):
    """A signal that arrives some events after the start."""

    def __init__(self, events):
        self._left = events

    @property
    def received(self):
        self._left -= 1
        return SIGTERM if self._left < 0 else None


@pytest.fixture
def send(monkeypatch):
    """Let one process receive a signal after some of its events."""

    def install(rank, events):
        @contextmanager
        def signals():
            yield Late(events) if is_process(rank) else Interrupts()

        for module in (session, joined_session):
            monkeypatch.setattr(module, "recorded_signals", signals)

    return install


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The content of a run that was never stopped."""
    return content(train_together(CNN, tmp_path_factory.mktemp("whole") / "run", 1)[0].path)


def assert_resumes(folder, whole, size=2):
    """Require that a run resumes to the same bits as one that was never stopped."""
    train_together(CNN, folder, size, again=True)
    saved, log = content(folder)
    last = max(whole[0])
    assert (saved[last], log) == (whole[0][last], whole[1])


@pytest.mark.parametrize("rank", [0, 2])
@pytest.mark.parametrize("events", [1, 4])
def test_signal_to_any_process_saves_and_stops_all(
    tmp_path, whole, send, monkeypatch, rank, events
):
    """Schedulers signal one process of a job, or each at another moment."""
    send(rank, events)
    ends = train_together(CNN, tmp_path / "run", 3, work=outcome)
    assert [type(end) for end in ends] == [Interrupted] * 3
    assert {(str(end), end.signal) for end in ends} == {(str(ends[0]), SIGTERM)}
    assert "and saved. Continue with: tinynet resume " in str(ends[0])
    monkeypatch.undo()
    assert_resumes(tmp_path / "run", whole)


@pytest.mark.parametrize(("kind", "count"), [(StepDone, 3), (Saved, 1)])
def test_observer_stops_all_processes(tmp_path, whole, kind, count):
    seen = []

    def stop(event):
        seen.extend([event] if isinstance(event, kind) else [])
        if isinstance(event, kind) and len(seen) == count:
            raise StopTraining("enough")

    runs = train_together(CNN, tmp_path / "run", 3, observer=stop)
    assert {run.step for run in runs} == {3 if kind is StepDone else 0}
    assert {(run.stop_reason, run.stop_message) for run in runs} == {("observer", "enough")}
    assert not any(run.finished for run in runs)
    assert_resumes(tmp_path / "run", whole)


def test_error_of_an_observer_ends_all(tmp_path, whole):
    def explode(event):
        if isinstance(event, StepDone) and event.step == 4:
            raise RuntimeError("no display")

    ends = train_together(CNN, tmp_path / "run", 3, work=outcome, observer=explode)
    assert isinstance(failure(ends, 0, "no display"), RuntimeError)
    assert_resumes(tmp_path / "run", whole, 1)


@pytest.mark.parametrize("number", [0, 2])
def test_full_disk_of_the_first_process_ends_all(tmp_path, whole, monkeypatch, number):
    """The others must not wait for a process that has failed to save."""
    write, calls = Checkpoint.write, []

    def full(checkpoint, path):
        calls.append(path)
        if len(calls) > number:
            raise CheckpointIOError(f"{path}: No space left on device")
        write(checkpoint, path)

    monkeypatch.setattr(Checkpoint, "write", full)
    ends = train_together(CNN, tmp_path / "run", 3, work=outcome)
    assert isinstance(failure(ends, 0, "No space left"), CheckpointIOError)
    monkeypatch.undo()
    if number:
        assert_resumes(tmp_path / "run", whole)


def test_save_that_fails_after_a_signal_ends_all_with_its_error(tmp_path, send, monkeypatch):
    """A message that the run is saved would be wrong in any of the processes."""
    send(1, 2)
    write = Checkpoint.write

    def full(checkpoint, path):
        if checkpoint.progress.step:
            raise CheckpointIOError(f"{path}: No space left on device")
        write(checkpoint, path)

    monkeypatch.setattr(Checkpoint, "write", full)
    ends = train_together(CNN, tmp_path / "run", 2, work=outcome)
    assert isinstance(failure(ends, 0, "No space left"), CheckpointIOError)


def test_samples_that_one_process_cannot_read_end_all(tmp_path, monkeypatch):
    """A file that is missing on one machine must not stop the job without a word."""
    gather, calls = Memory.gather, []

    def fail(dataset, rows):
        if not is_process(0):  # Also in the thread that loads the next step.
            calls.append(len(rows))
            if len(calls) > 6:
                raise DataError("images/07.png is missing")
        return gather(dataset, rows)

    monkeypatch.setattr(Memory, "gather", fail)
    ends = train_together(CNN, tmp_path / "run", 2, work=outcome, changes={"epochs": 20})
    assert isinstance(failure(ends, 1, "images/07.png is missing"), DataError)


def test_divergence_ends_all_with_the_reason(tmp_path):
    changes = {"optimizer": {"type": "sgd", "learning_rate": 1e38}}
    ends = train_together(CNN, tmp_path / "run", 3, work=outcome, changes=changes)
    (alone,) = train_together(CNN, tmp_path / "alone", 1, work=outcome, changes=changes)
    assert isinstance(alone, DivergedError)
    error = failure(ends, 0, str(alone))
    assert isinstance(error, DivergedError)


def test_processes_that_compute_something_else_are_found_at_the_next_save(
    tmp_path, whole, monkeypatch
):
    """CPUs that round differently would make a run that no machine can repeat."""
    step = Trainer._next_step

    def drift(trainer):
        done = step(trainer)
        if is_process(1) and done.step == 3:
            bias = next(a for name, a in trainer.network.params.items() if name.endswith("bias"))
            bias[...] = np.nextafter(bias, 1)
        return done

    monkeypatch.setattr(Trainer, "_next_step", drift)
    ends = train_together(CNN, tmp_path / "run", 3, work=outcome)
    assert {type(end) for end in ends} == {CheckpointMismatchError}
    assert len({str(end) for end in ends}) == 1
    assert "after step 4 process 1 on " in str(ends[0])
    saved = [path.name for path in sorted((tmp_path / "run" / "checkpoints").iterdir())]
    assert saved[-1] == "step-000000000002.msgpack"
    monkeypatch.undo()
    assert_resumes(tmp_path / "run", whole)
