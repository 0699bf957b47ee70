"""The numeric context of networks and optimizers: BLAS on one thread, NumPy's warnings off.

The last bits of a product of BLAS depend on its number of threads, and shards have threads already.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar, copy_context
from typing import Any, TypeVar

import numpy as np

from tinynet.kernels import Kernels
from tinynet.kernels.blas import one_blas_thread

T = TypeVar("T")

_conditions: ContextVar[tuple[Kernels, int] | None] = ContextVar("conditions", default=None)


def in_numeric_context(kernels: Kernels, threads: int, work: Callable[..., T], *args: Any) -> T:
    """Call `work` with BLAS on one thread, NumPy's warnings off, and kernels on some threads.

    A nested call only changes the number of threads, or nothing, which saves time.

    Args:
        kernels: The kernels that `work` computes with.
        threads: Number of threads that these kernels may use.
        work: The computation.
        args: The arguments of `work`.
    """
    before, conditions = _conditions.get(), (kernels, threads)
    if before == conditions:
        return work(*args)
    # NumPy keeps its error settings in a context variable: they end with the copied context.
    run = _run if before is None else _run_nested
    return copy_context().run(run, kernels, threads, work, *args)


def on_threads(kernels: Kernels, threads: int, work: Callable[..., T], *args: Any) -> T:
    """Call `work` with kernels on some threads; it uses neither BLAS nor NumPy's arithmetic."""
    # An interrupt may come between any two instructions. So the clean-up can be repeated, and
    # stands in two nested `finally` clauses, since the first may be interrupted. The `__exit__` of
    # a `with` statement would not run if an interrupt came as it is entered.
    kernel_threads, exited = kernels.on_threads(threads), False
    try:
        try:
            kernel_threads.__enter__()
            return work(*args)
        finally:
            _exit(kernel_threads)
            exited = True
    finally:
        if not exited:
            _exit(kernel_threads)


def _run(kernels: Kernels, threads: int, work: Callable[..., T], *args: Any) -> T:
    # The trainer looks for NaN and infinity in the loss, and explains it.
    np.seterr(all="ignore")
    result: T = one_blas_thread().call(_run_nested, kernels, threads, work, *args)
    return result


def _run_nested(kernels: Kernels, threads: int, work: Callable[..., T], *args: Any) -> T:
    _conditions.set((kernels, threads))
    return on_threads(kernels, threads, work, *args)


def _exit(context: AbstractContextManager[None]) -> None:
    try:  # noqa: SIM105 (`suppress` takes longer than most of these contexts)
        context.__exit__(None, None, None)
    except RuntimeError:
        # After an interrupt before `__enter__`, a generator has not started, and its exit raises.
        pass
