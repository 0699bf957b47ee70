"""The processes that compute one run together, and the errors of one of them in all of them.

An error must not leave the other processes waiting for the one that failed. Every object that they
gather is therefore sent as an item or as a failure: a process that fails sends its failure in the
next `gather` of the others, and then all of them raise `PeerFailure`. So wherever a process can
fail, the next thing that the others call must be `gather`, `share` or `merge`; arrays are exchanged
right after a `gather` that all have passed. A `merge` begins with a `gather`, unless the `merge`
before it has announced it: then a process that fails sends its failure along the tree.
"""

import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import reduce
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from tinynet.engine.failures import (
    Failure,
    Failures,
    errors_text,
    pickled,
    pickled_errors,
    unpickled,
    unpickled_error,
)
from tinynet.engine.summary_tree import merge_processes
from tinynet.engine.threads import MOST_THREADS, usable_cores
from tinynet.engine.watchdog import LOST, START, Watchdog
from tinynet.errors import PeerFailure, TinynetError
from tinynet.types import Array

if TYPE_CHECKING:
    from tinynet.fleet import Fleet

T = TypeVar("T")

DEFAULT_TIMEOUT = 600.0
"""Seconds after which a process that waits for the others ends the job."""

INTERRUPTED = 130
"""Exit code of a job that was interrupted before its run could be saved."""

FIRST_ENDS_WITHIN = 0.5
"""Seconds that an interrupted process waits for the end that the first one may make."""


class ProcessGroup:
    """A fleet whose processes fail together, and never wait without an end.

    Attributes:
        rank: Number of this process, from 0.
        size: Number of processes.
        hosts: Name of the machine of each process.
        threads: Threads that this process uses by default: its cores, divided by the processes of
            its machine that share them.
        first: True in process 0, which reads and writes the files of the run.
        doing: The work under way, for messages, such as ``step 120``.
        failure: The error that ended the run in every process; None before.
    """

    def __init__(
        self,
        fleet: "Fleet",
        timeout: float = DEFAULT_TIMEOUT,
        *,
        watchdog: Watchdog | None = None,
    ) -> None:
        """Learn the hosts of all processes, which must construct their groups together.

        Args:
            fleet: The transport.
            timeout: Seconds that a process waits for the others before it ends the job.
            watchdog: Another watchdog than the one that `timeout` describes, for tests.
        """
        self._fleet = fleet
        self.rank, self.size = fleet.rank, fleet.size
        self.first = fleet.rank == 0
        self.doing = START
        self.failure: Exception | None = None
        self._lost = False  # A call of the fleet has failed: the processes may be out of step.
        self._merge_follows = False  # The next exchange of all processes is a `merge`.
        self._host = socket.gethostname()
        self._watchdog = watchdog or Watchdog(fleet, timeout)
        places = self.gather((self._host, usable_cores()))
        self.hosts = tuple(host for host, _ in places)
        self.threads = threads_of(self.rank, places)

    def gather(self, item: Any) -> list[Any]:
        """Return the item of each process, in the order of their numbers.

        Raises:
            PeerFailure: if a process has failed; the same one in every process.
            TinynetError: if the item cannot be pickled; pass it to `fail`, like every error.
        """
        return [unpickled(item) for item in self._gathered(pickled(item))]

    def share(self, item: Any = None) -> Any:
        """Return the item of process 0, after all processes have come here without an error.

        Raises:
            PeerFailure: if a process has failed; the same one in every process.
            TinynetError: if the item cannot be pickled.
        """
        data = pickled(item) if self.first else b""
        self._gathered(pickled(None))
        return unpickled(self._call(self._fleet.broadcast, data))

    def merge(self, item: T, join: Callable[[T, T], T], *, merge_follows: bool) -> T:
        """Return the items of all processes, merged in pairs in the order of their numbers.

        Args:
            item: The item of this process.
            join: Returns the item of two groups of processes, of which the first precede.
            merge_follows: True if the next exchange of the processes is `merge`, too; it then needs
                no `gather` before it.

        Raises:
            PeerFailure: if a process has failed, also in `join`; the same one in every process.
            TinynetError: if the result cannot be read here.
        """
        if not self._merge_follows:
            self._gathered(pickled(None))
            self._merge_follows = True
        merging = _Merging(self.rank, self._as_failure, item, join)
        result: T = self._merged(merging, merge_follows=merge_follows)
        return result

    def swap(self, peer: int, send: Array, receive: Array) -> None:
        """Send an array to another process while receiving one from it; see `Fleet.swap`."""
        self._call(self._fleet.swap, peer, send, receive)

    def all_to_all(
        self, send: Array, sent: Sequence[int], receive: Array, received: Sequence[int]
    ) -> None:
        """Send a piece of an array to each process; see `Fleet.all_to_all`."""
        self._call(self._fleet.all_to_all, send, sent, receive, received)

    def all_gather_array(self, mine: Array, whole: Array, counts: Sequence[int]) -> None:
        """Gather the pieces of an array in every process; see `Fleet.all_gather_array`."""
        self._call(self._fleet.all_gather_array, mine, whole, counts)

    def fail(self, error: BaseException) -> NoReturn:
        """End the run in every process because of an error in this one, by raising an exception.

        If all processes fail with the same error, then it is raised as it is. An interrupt or
        `sys.exit` cannot wait for the other processes, so it ends the job at once.

        Raises:
            PeerFailure: The failure with the lowest rank, which every process raises.
        """
        if self.failure is not None:
            raise self.failure
        if isinstance(error, SystemExit):
            code = error.code if isinstance(error.code, int) else 1
            self._abort("was ended by sys.exit", code or 1)
        if not isinstance(error, Exception):
            self._abort_interrupted()
        if self._lost:
            self._abort(f"has lost the others ({errors_text(error)})", LOST)
        try:
            if self._merge_follows:
                merging = _Merging(self.rank, self._as_failure)
                merging.fail(error)
                self._merged(merging, merge_follows=False)
            else:
                self._gathered(self._as_failure(error), error)
        except BaseException as raised:
            if raised is self.failure:
                raise
            if isinstance(raised, Exception):
                self._abort(f"has failed: {errors_text(error)}", LOST)
            self._abort_interrupted()
        raise AssertionError("the failure of this process was not gathered")

    def _abort_interrupted(self) -> NoReturn:
        # Ctrl-C reaches all processes: the first one speaks, and its abort ends the others.
        if not self.first:
            with suppress(KeyboardInterrupt):
                time.sleep(FIRST_ENDS_WITHIN)
        self._abort("was interrupted", INTERRUPTED)

    def abort(self, code: int) -> NoReturn:
        """End all processes at once; only for what cannot wait for the others."""
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()
        self._watchdog.abort(code)

    def _gathered(self, item: Any, own: Exception | None = None) -> list[bytes]:
        """Exchange pickled items, or failures as `_as_failure` returns them."""
        if self.failure is not None:
            raise self.failure
        items = self._call(self._fleet.all_gather, item)
        failed = [
            Failures(rank, item) for rank, item in enumerate(items) if not isinstance(item, bytes)
        ]
        if failed:
            self._end(reduce(Failures.joined, failed), own)
        return items

    def _merged(self, merging: "_Merging", *, merge_follows: bool) -> Any:
        """Take part in a merge, with an item or a failure."""
        if self.failure is not None:
            raise self.failure
        result = self._call(merge_processes, self._fleet, merging)
        self._merge_follows = merge_follows
        failures, item = unpickled(result)
        if failures is not None:
            self._end(failures, merging.own_error)
        return item

    def _as_failure(self, error: Exception) -> Failure:
        """Return the host, the text, and pickled forms of an error, of which the first may fail."""
        text = errors_text(error)
        return self._host, f"{type(error).__qualname__}: {text}", pickled_errors(error, self.rank)

    def _end(self, failures: Failures, own: Exception | None) -> NoReturn:
        """Raise the exception that every process raises; `own` is the error of this one."""
        rank, (host, _, forms) = failures.rank, failures.first
        if own is not None and failures.alike and failures.processes == self.size:
            self.failure = own
            raise own
        error = own if own is not None and rank == self.rank else unpickled_error(forms)
        self.failure = PeerFailure(rank, self.size, host, error)
        raise self.failure from error

    def _call(self, function: Callable[..., T], *arguments: Any) -> T:
        lost = self._lost
        self._lost = True  # Also for an interrupt between two instructions.
        self._watchdog.start(self.doing)
        try:
            result = function(*arguments)
        finally:
            self._watchdog.stop()
        self._lost = lost
        return result

    def _abort(self, what: str, code: int) -> NoReturn:
        self._watchdog.say(
            f"error: process {self.rank} of {self.size} on {self._host} {what}; all processes end."
            " A run can be resumed from its newest checkpoint"
        )
        self.abort(code)


