"""Threads that do tasks: all that were begun are over when the one who gave them goes on."""

import signal
import threading

import pytest

from tinynet.network.crew import Crew


def test_every_task_is_done_once():
    done = []
    Crew(3).run([lambda number=number: done.append(number) for number in range(50)])
    assert sorted(done) == list(range(50))


def test_the_first_failure_in_the_order_of_the_list_is_raised():
    together = threading.Barrier(2)

    def fail(error):
        together.wait()
        raise error

    with pytest.raises(KeyError):
        Crew(2).run([lambda: fail(KeyError()), lambda: fail(ValueError())])


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="this system has no such signals")
def test_an_interrupt_waits_for_those_who_still_compute():
    """Else the next batch takes memory that the last one is still written to."""
    together, mine_done, arrived = threading.Barrier(2), threading.Event(), threading.Event()
    finished = []

    def interrupt(*_):
        arrived.set()
        raise KeyboardInterrupt

    def task():
        together.wait()
        if threading.current_thread() is threading.main_thread():
            mine_done.set()
            return
        mine_done.wait()
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        arrived.wait()
        sum(range(3_000_000))  # it takes longer than to be told of the interrupt
        finished.append(True)

    crew, before = Crew(2), signal.signal(signal.SIGINT, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            crew.run([task, task])
        assert finished
    finally:
        signal.signal(signal.SIGINT, before)
    crew.run([lambda: finished.append(False), lambda: finished.append(False)])
    assert finished == [True, False, False]
