"""One side in a separate process that serves requests."""

import gc
import os
import re
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, NamedTuple

import numpy as np

from versus.sides import Side
from versus.workloads import Case

WARM = 0.05
"""Seconds of steps before a block that don't count: caches fill, threads of others fall asleep."""

FIRST_RUNS = 6
"""Runs before the first block: torch.compile and JAX compile in the first, and tinynet computes
some as usual, records one and checks another before it replays. Long steps are few in a block."""

MEMORY_STEPS = 20
"""Steps after which memory has stopped growing."""

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")

SLOWING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "PYTHONDONTWRITEBYTECODE")
"""Variables that make NumPy's BLAS use kernels of another processor, and each process compile
tinynet's modules again: pip compiles those of a package that it installs."""


@contextmanager
def environment(threads: int) -> Iterator[None]:
    """The environment of a child process: its number of threads, and its BLAS."""
    numbers = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NPROC")
    eigen = "true" if threads > 1 else "false"
    before = dict(os.environ)
    for name in SLOWING:
        os.environ.pop(name, None)
    os.environ |= dict.fromkeys(numbers, str(threads))
    os.environ |= {
        "XLA_FLAGS": f"--xla_cpu_multi_thread_eigen={eigen} intra_op_parallelism_threads={threads}",
        "JAX_PLATFORMS": "cpu",
        # Compile in this process: a pool of compilers would still start while others are timed.
        "TORCHINDUCTOR_COMPILE_THREADS": "1",
    }
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def hold_to_cores(threads: int) -> None:
    """Limit this process to as many cores as it has threads, if the system supports it."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def serve(connection: Connection, side: Side, case: Case, threads: int) -> None:
    """Build a case, send its results, then time it for each request.

    Each message is a pair: the answer and None, or None and the error.
    """
    hold_to_cores(threads)
    try:
        made, answers = _prepare(side, case, threads)
        connection.send((answers, None))
        while (seconds := connection.recv()) is not None:
            connection.send((timed(made, seconds), None))
    except EOFError:
        pass
    except Exception as error:
        connection.send((None, _short(error)))


def weigh(connection: Connection, side: Side, case: Case, threads: int) -> None:
    """Train for some steps; return (peak bytes beyond the imports, peak bytes in all)."""
    hold_to_cores(threads)
    try:
        make = _maker(side, case.action)
        # Import everything that is imported on first use.
        make(case.network, 1, threads=threads, dropout=True, **side.options)()
        gc.collect()
        before = reset_peak()
        step = make(case.network, case.batch, threads=threads, dropout=True, **side.options)
        for _ in range(MEMORY_STEPS):
            step()
        highest = peak()
        connection.send(((highest - before, highest), None))
    except Exception as error:
        connection.send((None, _short(error)))


class Pace(NamedTuple):
    """The mean time of a step in a block, in seconds.

    Attributes:
        elapsed: By the clock.
        cpu: The CPU time of all threads of the process.
    """

    elapsed: float
    cpu: float


def timed(run: Callable[[], Any], seconds: float) -> Pace:
    """Return the mean time of a run, over as many as fit into that time, after a warm-up."""
    _repeat(run, WARM)
    busy, start = process_time(), perf_counter()
    count = _repeat(run, seconds)
    return Pace((perf_counter() - start) / count, (process_time() - busy) / count)


def _repeat(run: Callable[[], Any], seconds: float) -> int:
    """Run as often as fits into that time, at least once, and return the number."""
    count, end = 0, perf_counter() + seconds
    while True:
        run()
        count += 1
        if perf_counter() >= end:
            return count


def _maker(side: Side, action: str) -> Callable[..., Callable[[], Any]]:
    made: Callable[..., Callable[[], Any]] = getattr(import_module(f"versus.{side.module}"), action)
    return made


def _prepare(side: Side, case: Case, threads: int) -> tuple[Callable[[], Any], list[float]]:
    """Return the function to time, after its first runs, and its result if that is deterministic.

    The result is the losses of consecutive steps, the outputs, or the indices of a text.
    """
    from versus.networks import has_dropout

    make = _maker(side, case.action)

    def build(dropout: bool) -> Callable[[], Any]:
        return make(case.network, case.batch, threads=threads, dropout=dropout, **side.options)

    made = build(dropout=False)
    answers: list[float] = []
    if case.action == "train":
        answers = [made() for _ in range(side.checked_steps)]
    elif side.checked_steps:
        answers = np.ravel(made()).tolist()
    if case.action == "train" and has_dropout(case.network):
        made = build(dropout=True)
    for _ in range(FIRST_RUNS):
        made()
    return made, answers


def reset_peak() -> int:
    """Reset the peak of memory if the system supports it; return the bytes that are in use now."""
    if CLEAR.exists():
        CLEAR.write_text("5")
    return peak()


def peak() -> int:
    """Return the peak bytes of memory of this process."""
    if STATUS.exists():
        match = re.search(r"VmHWM:\s+(\d+) kB", STATUS.read_text())
        assert match
        return int(match[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT


_UNIT = 1 if sys.platform == "darwin" else 1024


def _short(error: Exception) -> str:
    first = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {first}"[:200]
