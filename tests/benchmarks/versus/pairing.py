"""Sides that take turns: A B A B, each in a process of its own, one timed chunk at a time."""

import json
import multiprocessing
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from typing import Any

from versus.quiet import QUIET, Watch
from versus.results import Result
from versus.sides import SIDES, Side
from versus.worker import environment, serve, weigh
from versus.workloads import OURS, Case

CHUNK = 0.1
"""Seconds that a side is timed for before the next one's turn."""

MOST_ROUNDS = 3
"""How many times as many rounds as asked are made, at most, where others compute meanwhile."""

PATIENCE = 600
"""Seconds in which a side must answer; compiling takes longest."""

TOLERANCE = 1e-4
"""By how much sides may disagree about a loss, or an output, of about 1."""

_processes = multiprocessing.get_context("spawn")


class SideError(Exception):
    """A side failed, and says why."""


class Worker:
    """A side at work in its process."""

    def __init__(self, connection: Connection, pid: int) -> None:
        self._connection = connection
        self.pid = pid

    def answer(self) -> Any:
        """Return the next message of the worker.

        Raises:
            SideError: if it failed, died, or is silent.
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

    def time(self, seconds: float) -> float:
        """Mean seconds of what it does, over about so many."""
        self._connection.send(seconds)
        taken: float = self.answer()
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
    """A worker, and the end of it."""
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
    """Those of the sides that can; why the others cannot goes into the result."""
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
    case: Case, contenders: dict[str, tuple[Side, int]], pairs: int, result: Result
) -> None:
    """Let contenders take turns, and put their times into the result.

    Args:
        case: What each of them does.
        contenders: By the name they have in the result: a side, and its threads.
        pairs: Rounds in which everybody is timed once.
        result: Where times go, and the reasons of those that failed or compute something else.
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
        rounds = _rounds(workers, pairs, result)
        result.others = max((others for others, _ in rounds), default=0.0)
        result.values |= {name: [times[name] for _, times in rounds] for name in workers}


def _rounds(
    workers: dict[str, Worker], pairs: int, result: Result
) -> list[tuple[float, dict[str, float]]]:
    """The quietest rounds of those that were made: cores that others used, and times by name.

    A side that fails leaves the workers, and its reason is in the result.
    """
    rounds: list[tuple[float, dict[str, float]]] = []
    watch = Watch([worker.pid for worker in workers.values()])
    quiet = 0
    while workers and quiet < pairs and len(rounds) < MOST_ROUNDS * pairs:
        times = {}
        # Back and forth, so that a machine that slows down hits the first as the last.
        for name in list(workers)[:: 1 if len(rounds) % 2 == 0 else -1]:
            try:
                times[name] = workers[name].time(CHUNK)
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
        # A NaN is no agreement.
        if not worst <= TOLERANCE:
            reasons[name] = f"computes something else, by {worst:.2g}; left out"
    return reasons


def weighed(case: Case, side: Side, threads: int) -> tuple[int, int]:
    """Peak memory of some steps: (bytes beyond what the imports took, bytes of it all).

    Raises:
        SideError: if the side failed.
    """
    with working(weigh, side, case, threads) as worker:
        beyond, whole = worker.answer()
    return beyond, whole
