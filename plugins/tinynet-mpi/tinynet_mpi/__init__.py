"""The fleet `mpi`: the processes that ``mpiexec`` or ``srun`` started, connected by MPI.

Importing this module opens nothing: MPI starts when `MPI` is constructed, and ends with the
process. All communication goes through nonblocking calls that are tested again and again from
Python, so that signals are handled while a process waits, and a waiting process gives its core to
others: the calls of MPI that block keep a core busy, and Python's signal handlers waiting.
"""

import atexit
import ctypes
import faulthandler
import os
import pickle
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache, partial
from importlib import import_module
from struct import Struct
from time import perf_counter, sleep
from typing import Any, NoReturn

import numpy as np

from tinynet.errors import PluginError
from tinynet.fleet import Array

__all__ = ["MPI"]

SLOT = 512
"""Bytes that each process sends in the first messages of `MPI.all_gather`; most items fit in."""

HEAD = Struct("<q?")
"""The start of a slot: the length of the item, and False for bytes, which are not pickled."""

ROOM = SLOT - HEAD.size
"""Bytes of an item that a slot holds."""

CHUNK = 2**28
"""Most bytes of objects in a message: MPI libraries before MPI 4 count to 2**31."""

EAGER = 0.02
"""Seconds that a process waits for others without a pause, if it has a core to itself."""

TRANSFER = 1.0
"""Seconds that a process moves arrays without a pause: all processes take part at that time, and
with pauses the bytes would be moved several times slower."""

PAUSE = 50e-6
"""Seconds between two questions after that; the system takes about as long again to wake up."""

ENDS_WITHIN = 6.0
"""Seconds that MPI has to end all processes, before this one ends itself with exit code 1.

tinynet ends it earlier with the right code, unless MPI keeps the interpreter locked.
"""

INTERRUPTED = 130
"""Exit code of processes that are interrupted while they wait for the others at the end."""

_UNITS = {1: np.uint8, 2: np.uint16, 4: np.uint32}
"""The type in which numbers of a size are sent; larger ones are sent in units of 8 bytes."""


