"""Calls in a background thread: results, errors and interrupts."""

import threading
from queue import SimpleQueue

import pytest

from tinynet.engine.background import Background, Task


def test_call_runs_in_another_thread():
    began, task = SimpleQueue(), Task(lambda: began.put(threading.get_ident()) or "done")
    Background().start(task)
    assert began.get() != threading.get_ident()
    assert task.result() == task.result() == "done"


def test_error_is_raised_by_result():
    def fail():
        began.put(None)
        raise KeyError("missing")

    began, task = SimpleQueue(), Task(fail)
    Background().start(task)
    began.get()
    for _ in range(2):
        with pytest.raises(KeyError, match="missing"):
            task.result()


def test_result_runs_a_call_that_has_not_begun():
    """A forked process has no such thread, and an interrupt may come before the call starts."""
    assert Task(threading.get_ident).result() == threading.get_ident()


def test_abandoned_call_never_runs():
    calls, gate, background = [], SimpleQueue(), Background()
    held, dropped, last = Task(gate.get), Task(lambda: calls.append("dropped")), Task(lambda: None)
    background.start(held)
    background.start(dropped)
    dropped.close()
    gate.put(None)
    background.start(last)
    held.result()
    last.result()
    assert not calls
