"""Threads that do tasks: all that were begun are over when the one who gave them goes on."""

import _thread
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


def test_an_interrupt_waits_for_those_who_still_compute():
    """Else the next batch takes memory that the last one is still written to."""
    together, mine_done, finished = threading.Barrier(2), threading.Event(), []

    def task():
        together.wait()
        if threading.current_thread() is threading.main_thread():
            mine_done.set()
            return
        mine_done.wait()
        _thread.interrupt_main()
        for _ in range(200_000):  # some milliseconds, in which the interrupt arrives
            pass
        finished.append(True)

    crew = Crew(2)
    with pytest.raises(KeyboardInterrupt):
        crew.run([task, task])
    assert finished
    crew.run([lambda: finished.append(False), lambda: finished.append(False)])
    assert finished == [True, False, False]
