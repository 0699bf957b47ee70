"""The tasks of the processes that the tests start: ``worker.py TASK``."""

import atexit
import ctypes
import os
import signal
import sys
import threading
import time
from importlib import import_module

import numpy as np
import tinynet_mpi
from tinynet_mpi import MPI

from tinynet.engine import watchdog
from tinynet.engine.process_group import ProcessGroup
from tinynet.engine.watchdog import Watchdog
from tinynet.errors import DataError, PeerFailure
from tinynet.run.fleets import open_group
from tinynet.run.launcher import launched
from tinynet.testing.fleets import check_fleet


def kit():
    """Run the conformance kit of fleets."""
    check_fleet(MPI())


def small_chunks():
    """Exchange objects in many messages, as those beyond the limit of MPI are."""
    tinynet_mpi.CHUNK = 1000
    fleet = MPI()
    items = [np.arange(rank * 2500) for rank in range(fleet.size)]
    for found, item in zip(fleet.all_gather(items[fleet.rank]), items, strict=True):
        assert np.array_equal(found, item)
    assert np.array_equal(fleet.broadcast(np.arange(3333)), np.arange(3333))


def slots():
    """Exchange bytes and objects that fill a slot, or are a byte shorter or longer."""
    fleet, room = MPI(), tinynet_mpi.ROOM
    lengths = [0, 1, room - 1, room, room + 1, 3 * room]
    for first in range(len(lengths)):
        items = [bytes([rank]) * lengths[(first + rank) % 6] for rank in range(fleet.size)]
        for kind in (bytes, bytearray):
            sent = [kind(item) for item in items]
            found = fleet.all_gather(sent[fleet.rank])
            assert found == sent
            assert {type(item) for item in found} == {kind}


def crowded():
    """Run the kit with pauses, as on a machine with more processes than cores."""
    tinynet_mpi.EAGER = tinynet_mpi.TRANSFER = 0.0
    check_fleet(MPI())


def twice():
    """Open the fleet again, as a program does that trains and then evaluates."""
    for _ in range(3):
        fleet = MPI()
        assert fleet.all_gather(fleet.rank) == list(range(fleet.size))


def failure():
    """Process 1 has an error, which ends all processes in order."""
    group = ProcessGroup(MPI())
    try:
        if group.rank == 1:
            group.fail(DataError("no such file"))
        group.share("the spec")
    except PeerFailure as error:
        if group.first:
            print(str(error).replace(error.host, "HOST"), file=sys.stderr)
        sys.exit(3)


def hang():
    """Process 1 is stopped, and process 0 ends the job."""
    group = ProcessGroup(MPI(), timeout=0.4)
    group.doing = "step 7"
    if group.rank == 1:
        os.kill(os.getpid(), signal.SIGSTOP)
    group.gather(None)


def interrupt():
    """Process 1 is interrupted while it waits for process 0, which computes."""
    group = ProcessGroup(MPI())
    if group.rank == 1:
        main = threading.main_thread().ident
        threading.Timer(0.2, signal.pthread_kill, (main, signal.SIGINT)).start()
        try:
            group.gather(None)
        except KeyboardInterrupt as error:
            group.fail(error)
    time.sleep(60)


def absent():
    """Process 1 ends before it has joined the others, as by a mistake in its own script."""
    if launched()[1] == 1:
        sys.exit(0)
    open_group({"fleet_timeout": 1.0})


def late():
    """Process 1 joins the others when they have waited for a while."""
    if launched()[1] == 1:
        time.sleep(0.5)
    group = open_group({"fleet_timeout": 60.0})
    assert group.gather(group.rank) == [0, 1]


def unreachable():
    """MPI never ends the job."""
    fleet = MPI()
    tinynet_mpi._function = lambda name: lambda *arguments: ctypes.CDLL(None).sleep(60)
    watchdog.PATIENCE = 0.1
    Watchdog(fleet, 1.0).abort(4)


def locked():
    """MPI never ends the job, and keeps the interpreter locked."""

    class Comm:
        def Abort(self, code):  # noqa: N802
            ctypes.PyDLL(None).sleep(60)

    tinynet_mpi.ENDS_WITHIN = 0.1
    tinynet_mpi._function = lambda name: None
    tinynet_mpi._abort(Comm(), 4)


def other_library():
    """The functions of the library cannot be found, so MPI is started and ended by mpi4py."""
    tinynet_mpi._function = lambda name: None
    check_fleet(MPI())


def mixed():
    """The program calls MPI itself, also at its end, and gets its errors as exceptions."""
    fleet = MPI()
    library = import_module("mpi4py.MPI")
    atexit.register(lambda: os.write(1, b"rank%d\n" % library.COMM_WORLD.rank))
    assert library.Query_thread() == library.THREAD_MULTIPLE
    try:
        library.COMM_WORLD.Send(b"", dest=fleet.size)
    except library.Exception:
        library.COMM_WORLD.Barrier()


def alone():
    """The processes have nothing to exchange, and end at different times."""
    if MPI().rank == 0:
        time.sleep(0.2)
    print("done")


def mixed_before():
    """The program has started MPI before tinynet does."""
    import_module("mpi4py.MPI")
    mixed()


def killed():
    """Process 1 dies."""
    group = ProcessGroup(MPI())
    if group.rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    group.gather(None)


if __name__ == "__main__":
    globals()[sys.argv[1]]()