class MPI:
    """The processes of ``MPI_COMM_WORLD``.

    Attributes:
        rank: Number of this process, from 0.
        size: Number of processes.
    """

    def __init__(self) -> None:
        """Start MPI, unless this process has done so already.

        Raises:
            PluginError: if mpi4py finds no MPI library.
        """
        self._comm, crowded = _open()
        # On a core that several share, one that asks without a pause would delay another's work.
        self._eager = 0.0 if crowded else EAGER
        self.rank = int(self._comm.rank)
        self.size = int(self._comm.size)

    def all_gather(self, item: Any) -> list[Any]:
        """Return the items of all processes, in the order of their ranks."""
        # `ProcessGroup` sends bytes, to which pickling would add time in every process.
        pickled = type(item) is not bytes
        data = pickle.dumps(item, pickle.HIGHEST_PROTOCOL) if pickled else item
        slots = self._gather_slots(HEAD.pack(len(data), pickled) + data[:ROOM])
        heads = [HEAD.unpack_from(slot) for slot in slots]
        items = [slot[HEAD.size : HEAD.size + n] for slot, (n, _) in zip(slots, heads, strict=True)]
        lengths = np.array([length for length, _ in heads])
        if lengths.max() > ROOM:
            self._gather_rest(np.frombuffer(data, np.uint8), lengths, items)
        return [
            pickle.loads(each) if is_pickled else each
            for each, (_, is_pickled) in zip(items, heads, strict=True)
        ]

    def _gather_slots(self, content: bytes) -> list[bytes]:
        """Return the slots of all processes, in the order of their ranks.

        A process sends all slots that it has to the processes 1, 2, 4, ... before it, and receives
        as many from those after it (Bruck et al., 1997). The collective calls of MPI libraries take
        as many rounds as there are processes, for some numbers of processes and bytes.
        """
        slots = np.empty((self.size, SLOT), np.uint8)
        slots[0, : len(content)] = np.frombuffer(content, np.uint8)
        sending, held = [], 1
        while held < self.size:
            count = min(held, self.size - held)
            before, after = (self.rank - held) % self.size, (self.rank + held) % self.size
            sending.append(self._comm.Isend(slots[:count], before))
            _wait(self._comm.Irecv(slots[held : held + count], after), self._eager)
            held += count
        for request in sending:
            _wait(request, self._eager)
        whole = slots.tobytes()
        starts = [(rank - self.rank) % self.size * SLOT for rank in range(self.size)]
        return [whole[start : start + SLOT] for start in starts]

    def _gather_rest(self, data: Array, lengths: Array, items: list[bytes]) -> None:
        """Append the parts of items that did not fit into their slots."""
        done, step = ROOM, max(1, CHUNK // self.size)
        pieces = [[item] for item in items]
        while (counts := np.clip(lengths - done, 0, step)).any():
            whole = np.empty(counts.sum(), np.uint8)
            mine = data[done : done + step]
            _wait(self._comm.Iallgatherv(mine, [whole, counts.tolist()]), TRANSFER)
            for parts, part in zip(pieces, np.split(whole, np.cumsum(counts)[:-1]), strict=True):
                parts.append(part)
            done += step
        items[:] = [b"".join(parts) for parts in pieces]

    def broadcast(self, item: Any) -> Any:
        """Return the item of process 0."""
        data = np.empty(0, np.uint8)
        if self.rank == 0:
            data = np.frombuffer(pickle.dumps(item, pickle.HIGHEST_PROTOCOL), np.uint8)
        size = np.array([data.size], np.int64)
        _wait(self._comm.Ibcast(size), self._eager)
        if self.rank != 0:
            data = np.empty(size[0], np.uint8)
        for start in range(0, data.size, CHUNK):
            _wait(self._comm.Ibcast(data[start : start + CHUNK]), TRANSFER)
        return pickle.loads(data.data)

    def swap(self, peer: int, send: Array, receive: Array) -> None:
        """Send one array to a process, and at the same time receive one of its arrays."""
        requests = self._comm.Irecv(_units(receive), peer), self._comm.Isend(_units(send), peer)
        for request in requests:
            _wait(request, TRANSFER)

    def all_to_all(
        self, send: Array, sent: Sequence[int], receive: Array, received: Sequence[int]
    ) -> None:
        """Send a piece of an array to each process, and receive a piece from each."""
        factor = _factor(send)
        outgoing = [_units(send), [count * factor for count in sent]]
        incoming = [_units(receive), [count * factor for count in received]]
        _wait(self._comm.Ialltoallv(outgoing, incoming), TRANSFER)

    def all_gather_array(self, mine: Array, whole: Array, counts: Sequence[int]) -> None:
        """Fill an array with a piece of each process, in the order of their ranks."""
        factor = _factor(whole)
        filled = [_units(whole), [count * factor for count in counts]]
        _wait(self._comm.Iallgatherv(_units(mine), filled), TRANSFER)

    def abort(self, code: int) -> NoReturn:
        """End all processes at once."""
        _abort(self._comm, code)


def _wait(request: Any, eager: float) -> None:
    """Wait for the end of a communication.

    Args:
        request: The nonblocking call.
        eager: Seconds without pauses. Other processes get the core even then, if they need it.
    """
    if request.Test():
        return
    start = perf_counter()
    while not request.Test():
        if perf_counter() - start < eager:
            _yield()
        else:
            sleep(PAUSE)


_yield = getattr(os, "sched_yield", partial(sleep, 0))


def _units(array: Array) -> Array:
    """Return the memory of an array as numbers of a type that MPI has."""
    return array.reshape(-1).view(_UNITS.get(array.itemsize, np.uint64))


def _factor(array: Array) -> int:
    """Return the number of units of an element."""
    return 1 if array.itemsize in _UNITS else array.itemsize // 8


@cache
def _open() -> tuple[Any, bool]:
    """Start MPI.

    Returns:
        The communicator, and True if this machine has more processes than cores.
    """
    library = _import()
    if not library.Is_initialized():
        _start(library)
    # Messages of a program that uses MPI itself must not mix with these.
    comm = library.COMM_WORLD.Dup()
    machine = comm.Split_type(library.COMM_TYPE_SHARED)
    cores: set[int] = set().union(*machine.allgather(_usable_cores()))
    crowded = machine.size > len(cores)
    machine.Free()
    atexit.register(_leave, comm, os.getpid())
    return comm, crowded


def _import() -> Any:
    """Return `mpi4py.MPI`, which has not started MPI unless the program has imported it before."""
    chosen = _LIBRARY in os.environ or "MPI4PY_MPIABI" in os.environ
    paths = "" if chosen else _library_paths(os.environ)
    if paths:
        os.environ[_LIBRARY] = paths
    try:
        with warnings.catch_warnings(), _not_started():
            # mpi4py warns of a launcher of another library, which tinynet refuses.
            warnings.simplefilter("ignore")
            return import_module("mpi4py.MPI")
    except (ImportError, RuntimeError) as error:
        raise _not_startable(str(error).partition("\n")[0]) from error
    finally:
        if paths:
            del os.environ[_LIBRARY]


@contextmanager
def _not_started() -> Iterator[None]:
    """Let the import of `mpi4py.MPI` only prepare the end of MPI, and not start it."""
    options = import_module("mpi4py").rc
    initialize, finalize = options.initialize, options.finalize
    options.initialize = False
    options.finalize = True if finalize is None else finalize
    try:
        yield
    finally:
        options.initialize, options.finalize = initialize, finalize


def _start(library: Any) -> None:
    """Start MPI as the import of `mpi4py.MPI` does, but let other threads run meanwhile.

    MPI waits for all processes here, without an end if one of them does not come; the thread of
    tinynet that ends such a job could not run while mpi4py keeps the interpreter locked.
    """
    options = import_module("mpi4py").rc
    level = options.thread_level if options.threads else "single"
    required = getattr(library, f"THREAD_{level.upper()}")
    function = _function("MPI_Init_thread")
    if function is None:
        library.Init_thread(required)
    elif code := function(None, None, ctypes.c_int(required), ctypes.byref(ctypes.c_int())):
        raise _not_startable(f"MPI_Init_thread returned {code}")
    for comm in (library.COMM_SELF, library.COMM_WORLD):
        comm.Set_errhandler(library.ERRORS_RETURN)  # mpi4py raises errors as exceptions.


def _function(name: str) -> Callable[..., int] | None:
    """Return a function of the library of MPI that lets other threads run while it waits.

    Returns:
        None where the library that `mpi4py.MPI` uses cannot be found.
    """
    try:
        function: Callable[..., int] = getattr(
            ctypes.CDLL(import_module("mpi4py.MPI").__file__), name
        )
    except (OSError, AttributeError):
        return None
    return function


def _not_startable(reason: str) -> PluginError:
    return PluginError(
        f"MPI cannot be started: {reason}; pip install mpich, or on a cluster load its module"
        " (module load openmpi), and start tinynet with the mpiexec or srun that belongs to it"
    )


_LIBRARY = "MPI4PY_LIBMPI"
"""The variable with the MPI libraries that the wheels of mpi4py try."""


def _library_paths(environment: Mapping[str, str]) -> str:
    """Return the paths of libraries to try, that of the launcher first; empty for no preference.

    The wheels of mpi4py take the first library that they find, which may be another than that of
    the launcher: then the processes would not see each other.
    """
    if sys.platform != "linux":
        return ""
    if "OMPI_COMM_WORLD_SIZE" in environment:
        name = "libmpi.so.40"  # Open MPI
    elif "PMI_SIZE" in environment:
        name = "libmpi.so.12"  # MPICH and its relatives
    else:
        return ""
    folder = f"{sys.prefix}/lib"
    return os.pathsep.join([f"{folder}/{name}", name, folder, ""])


def _usable_cores() -> frozenset[int]:
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))


def _leave(comm: Any, process: int) -> None:
    """Wait for the other processes before MPI ends: its own end keeps a core busy meanwhile."""
    if os.getpid() == process:  # not in a fork
        try:
            _wait(comm.Ibarrier(), 0.0)
        except KeyboardInterrupt:
            _abort(comm, INTERRUPTED)


def _abort(comm: Any, code: int) -> NoReturn:
    # MPICH would print a line that says less than the message before it.
    with suppress(OSError), open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), 2)
    # If the launcher cannot be reached, then MPICH waits for its answer without an end.
    faulthandler.dump_traceback_later(ENDS_WITHIN, exit=True, file=2)
    function = _function("MPI_Abort")
    if function is None:
        comm.Abort(code)
    else:
        pointer = import_module("mpi4py.MPI")._sizeof(comm) == ctypes.sizeof(ctypes.c_void_p)
        handle = (ctypes.c_void_p if pointer else ctypes.c_int)(_handle(comm))
        function(handle, ctypes.c_int(code))
    os._exit(code)


def _handle(comm: Any) -> int:
    """Return the communicator as the functions of the library take it."""
    handle: int = import_module("mpi4py.MPI")._handleof(comm)
    return handle
