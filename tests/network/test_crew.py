"""Threads that do tasks: all that were begun are over when the one who gave them goes on."""

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
