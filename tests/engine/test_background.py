"""Calls in the background: their results, their errors, and what an interrupt leaves of them."""

import threading
from queue import SimpleQueue

import pytest

from tinynet.engine.background import Background, Task


def test_a_call_is_made_in_another_thread():
    began, task = SimpleQueue(), Task(lambda: began.put(threading.get_ident()) or "done")
    Background().start(task)
    assert began.get() != threading.get_ident()
    assert task.result() == task.result() == "done"


def test_an_error_is_raised_where_the_result_is_asked_for():
    def fail():
        began.put(None)
        raise KeyError("missing")

    began, task = SimpleQueue(), Task(fail)
    Background().start(task)
    began.get()
    for _ in range(2):
        with pytest.raises(KeyError, match="missing"):
            task.result()


def test_a_call_that_has_not_begun_is_made_by_who_needs_it():
    """A forked process has no such thread, and an interrupt may come before the call starts."""
    assert Task(threading.get_ident).result() == threading.get_ident()


def test_a_call_that_nobody_waits_for_any_more_is_not_made():
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
