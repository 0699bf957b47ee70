"""One side in a process of its own, which does nothing but what it is asked for."""

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
from time import perf_counter
from typing import Any

from versus.sides import Side
from versus.workloads import Case

WARM = 0.03
"""Seconds that run before what is timed: caches fill, and the threads of others go to sleep."""

MEMORY_STEPS = 20
"""Steps after which memory has stopped growing."""

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")

SLOWING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
"""Variables that make NumPy's BLAS take other kernels than those of this processor."""


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
        # In its process: a pool of compilers would still be starting while others are timed.
        "TORCHINDUCTOR_COMPILE_THREADS": "1",
    }
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def hold_to_cores(threads: int) -> None:
    """Let this process run on as many cores as it may have threads, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def serve(connection: Connection, side: Side, case: Case, threads: int) -> None:
    """Build what a case asks for, tell what it computes, then time it whenever asked.

    What comes back is a pair: the answer and None, or None and what went wrong.
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
    """Train for some steps: (peak bytes beyond what the imports took, peak bytes of it all)."""
    hold_to_cores(threads)
    try:
        make = _maker(side, case.action)
        # What is imported on first use is imported now.
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


def timed(run: Callable[[], Any], seconds: float) -> float:
    """Mean seconds of a run, over as many as fit into that time, after some that don't count."""
    _repeat(run, WARM)
    count, elapsed = _repeat(run, seconds)
    return elapsed / count


def _repeat(run: Callable[[], Any], seconds: float) -> tuple[int, float]:
    count, start = 0, perf_counter()
    while True:
        run()
        count += 1
        elapsed = perf_counter() - start
        if elapsed >= seconds:
            return count, elapsed


def _maker(side: Side, action: str) -> Callable[..., Callable[[], Any]]:
    made: Callable[..., Callable[[], Any]] = getattr(import_module(f"versus.{side.module}"), action)
    return made


def _prepare(side: Side, case: Case, threads: int) -> tuple[Callable[[], Any], list[float]]:
    """Return the function to time, and its result if that is deterministic.

    That is the loss of some steps, each of which sees the update before it; or the outputs.
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
        answers = [float(value) for row in made() for value in row]
    if case.action == "train" and has_dropout(case.network):
        made = build(dropout=True)
        made()
    return made, answers


def reset_peak() -> int:
    """Forget the highest memory so far, where the system can; bytes from which it counts now."""
    if CLEAR.exists():
        CLEAR.write_text("5")
    return peak()


def peak() -> int:
    """Most bytes of memory that this process held at once."""
    if STATUS.exists():
        match = re.search(r"VmHWM:\s+(\d+) kB", STATUS.read_text())
        assert match
        return int(match[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT


_UNIT = 1 if sys.platform == "darwin" else 1024


def _short(error: Exception) -> str:
    first = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {first}"[:200]
