"""Processes that wait for one that is stopped must say so, and end the job after a while."""

import threading
import weakref

import numpy as np
import pytest

from tinynet.engine.process_group import ProcessGroup
from tinynet.engine.watchdog import Watchdog


class Left(BaseException):
    """The process has ended."""


class HangingFleet:
    """A fleet whose other processes never answer."""

    def __init__(self, rank=0, size=4):
        self.rank, self.size = rank, size
        self.released = threading.Event()
        self.aborted = []

    def all_gather(self, item):
        return [item] * self.size

    def swap(self, peer, send, receive):
        assert self.released.wait(30)

    def abort(self, code):
        self.aborted.append(code)
        self.released.set()


class Watched:
    """A watchdog whose clock is set by the test, and that has no thread."""

    def __init__(self, rank, timeout=600.0):
        self.now, self.lines, self.left = 0.0, [], []
        self.fleet = HangingFleet(rank)
        self.watchdog = Watchdog(
            self.fleet, timeout, say=self.lines.append, leave=self.leave, clock=lambda: self.now
        )
        self.watchdog._thread = threading.current_thread()

    def leave(self, code):
        self.left.append(code)
        raise Left

    def wait(self, seconds):
        """Let time pass, a second at a time."""
        for _ in range(seconds):
            self.now += 1
            self.watchdog.check()


def test_process_0_says_what_it_waits_for():
    watched = Watched(0)
    watched.watchdog.start("step 120")
    watched.wait(59)
    assert not watched.lines
    watched.wait(100)
    (line,) = watched.lines
    assert line == (
        "warning: process 0 of 4 has waited for the others for 60 s in step 120: a process may be"
        " stopped, or a machine unreachable. The job ends after 600 s (--fleet-timeout)"
    )


def test_process_1_speaks_in_case_process_0_hangs():
    for rank, lines in ((1, 1), (2, 0), (3, 0)):
        watched = Watched(rank)
        watched.watchdog.start("step 120")
        watched.wait(599)
        assert len(watched.lines) == lines


def test_the_end_of_a_long_wait_is_reported():
    watched = Watched(0)
    watched.watchdog.start("step 120")
    watched.wait(75)
    watched.watchdog.stop()
    assert watched.lines[1] == ("process 0 of 4: the others answered after 75 s; the job continues")


def test_calls_that_return_in_time_are_not_added_up():
    watched = Watched(0)
    for _ in range(10):
        watched.watchdog.start("step 120")
        watched.wait(50)
        watched.watchdog.stop()
        watched.wait(50)
    assert not watched.lines


def test_the_job_ends_after_the_timeout():
    watched = Watched(0, timeout=100.0)
    watched.watchdog.start("step 120")
    watched.wait(99)
    with pytest.raises(Left):
        watched.wait(1)
    assert watched.fleet.aborted == [4]
    assert watched.left == [4]  # since the fleet's abort returned
    assert "step 120" in watched.lines[-1]
    assert "resumed" in watched.lines[-1]


def test_the_lowest_process_ends_the_job_first():
    """Otherwise each of them would print the message."""
    watched = Watched(1, timeout=100.0)
    watched.watchdog.start("step 120")
    watched.wait(100)
    assert len(watched.lines) == 1  # the warning
    with pytest.raises(Left):
        watched.wait(1)


def test_a_short_timeout_leaves_time_to_end_the_other_processes():
    """Otherwise two processes would say that they end the job."""
    first, second = (Watched(rank, timeout=4.0).watchdog._end for rank in (0, 1))
    assert second - first >= 1


def test_the_time_in_which_the_process_itself_was_stopped_does_not_count():
    """A laptop that slept must not end its job on waking up."""
    watched = Watched(0)
    watched.watchdog.start("step 120")
    watched.now += 10_000
    watched.wait(1)
    assert not watched.lines


def test_a_hanging_exchange_ends():
    """The thread itself: without it, a stopped machine would block the others forever."""
    fleet, lines, left = HangingFleet(), [], []
    watchdog = Watchdog(fleet, 0.2, say=lines.append, leave=left.append)
    group = ProcessGroup(fleet, watchdog=watchdog)
    group.doing = "step 7"
    group.swap(1, np.zeros(1), np.zeros(1))
    assert fleet.aborted[0] == 4
    assert [line.split(":")[0] for line in lines[:2]] == ["warning", "error"]
    assert all("step 7" in line for line in lines[:2])


def test_a_process_whose_transport_cannot_abort_ends_itself(monkeypatch):
    monkeypatch.setattr("tinynet.engine.watchdog.PATIENCE", 0.01)
    fleet, left = HangingFleet(), threading.Event()
    fleet.abort = lambda code: left.wait(30)
    codes = []

    def leave(code):
        codes.append(code)
        left.set()

    Watchdog(fleet, 60.0, leave=leave).abort(4)
    assert codes[0] == 4


def test_the_thread_ends_with_its_group():
    """Programs that open many groups would otherwise collect threads."""
    watchdog = Watchdog(HangingFleet(), 0.05)
    watchdog.start("step 1")
    watchdog.stop()
    thread, reference = watchdog._thread, weakref.ref(watchdog)
    del watchdog
    thread.join(10)
    assert reference() is None
    assert not thread.is_alive()
