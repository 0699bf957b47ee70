"""The watch over processes that wait for each other: a message after a while, the end after longer.

A transport waits forever for a process that is stopped, or for a machine that cannot be reached,
and at the start for a process that ends before it has joined the others.
"""

import os
import sys
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn, Protocol

WARN_AFTER = 60.0
"""Seconds of waiting before the first message, or half the timeout if that is less."""

PATIENCE = 5.0
"""Seconds that a transport has to end all processes before this one ends itself."""

LOST = 4
"""Exit code of a job whose processes lost each other: that of files, since a run can be resumed."""

APART = 1.0
"""Fewest seconds between the ends of two processes; the launcher needs some to end the others."""

TICK = 1.0
"""Seconds between two looks at the call under way."""


_REASONS = (
    "a process may be stopped, or a machine unreachable",
    "its run can be resumed from the newest checkpoint",
)
_REASONS_AT_START = (
    "a process may have ended before it joined them, or be busy with something else, as with"
    " --fleet none",
    "every process must make this call, and none may end before that",
)
"""The likely reasons of a wait, and a sentence about the end of the job, in the work and at its
start."""

START = "the start"
"""The work under way before all processes have begun to work together."""


class Watched(Protocol):
    """The part of a fleet that `Watchdog` uses."""

    @property
    def rank(self) -> int:
        """The number of this process, from 0."""
        ...

    @property
    def size(self) -> int:
        """The number of processes."""
        ...

    def abort(self, code: int) -> NoReturn:
        """End all processes at once."""
        ...


class _Call:
    """A call of the transport that has not returned."""

    def __init__(self, doing: str) -> None:
        self.doing = doing
        self.waited = 0.0
        self.warned = False


class Watchdog:
    """A daemon thread that measures the time that each call of a transport takes."""

    def __init__(
        self,
        fleet: Watched,
        timeout: float,
        *,
        say: Callable[[str], None] | None = None,
        leave: Callable[[int], NoReturn] = os._exit,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare the watch; the first call starts the thread.

        Args:
            fleet: The transport, whose `abort` ends all processes.
            timeout: Seconds of waiting after which the job ends.
            say: Called with each message; by default it becomes a line on stderr.
            leave: Ends this process with an exit code if `abort` does not.
            clock: Returns the time in seconds.
        """
        self._fleet = fleet
        self._name = f"process {fleet.rank} of {fleet.size}"
        self._timeout = timeout
        # The lowest process that lives speaks first, and its abort ends the others.
        self._end = timeout + min(fleet.rank, 10) * max(timeout / 100, APART)
        self._warn = min(WARN_AFTER, timeout / 2) * (1 + fleet.rank / 10)
        self._speaks = fleet.rank < 2  # Process 1, too, since process 0 may be the one that hangs.
        self.say = say or print_line
        self._leave = leave
        self._clock = clock
        self._tick = min(TICK, timeout / 50)
        self._seen = clock()
        self._call: _Call | None = None
        self._thread: threading.Thread | None = None

    def start(self, doing: str) -> None:
        """Note that a call begins; `doing` is the work that it belongs to, for messages."""
        self._call = _Call(doing)
        if self._thread is None:
            self._thread = threading.Thread(
                target=_watch, args=(weakref.ref(self), self._tick), daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        """Note that the call has returned."""
        call, self._call = self._call, None
        if call is not None and call.warned:
            self.say(
                f"{self._name}: the others answered after {call.waited:.0f} s; the job continues"
            )

    def check(self) -> None:
        """Compare the time that the call has waited with the limits."""
        now = self._clock()
        # The time in which this process itself was stopped does not count.
        passed, self._seen = min(now - self._seen, 5 * self._tick), now
        call = self._call
        if call is None:
            return
        call.waited += passed
        reasons, remains = _REASONS_AT_START if call.doing == START else _REASONS
        if call.waited >= self._end:
            self.say(
                f"error: {self._name} has waited for the others for {call.waited:.0f} s in"
                f" {call.doing} and ends the job; {remains}"
            )
            self.abort(LOST)
        if self._speaks and not call.warned and call.waited >= self._warn:
            call.warned = True
            self.say(
                f"warning: {self._name} has waited for the others for {call.waited:.0f} s in"
                f" {call.doing}: {reasons}. The job ends after {self._timeout:g} s"
                " (--fleet-timeout)"
            )

    def abort(self, code: int) -> NoReturn:
        """End all processes, or at least this one if the transport cannot."""
        timer = threading.Timer(PATIENCE, self._leave, (code,))
        timer.daemon = True
        timer.start()
        try:
            self._fleet.abort(code)
        finally:
            timer.cancel()
        self._leave(code)


def _watch(reference: "weakref.ref[Watchdog]", tick: float) -> None:
    """Check again and again, until the watchdog is deleted."""
    while True:
        time.sleep(tick)
        watchdog = reference()
        if watchdog is None:
            return
        watchdog.check()
        del watchdog  # Otherwise this thread would keep it.


def print_line(text: str) -> None:
    """Print a line on stderr, below a progress bar if there is one."""
    with suppress(Exception):  # of a stream that is closed or missing
        start = "\n" if sys.stderr.isatty() else ""
        print(f"{start}{text}", file=sys.stderr, flush=True)
