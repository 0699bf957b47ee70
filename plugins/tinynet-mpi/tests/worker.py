"""The tasks of the processes that the tests start: ``worker.py TASK``."""

import ctypes
import os
import signal
import sys
import threading
import time

import numpy as np
import tinynet_mpi
from tinynet_mpi import MPI

from tinynet.engine.process_group import ProcessGroup
from tinynet.errors import DataError, PeerFailure
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


def unreachable():
    """MPI never ends the job, and keeps the interpreter locked."""

    class Comm:
        def Abort(self, code):  # noqa: N802
            ctypes.PyDLL(None).sleep(60)

    tinynet_mpi.ENDS_WITHIN = 0.1
    tinynet_mpi._abort(Comm(), 4)


def alone():
    """The processes have nothing to exchange, and end at different times."""
    if MPI().rank == 0:
        time.sleep(0.2)
    print("done")


def killed():
    """Process 1 dies."""
    group = ProcessGroup(MPI())
    if group.rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    group.gather(None)


if __name__ == "__main__":
    globals()[sys.argv[1]]()
