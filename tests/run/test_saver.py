"""A save on a thread of its own holds what the arrays were, comes in order, and fails aloud."""

import threading

import numpy as np
import pytest

from tinynet.errors import CheckpointIOError
from tinynet.kernels.memory import ALIGNMENT
from tinynet.run.saver import Saver


def arrays(value):
    return {"params/w": np.full((3, 4), value, np.float32), "slots/n": np.array(value, np.int64)}


@pytest.fixture
def saver():
    with Saver() as saver:
        yield saver


@pytest.fixture
def gate():
    """What a save can be held at; opened in the end, so that a failing test does not hang."""
    gate = threading.Event()
    yield gate
    gate.set()


def test_a_save_holds_what_the_arrays_were_although_training_goes_on(saver, gate):
    """Otherwise a checkpoint would be half of one step and half of the next."""
    live = arrays(1)

    def save(snapshot):
        gate.wait()
        return {name: array.copy() for name, array in snapshot.items()}

    saver.start(live, save)
    for array in live.values():
        array[...] = 2
    gate.set()
    (saved,) = saver.wait()
    for name, array in arrays(1).items():
        assert saved[name].dtype == array.dtype
        assert np.array_equal(saved[name], array)


def test_training_goes_on_while_it_is_saved(saver, gate):
    saver.start(arrays(1), lambda snapshot: gate.wait())
    assert saver.finished() == []
    gate.set()
    assert saver.wait() == [True]


def test_saves_come_one_after_the_other_each_with_its_own_state(saver):
    """The next one waits for the one before, whose snapshot it would overwrite."""
    seen = []

    def save(snapshot):
        seen.append(float(snapshot["params/w"].sum()))
        return len(seen)

    results = [result for value in range(20) for result in saver.start(arrays(value), save)]
    results += saver.wait()
    assert seen == [12.0 * value for value in range(20)]
    assert results == list(range(1, 21)), "each is acknowledged once, in order"


def test_what_a_save_gave_is_told_once(saver):
    saver.start(arrays(1), lambda snapshot: "saved")
    assert saver.wait() == ["saved"]
    assert saver.wait() == saver.finished() == []
    assert saver.start(arrays(1), lambda snapshot: "again") == []


@pytest.mark.parametrize("ask", ["wait", "start", "finished"])
def test_an_error_reaches_whoever_trains(saver, ask):
    """A run that believes in checkpoints that were never written loses days."""

    def fail(snapshot):
        raise CheckpointIOError("the disk is full")

    def ask_until_it_is_over():
        while not saver.finished():
            pass

    asked = {
        "wait": saver.wait,
        "start": lambda: saver.start(arrays(2), fail),
        "finished": ask_until_it_is_over,
    }[ask]
    saver.start(arrays(1), fail)
    with pytest.raises(CheckpointIOError, match="the disk is full"):
        asked()
    saver.start(arrays(3), lambda snapshot: float(snapshot["params/w"][0, 0]))
    assert saver.wait() == [3.0], "a save that failed does not stand in the way of the next"


@pytest.mark.parametrize(
    ("fault", "said"),
    [(MemoryError(), "not enough memory"), (MemoryError("Unable to allocate"), "Unable to")],
)
def test_a_save_without_memory_is_an_error_of_the_checkpoint(saver, fault, said):
    """Whoever runs the command is told which of the two failed: training, or saving."""

    def save(snapshot):
        raise fault

    saver.start(arrays(1), save)
    with pytest.raises(CheckpointIOError, match=f"the run cannot be saved: {said}"):
        saver.wait()


def test_no_thread_to_save_on_is_an_error(saver, monkeypatch):
    def refuse(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(CheckpointIOError, match="cannot be saved: can't start new thread"):
        saver.start(arrays(1), len)


def test_the_memory_of_a_snapshot_is_used_again(saver):
    """Saving takes no memory anew at each checkpoint: at most one copy of the state is held."""

    def addresses(snapshot):
        return {name: array.ctypes.data for name, array in snapshot.items()}

    saver.start(arrays(1), addresses)
    (first,) = saver.wait()
    saver.start(arrays(2), addresses)
    assert saver.wait() == [first]
    assert all(address % ALIGNMENT == 0 for address in first.values())


def test_arrays_may_come_go_and_change_their_shape(saver):
    """Running figures appear with the first batch and vanish with the epoch."""

    def names_and_shapes(snapshot):
        return {name: (array.shape, array.dtype.str) for name, array in snapshot.items()}

    for live in (
        {"w": np.ones(3), "figures": np.ones(2)},
        {"w": np.ones(3)},
        {"w": np.ones(3), "figures": np.ones((2, 2), np.float32)},
    ):
        saver.start(live, names_and_shapes)
        assert saver.wait() == [names_and_shapes(live)]


def test_leaving_waits_for_the_save_that_runs(gate):
    """A process that ends, by an error of training too, ends with a whole checkpoint."""
    saved = []

    def save(snapshot):
        gate.wait()
        saved.append(True)

    def leave_with_an_error():
        with Saver() as saver:
            saver.start(arrays(1), save)
            gate.set()
            raise RuntimeError("training failed")

    with pytest.raises(RuntimeError, match="training failed"):
        leave_with_an_error()
    assert saved == [True]
