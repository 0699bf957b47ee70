"""Measurement of the messages between two processes of MPI, through mpi4py.

    mpiexec -n 2 python -m tests.benchmarks.fleets.link

Prints one JSON object: latency and overhead in seconds, bandwidth in bytes per second. On two
machines it measures the network between them.
"""

import json
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from tests.benchmarks.fleets.launching import hold_to_core, local_rank

BLOCKS, SMALL, BURST, LARGE = 15, 400, 64, 1 << 22
"""Blocks, messages in a block, small messages in a burst, and bytes of a large message."""


def measured() -> dict[str, float]:
    """Return latency, overhead and bandwidth; called by both processes."""
    from mpi4py import MPI

    comm = MPI.COMM_WORLD
    if comm.size != 2:
        raise SystemExit("the link is measured between two processes: mpiexec -n 2")
    peer = 1 - comm.rank
    byte, answer = np.zeros(1, "u1"), np.zeros(1, "u1")
    burst = np.zeros((BURST, 1), "u1")
    large, other = np.ones(LARGE, "u1"), np.ones(LARGE, "u1")

    def ping_pong() -> None:
        for _ in range(SMALL):
            if comm.rank == 0:
                comm.Send(byte, peer)
                comm.Recv(answer, peer)
            else:
                comm.Recv(answer, peer)
                comm.Send(byte, peer)

    def bursts() -> None:
        receives = [comm.Irecv(row, peer) for row in burst]
        sends = [comm.Isend(byte, peer) for _ in range(BURST)]
        MPI.Request.Waitall([*receives, *sends])

    def exchange() -> None:
        comm.Sendrecv(large, peer, 0, other, peer, 0)

    return {
        "latency": _median(comm, ping_pong) / SMALL / 2,
        # Each process sends one message and receives one for each of the burst.
        "overhead": _median(comm, bursts) / BURST / 2,
        "bandwidth": LARGE / _median(comm, exchange),
    }


def _median(comm: Any, run: Callable[[], None]) -> float:
    """Return the median seconds of a call, after a warm-up."""
    run()
    times = []
    for _ in range(BLOCKS):
        comm.Barrier()
        start = perf_counter()
        run()
        times.append(perf_counter() - start)
    return median(times)


def main() -> None:
    hold_to_core(local_rank())
    from mpi4py import MPI

    figures = measured()
    if MPI.COMM_WORLD.rank == 0:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
