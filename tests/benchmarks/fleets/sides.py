"""The sides of a comparison: each is one process or two, held to a core each.

A side computes only when it is asked to. Meanwhile its processes wait in a read from a socket, and
so use no processor, which processes that wait for a message of MPI would do.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any

from tests.benchmarks.fleets.jobs import JOBS, Step, tinynet_step, torch_step
from tests.benchmarks.fleets.launching import (
    ROOT,
    environment,
    find_mpiexec,
    hold_to_core,
    local_rank,
    mpi_command,
)

WARM_UP = 0.1
"""Seconds of steps before a block is timed."""

START = 120.0
"""Seconds within which all processes of a side must have connected."""

CHECKED_STEPS = 2
"""Steps whose losses are compared between the sides."""

MODULE = "tests.benchmarks.fleets.sides"


@dataclass(frozen=True)
class Side:
    """A library with a number of processes."""

    library: str
    size: int

    @property
    def title(self) -> str:
        return f"{self.library}, {self.size} process{'es' if self.size > 1 else ''}"


@dataclass(frozen=True)
class Block:
    """The times of a block of steps.

    Attributes:
        wall: Seconds of one step.
        cpu: Seconds that the processors of all processes spent on one step, busy waits included.
    """

    wall: float
    cpu: float


class SideError(Exception):
    """The failure of a side, with its reason."""


class Running:
    """The processes of a side."""

    def __init__(self, side: Side, connections: list[Connection], processes: list[Any]) -> None:
        self.side, self._connections, self._processes = side, connections, processes
        self.losses: list[float] = []
        self.pids: list[int] = []
        self._seconds = 0.0  # of one step

    def start(self) -> None:
        """Wait until all processes are ready, and learn the losses of the first steps."""
        answers = self._answers()
        self.pids = [pid for pid, _ in answers]
        means = zip(*[losses for _, losses in answers], strict=True)
        self.losses = [sum(losses) / len(losses) for losses in means]
        self._seconds = self._timed(0, 3).wall
        self._seconds = self._timed(0, self._count(0.1)).wall

    def block(self, seconds: float) -> Block:
        """Run steps for about that long, after a warm-up."""
        block = self._timed(self._count(WARM_UP), self._count(seconds))
        self._seconds = block.wall
        return block

    def _count(self, seconds: float) -> int:
        return max(2, round(seconds / self._seconds))

    def _timed(self, warm_up: int, count: int) -> Block:
        for connection in self._connections:
            connection.send((warm_up, count))
        answers = self._answers()
        wall, cpu = (list(times) for times in zip(*answers, strict=True))
        return Block(max(wall) / count, sum(cpu) / count)

    def _answers(self) -> list[Any]:
        try:
            return [connection.recv() for connection in self._connections]
        except EOFError:
            raise SideError(f"{self.side.title}: a process ended; see its message") from None

    def stop(self) -> None:
        """End the processes in order, or by force."""
        for connection in self._connections:
            try:
                connection.send(None)
            except OSError:
                continue
        for process in self._processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def running(side: Side, job: str, mpiexec: str | None) -> Iterator[Running]:
    """Start the processes of a side, and end them after the block."""
    with tempfile.TemporaryDirectory() as folder:
        address = str(Path(folder, "socket"))
        with Listener(address, "AF_UNIX") as listener:
            # Else a process that fails at once would be waited for without an end.
            listener._listener._socket.settimeout(START)
            started = _start(side, job, folder, mpiexec)
            connections: dict[int, Connection] = {}
            try:
                for _ in range(side.size):
                    connection = listener.accept()
                    connections[connection.recv()] = connection
            except TimeoutError:
                for process in started:
                    process.kill()
                raise SideError(f"{side.title}: did not start; see its message") from None
        made = Running(side, [connections[rank] for rank in range(side.size)], started)
        try:
            yield made
        finally:
            made.stop()


def _start(side: Side, job: str, folder: str, mpiexec: str | None) -> list[Any]:
    arguments = ["-m", MODULE, side.library, job, str(side.size), folder]
    alone = [sys.executable, *arguments]
    commands = [[*alone, str(rank)] for rank in range(side.size)]
    if side.library == "tinynet" and side.size > 1:
        launcher = find_mpiexec(mpiexec)
        assert launcher is not None
        commands = [mpi_command(launcher, side.size, arguments)]
    return [
        subprocess.Popen(command, cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL)
        for command in commands
    ]


def serve() -> None:
    """Run as one process of a side, until there are no more requests."""
    library, job, number, folder, *given = sys.argv[1:]
    size, rank = int(number), int(given[0]) if given else local_rank()
    hold_to_core(rank)
    with Client(str(Path(folder, "socket")), "AF_UNIX") as connection:
        connection.send(rank)
        step = _step(library, job, rank, size, folder)
        connection.send((os.getpid(), [step() for _ in range(CHECKED_STEPS)]))
        while (request := connection.recv()) is not None:
            connection.send(_timed(step, *request))


def _step(library: str, job: str, rank: int, size: int, folder: str) -> Step:
    if library == "torch":
        return torch_step(JOBS[job], rank, size, str(Path(folder, "processes")))
    group = None
    if size > 1:
        from tests.benchmarks.fleets.groups import mpi_group

        group = mpi_group()
    return tinynet_step(JOBS[job], group)


def _timed(step: Step, warm_up: int, count: int) -> tuple[float, float]:
    """Return the seconds of some steps, and the processor's seconds, after a warm-up."""
    for _ in range(warm_up):
        step()
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(count):
        step()
    return time.perf_counter() - wall, time.process_time() - cpu


if __name__ == "__main__":
    serve()
