"""The processes that compute one run together, and the errors of one of them in all of them.

An error must not leave the other processes waiting for the one that failed. Every object that they
gather is therefore sent as an item or as a failure: a process that fails sends its failure in the
next `gather` of the others, and then all of them raise `PeerFailure`. So wherever a process can
fail, the next thing that the others call must be `gather` or `share`; arrays are exchanged right
after a `gather` that all have passed.
"""

import pickle
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from tinynet import errors
from tinynet.engine.threads import MOST_THREADS, usable_cores
from tinynet.engine.watchdog import LOST, Watchdog
from tinynet.errors import PeerFailure, TinynetError
from tinynet.types import Array

if TYPE_CHECKING:
    from tinynet.fleet import Fleet

T = TypeVar("T")

DEFAULT_TIMEOUT = 600.0
"""Seconds after which a process that waits for the others ends the job."""

INTERRUPTED = 130
"""Exit code of a job that was interrupted before its run could be saved."""


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
        self.doing = "the start"
        self.failure: Exception | None = None
        self._lost = False  # A call of the fleet has failed: the processes may be out of step.
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
        return [_unpickled(item) for item in self._gathered(_pickled(item))]

    def share(self, item: Any = None) -> Any:
        """Return the item of process 0, after all processes have come here without an error.

        Raises:
            PeerFailure: if a process has failed; the same one in every process.
            TinynetError: if the item cannot be pickled.
        """
        pickled = _pickled(item) if self.first else b""
        self._gathered(_pickled(None))
        return _unpickled(self._call(self._fleet.broadcast, pickled))

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
            self._abort("was interrupted", INTERRUPTED)
        if self._lost:
            self._abort(f"has lost the others ({errors_text(error)})", LOST)
        try:
            self._gathered(self._as_failure(error), error)
        except BaseException as raised:
            if raised is self.failure:
                raise
            if isinstance(raised, Exception):
                self._abort(f"has failed: {errors_text(error)}", LOST)
            self._abort("was interrupted", INTERRUPTED)
        raise AssertionError("the failure of this process was not gathered")

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
        failed = [(rank, item) for rank, item in enumerate(items) if not isinstance(item, bytes)]
        if failed:
            self.failure = self._common_failure(failed, own)
            raise self.failure
        return items

    def _as_failure(self, error: Exception) -> tuple[str, str, list[bytes]]:
        """Return the host, the text, and pickled forms of an error, of which the first may fail."""
        text = errors_text(error)
        return self._host, f"{type(error).__qualname__}: {text}", pickled_errors(error, self.rank)

    def _common_failure(
        self, failed: list[tuple[int, tuple[str, str, list[bytes]]]], own: Exception | None
    ) -> Exception:
        rank, (host, text, forms) = failed[0]
        alike = all(other == text for _, (_, other, _) in failed)
        if own is not None and alike and len(failed) == self.size:
            return own
        error = own if own is not None and rank == self.rank else unpickled_error(forms)
        failure = PeerFailure(rank, self.size, host, error)
        failure.__cause__ = error
        return failure

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


def errors_text(error: BaseException) -> str:
    """Return the message of an error, or a description if it has none or fails to make one."""
    try:
        return str(error) or type(error).__name__
    except Exception:
        return type(error).__name__


def pickled_errors(error: Exception, rank: int) -> list[bytes]:
    """Return an error in forms of which a process uses the first that it can read.

    Each has the traceback as a note, since a traceback cannot be sent.
    """
    forms: list[bytes] = []
    lines = "".join(traceback.format_exception(error)).rstrip("\n")
    for form in (error, _plain(error)):
        try:
            copy = pickle.loads(pickle.dumps(form))
            if type(copy) is type(form) and str(copy) == str(form):
                copy.add_note(f"in process {rank}:\n{lines}")
                forms.append(pickle.dumps(copy))
        except Exception:  # of a class from a plugin: anything may happen
            continue
    return forms


def _plain(error: Exception) -> TinynetError:
    """Return an error of `tinynet.errors` with the same text, as similar as possible."""
    text = errors_text(error)
    if not isinstance(error, TinynetError):
        return TinynetError(f"{type(error).__name__}: {text}")
    own = (cls for cls in type(error).__mro__ if vars(errors).get(cls.__name__) is cls)
    kind: type[TinynetError] = next(own)
    return kind(text)


def unpickled_error(forms: Sequence[bytes]) -> Exception:
    """Return the first form of an error that this process can read."""
    for form in forms:
        with suppress(Exception):
            error = pickle.loads(form)
            if isinstance(error, Exception):
                return error
    return TinynetError("an error that cannot be read here")


def _pickled(item: Any) -> bytes:
    try:
        return pickle.dumps(item, protocol=pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        raise TinynetError(
            f"{type(item).__name__} cannot be sent to the other processes: {error}"
        ) from error


def _unpickled(data: bytes) -> Any:
    try:
        return pickle.loads(data)
    except Exception as error:
        raise TinynetError(
            f"an object of another process cannot be read here ({type(error).__name__}: {error});"
            " install the same packages in the same versions on every machine"
        ) from error
