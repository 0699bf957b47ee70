"""Ctrl-C waits for the end of an update, and an incomplete update makes the state unusable."""

import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

from tinynet.builtin.optimizers._fused import FusedOptimizer
from tinynet.errors import TinynetError
from tinynet.run.interrupts import recorded_signals
from tinynet.training.state_guard import uninterrupted

X, Y = np.random.default_rng(0).random((16, 8, 8, 1)), np.arange(16) % 10


def interrupt():
    signal.raise_signal(signal.SIGINT)


@pytest.fixture
def handler():
    """Install a handler of SIGINT for one test."""
    before = signal.getsignal(signal.SIGINT)
    yield lambda new: signal.signal(signal.SIGINT, new)
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_comes_after_the_call():
    done = []

    def work():
        interrupt()
        done.append(True)

    with pytest.raises(KeyboardInterrupt):
        uninterrupted(work)
    assert done
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_previous_handler_gets_the_signal_and_stays(handler):
    received = []

    def note(number, frame):
        received.append(number)

    handler(note)
    assert uninterrupted(lambda: interrupt() or list(received)) == []
    assert received == [signal.SIGINT]
    assert signal.getsignal(signal.SIGINT) is note


def test_ctrl_c_is_not_lost_if_the_call_fails():
    def work():
        interrupt()
        raise ValueError

    with pytest.raises(KeyboardInterrupt):
        uninterrupted(work)


def test_handler_installed_by_the_call_stays(handler):
    def new(number, frame):
        pass

    uninterrupted(lambda: handler(new))
    assert signal.getsignal(signal.SIGINT) is new


def test_an_ignored_signal_stays_ignored(handler):
    handler(signal.SIG_IGN)
    assert uninterrupted(lambda: interrupt() or "done") == "done"
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


DEFAULT_ACTION = """
import signal
from tinynet.training.state_guard import uninterrupted
signal.signal(signal.SIGINT, signal.SIG_DFL)
uninterrupted(lambda: signal.raise_signal(signal.SIGINT))
"""


def test_the_default_action_ends_the_process():
    done = subprocess.run([sys.executable, "-c", DEFAULT_ACTION], check=False)
    assert done.returncode == -signal.SIGINT


def test_handler_that_is_not_pythons_is_kept(monkeypatch):
    """Python could not install it again."""
    with monkeypatch.context() as patch:
        patch.setattr("_signal.getsignal", lambda number: None)
        assert uninterrupted(lambda: "done") == "done"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_other_threads_defer_no_signal():
    handlers = []
    thread = threading.Thread(
        target=lambda: handlers.append(uninterrupted(lambda: signal.getsignal(signal.SIGINT)))
    )
    thread.start()
    thread.join()
    assert handlers == [signal.default_int_handler]


def test_run_records_ctrl_c_during_an_update():
    with recorded_signals() as interrupts:
        assert uninterrupted(lambda: interrupt() or interrupts.received) == signal.SIGINT
        assert interrupts.received == signal.SIGINT
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_during_an_update_comes_before_a_later_signal(second):
    """The exit code of a run names the signal that ended it, which is the first one."""

    def work():
        interrupt()
        signal.raise_signal(second)

    with recorded_signals() as interrupts:
        uninterrupted(work)
        assert interrupts.received == signal.SIGINT


def test_second_ctrl_c_during_an_update_interrupts_after_it():
    done = []

    def work():
        interrupt()
        interrupt()
        done.append(True)

    with recorded_signals(), pytest.raises(KeyboardInterrupt):
        uninterrupted(work)
    assert done


@pytest.mark.parametrize("error", [MemoryError, KeyError])
def test_incomplete_update_stops_steps_and_saving(make_trainer, monkeypatch, error):
    """A run resumed from such a state would silently end with other bits."""
    original, calls = FusedOptimizer.update_with, []

    def fail_at_the_second(*args):
        calls.append(None)
        if len(calls) == 2:
            raise error
        original(*args)

    monkeypatch.setattr(FusedOptimizer, "update_with", fail_at_the_second)
    # Clipped gradients are used one after the other.
    optimizer = {"type": "sgd", "learning_rate": 0.001, "clip_value": 1.0}
    trainer = make_trainer(optimizer=optimizer)
    arrays = {name: array.copy() for name, array in trainer.state().items()}
    progress = trainer.progress
    with pytest.raises((error, TinynetError)):
        trainer.train_step(X, Y)
    assert len(calls) == 2
    message = r"ended an update before it was complete.*load a saved one \(Trainer.load_state"
    for use in (lambda: trainer.train_step(X, Y), trainer.state, lambda: next(trainer.run())):
        with pytest.raises(TinynetError, match=message):
            use()
    trainer.load_state(arrays, progress)
    trainer.train_step(X, Y)
    whole = make_trainer(optimizer=optimizer)
    whole.train_step(X, Y)
    for name, array in whole.state().items():
        np.testing.assert_array_equal(trainer.state()[name], array)


def test_mismatching_state_does_not_change_the_trainer(make_trainer):
    trainer = make_trainer()
    with pytest.raises(TinynetError):
        trainer.load_state({}, trainer.progress)
    trainer.train_step(X, Y)
