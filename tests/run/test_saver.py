"""Saving on a background thread: snapshots, order and errors."""

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
    """Yield an event that blocks a save; set at the end, so that a failing test does not hang."""
    gate = threading.Event()
    yield gate
    gate.set()


def test_save_holds_the_arrays_from_before_later_training(saver, gate):
    """Otherwise a checkpoint would mix the states of two steps."""
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


def test_start_does_not_wait_for_the_save(saver, gate):
    saver.start(arrays(1), lambda snapshot: gate.wait())
    assert saver.finished() == []
    gate.set()
    assert saver.wait() == [True]


def test_saves_run_in_order_each_with_its_own_state(saver):
    """A save waits for the previous one, whose snapshot it overwrites."""
    sums = []

    def save(snapshot):
        sums.append(float(snapshot["params/w"].sum()))
        return len(sums)

    results = [result for value in range(20) for result in saver.start(arrays(value), save)]
    results += saver.wait()
    assert sums == [12.0 * value for value in range(20)]
    assert results == list(range(1, 21)), "each is acknowledged once, in order"


def test_result_of_a_save_is_returned_once(saver):
    saver.start(arrays(1), lambda snapshot: "saved")
    assert saver.wait() == ["saved"]
    assert saver.wait() == saver.finished() == []
    assert saver.start(arrays(1), lambda snapshot: "again") == []


@pytest.mark.parametrize("ask", ["wait", "start", "finished"])
def test_error_of_a_save_is_raised_in_the_training_thread(saver, ask):
    """A run whose checkpoints are silently not written would lose its progress."""

    def fail(snapshot):
        raise CheckpointIOError("the disk is full")

    def ask_until_it_is_over():
        while not saver.finished():
            pass

    request = {
        "wait": saver.wait,
        "start": lambda: saver.start(arrays(2), fail),
        "finished": ask_until_it_is_over,
    }[ask]
    saver.start(arrays(1), fail)
    with pytest.raises(CheckpointIOError, match="the disk is full"):
        request()
    saver.start(arrays(3), lambda snapshot: float(snapshot["params/w"][0, 0]))
    assert saver.wait() == [3.0], "a save that failed does not stand in the way of the next"


@pytest.mark.parametrize(
    ("fault", "message"),
    [(MemoryError(), "not enough memory"), (MemoryError("Unable to allocate"), "Unable to")],
)
def test_save_without_memory_is_a_checkpoint_error(saver, fault, message):
    """The error shows that saving failed, not training."""

    def save(snapshot):
        raise fault

    saver.start(arrays(1), save)
    with pytest.raises(CheckpointIOError, match=f"the run cannot be saved: {message}"):
        saver.wait()


def test_thread_that_cannot_start_is_an_error(saver, monkeypatch):
    def refuse(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(CheckpointIOError, match="cannot be saved: can't start new thread"):
        saver.start(arrays(1), len)


def test_memory_of_a_snapshot_is_reused(saver):
    """At most one copy of the state is allocated."""

    def addresses(snapshot):
        return {name: array.ctypes.data for name, array in snapshot.items()}

    saver.start(arrays(1), addresses)
    (first,) = saver.wait()
    saver.start(arrays(2), addresses)
    assert saver.wait() == [first]
    assert all(address % ALIGNMENT == 0 for address in first.values())


def test_arrays_may_be_added_removed_and_reshaped(saver):
    """Running figures exist from the first batch to the end of the epoch."""

    def names_and_shapes(snapshot):
        return {name: (array.shape, array.dtype.str) for name, array in snapshot.items()}

    for live in (
        {"w": np.ones(3), "figures": np.ones(2)},
        {"w": np.ones(3)},
        {"w": np.ones(3), "figures": np.ones((2, 2), np.float32)},
    ):
        saver.start(live, names_and_shapes)
        assert saver.wait() == [names_and_shapes(live)]


def test_exit_waits_for_the_running_save(gate):
    """A checkpoint is complete even if the process ends with a training error."""
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
