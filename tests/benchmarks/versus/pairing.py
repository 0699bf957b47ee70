"""Alternating sides, A B A B, each in a separate process, one timed block of steps at a time."""

import json
import multiprocessing
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from typing import Any

from versus.names import OURS
from versus.quiet import QUIET, Watch
from versus.results import Result
from versus.sides import SIDES, Side
from versus.worker import Pace, environment, serve, weigh
from versus.workloads import Case

BLOCK = 0.3
"""Seconds of one timed block of steps, by default."""

MOST_ROUNDS = 3
"""Most rounds for each requested one, if other processes compute meanwhile."""

PATIENCE = 600
"""Seconds within which a side must answer; compiling takes longest."""

TOLERANCE = 1e-4
"""Largest difference between sides in a loss or an output of about 1."""

_processes = multiprocessing.get_context("spawn")


class SideError(Exception):
    """The failure of a side, with its reason."""


class Worker:
    """The process of a side."""

    def __init__(self, connection: Connection, pid: int) -> None:
        self._connection = connection
        self.pid = pid

    def answer(self) -> Any:
        """Return the next message of the worker.

        Raises:
            SideError: if it failed, ended, or does not answer.
        """
        if not self._connection.poll(PATIENCE):
            raise SideError(f"no answer within {PATIENCE} s")
        try:
            answer, wrong = self._connection.recv()
        except EOFError:
            raise SideError("its process died") from None
        if wrong is not None:
            raise SideError(wrong)
        return answer

    def time(self, seconds: float) -> Pace:
        """Return the mean time of one run, measured for about ``seconds``."""
        self._connection.send(seconds)
        taken: Pace = self.answer()
        return taken


@contextmanager
def interpreter(python: str | None) -> Iterator[None]:
    """Start processes by another interpreter, with its own ``sys.path``.

    By default a process that `multiprocessing` spawns has the ``sys.path`` of its parent.
    """
    if python is None:
        yield
        return
    command = [python, "-c", "import json, sys; print(json.dumps(sys.path[1:]))"]
    own = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    path, sys.path[1:] = sys.path[1:], own
    _processes.set_executable(python)
    try:
        yield
    finally:
        _processes.set_executable(sys.executable)
        sys.path[1:] = path


@contextmanager
def working(
    target: Callable[[Connection, Side, Case, int], None], side: Side, case: Case, threads: int
) -> Iterator[Worker]:
    """Start a worker, and end it after the block."""
    ours, theirs = _processes.Pipe()
    process = _processes.Process(target=target, args=(theirs, side, case, threads), daemon=True)
    with environment(threads), interpreter(side.python):
        process.start()
    theirs.close()
    try:
        assert process.pid is not None
        yield Worker(ours, process.pid)
    finally:
        # A worker that waits for a request detects the closed pipe and ends.
        ours.close()
        process.join(5)
        if process.is_alive():
            process.kill()
            process.join()


def taking_part(case: Case, result: Result, names: tuple[str, ...]) -> dict[str, Side]:
    """Return the available sides; add the reasons of the others to the result."""
    sides = {}
    for name in names:
        side = SIDES[name]
        if not side.takes_part(case):
            continue
        if side.missing:
            result.skipped[name] = side.missing
        else:
            sides[name] = side
    return sides


def compare(
    case: Case,
    contenders: dict[str, tuple[Side, int]],
    pairs: int,
    block: float,
    result: Result,
    cpu: Collection[str] = (),
) -> None:
    """Start the contenders, alternate between them, and add their times to the result.

    Args:
        case: The case that each runs.
        contenders: A side and its number of threads, by the name in the result.
        pairs: Rounds in which every contender is timed once.
        block: Seconds of each timed block of steps.
        result: The result to extend, also with the reasons of contenders that failed or differ.
        cpu: The contenders of which the CPU time counts, not the elapsed time.
    """
    with ExitStack() as stack:
        workers: dict[str, Worker] = {}
        answers: dict[str, list[float]] = {}
        for name, (side, threads) in contenders.items():
            worker = stack.enter_context(working(serve, side, case, threads))
            try:
                answers[name] = worker.answer()
                workers[name] = worker
            except SideError as error:
                result.skipped[name] = str(error)
        for name, how in _different(answers).items():
            result.skipped[name] = how
            del workers[name]
        rounds = _rounds(workers, pairs, block, result)
        result.others = max([result.others, *(others for others, _ in rounds)])
        for name in workers:
            paces = [times[name] for _, times in rounds]
            own = [pace.cpu if name in cpu else pace.elapsed for pace in paces]
            result.values.setdefault(name, []).extend(own)


def _rounds(
    workers: dict[str, Worker], pairs: int, block: float, result: Result
) -> list[tuple[float, dict[str, Pace]]]:
    """Return the quietest rounds: the cores that others used, and the times by name.

    A failing side is removed from the workers, and its reason added to the result.
    """
    rounds: list[tuple[float, dict[str, Pace]]] = []
    watch = Watch([worker.pid for worker in workers.values()])
    quiet = 0
    while workers and quiet < pairs and len(rounds) < MOST_ROUNDS * pairs:
        times = {}
        # Forward and backward, so that a machine that slows down affects all sides alike.
        for name in list(workers)[:: 1 if len(rounds) % 2 == 0 else -1]:
            try:
                times[name] = workers[name].time(block)
            except SideError as error:
                result.skipped[name] = str(error)
                del workers[name]
        rounds.append((watch.others(), times))
        quiet += rounds[-1][0] <= QUIET
    return sorted(rounds, key=lambda made: made[0])[:pairs]


def _different(answers: dict[str, list[float]]) -> dict[str, str]:
    """Return the sides whose results differ from tinynet's reference, and by how much."""
    reference = next((own for name, own in answers.items() if name.startswith(OURS)), [])
    reasons = {}
    for name, own in answers.items():
        gaps = [abs(a - b) / max(1, abs(b)) for a, b in zip(own, reference, strict=False)]
        worst = max(gaps, default=0.0)
        # A NaN counts as a difference.
        if not worst <= TOLERANCE:
            reasons[name] = f"computes something else, by {worst:.2g}; left out"
    return reasons


def weighed(case: Case, side: Side, threads: int) -> tuple[int, int]:
    """Return the peak memory of some steps: (bytes beyond the imports, bytes in all).

    Raises:
        SideError: if the side failed.
    """
    with working(weigh, side, case, threads) as worker:
        beyond, whole = worker.answer()
    return beyond, whole