class _Merging:
    """The part of a merge that one process does.

    Attributes:
        own_error: The error of this process.
    """

    def __init__(
        self,
        rank: int,
        describe: Callable[[Exception], Failure],
        item: Any = None,
        join: Callable[[Any, Any], Any] | None = None,
    ) -> None:
        """Begin with the item of this process; without one, `fail` must be called."""
        self.own_error: Exception | None = None
        self._rank, self._describe, self._item, self._join = rank, describe, item, join
        self._failures: Failures | None = None

    def fail(self, error: Exception) -> None:
        """Replace the item by a failure."""
        self.own_error = error
        self._add_failures(Failures(self._rank, self._describe(error)))

    def add(self, received: bytes) -> None:
        """Join the item with that of later processes, unless some have failed."""
        try:
            failures, item = unpickled(received)
            if failures is not None:
                self._add_failures(failures)
            elif self._failures is None:
                assert self._join is not None
                self._item = self._join(self._item, item)
        except Exception as error:
            if self.own_error is None:
                self.fail(error)

    def result(self) -> bytes:
        """Return the item, or the failures, for another process."""
        if self._failures is None:
            try:
                return pickled((None, self._item))
            except TinynetError as error:
                self.fail(error)
        return pickled((self._failures, None))

    def _add_failures(self, failures: Failures) -> None:
        self._failures = failures if self._failures is None else self._failures.joined(failures)


def threads_of(rank: int, places: Sequence[tuple[str, frozenset[int]]]) -> int:
    """Return the share of a process in the cores of its machine.

    Args:
        rank: Its number.
        places: The machine of each process, and the cores that it may use. Launchers give a process
            cores of its own, or all cores of the machine to each.
    """
    machine, cores = places[rank]
    sharing = sum(host == machine and not cores.isdisjoint(own) for host, own in places)
    return min(max(1, len(cores) // max(1, sharing)), MOST_THREADS)
