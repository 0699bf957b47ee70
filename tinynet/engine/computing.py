"""The conditions under which networks and optimizers compute."""

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from contextvars import ContextVar, copy_context
from typing import Any, TypeVar

import numpy as np

from tinynet.engine.blas import one_blas_thread
from tinynet.kernels import Kernels

T = TypeVar("T")

_conditions: ContextVar[tuple[Kernels, int] | None] = ContextVar("conditions", default=None)


def compute(kernels: Kernels, threads: int, work: Callable[..., T], *args: Any) -> T:
    """Call `work` with BLAS on one thread, NumPy's warnings off, and kernels on some threads.

    A call within another one of the same conditions changes nothing, which saves time.

    Args:
        kernels: The kernels that `work` computes with.
        threads: Number of threads that these kernels may use.
        work: The computation.
        args: The arguments of `work`.
    """
    if _conditions.get() == (kernels, threads):
        return work(*args)
    # NumPy keeps its error settings in a context variable: they end with the copied context.
    return copy_context().run(_compute, kernels, threads, work, *args)


def _compute(kernels: Kernels, threads: int, work: Callable[..., T], *args: Any) -> T:
    # An interrupt may come between any two instructions. So the clean-up can be repeated, and
    # stands in two nested `finally` clauses, since the first may be interrupted. The `__exit__` of
    # a `with` statement would not run if an interrupt came as it is entered.
    blas, holder = one_blas_thread(), object()
    kernel_threads, exited = kernels.on_threads(threads), False
    try:
        try:
            # The trainer looks for NaN and infinity in the loss, and explains it.
            np.seterr(all="ignore")
            _conditions.set((kernels, threads))
            blas.hold(holder)
            kernel_threads.__enter__()
            return work(*args)
        finally:
            _exit(kernel_threads)
            exited = True
            blas.release(holder)
    finally:
        if not exited:
            _exit(kernel_threads)
        blas.release(holder)


def _exit(context: AbstractContextManager[None]) -> None:
    # A generator that was interrupted before it began raises, and ends when it is deleted.
    with suppress(RuntimeError):
        context.__exit__(None, None, None)
