"""The surroundings in which networks and optimizers compute."""

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from contextvars import copy_context
from functools import partial
from typing import TypeVar

import numpy as np

from tinynet.kernels import Kernels
from tinynet.network.blas import one_blas_thread

T = TypeVar("T")


def compute(work: Callable[[], T], kernels: Kernels, threads: int) -> T:
    """Call `work` with BLAS on one thread, NumPy's warnings off, and kernels on some threads.

    Args:
        work: The computation.
        kernels: What it computes with.
        threads: Threads that its kernels may use.
    """
    # NumPy keeps its error settings in a context variable, which ends with the context.
    run = copy_context().run
    return on_one_blas_thread(partial(run, _without_warnings, work, kernels, threads))


def on_one_blas_thread(work: Callable[[], T]) -> T:
    """Call `work` with BLAS on one thread.

    The limit is lifted afterwards, wherever an interrupt comes: the clean-up can be repeated, and
    stands in two nested `finally` clauses, since the first may be interrupted. The `__exit__` of a
    `with` statement would not run if an interrupt came as it is entered.
    """
    blas, holder = one_blas_thread(), object()
    try:
        try:
            blas.hold(holder)
            return work()
        finally:
            blas.release(holder)
    finally:
        blas.release(holder)


def _without_warnings(work: Callable[[], T], kernels: Kernels, threads: int) -> T:
    # The trainer looks for NaN and infinity in the loss, and explains it.
    np.seterr(all="ignore")
    context, exited = kernels.on_threads(threads), False
    try:
        try:
            context.__enter__()
            return work()
        finally:
            _exit(context)
            exited = True
    finally:
        if not exited:
            _exit(context)


def _exit(context: AbstractContextManager[None]) -> None:
    # A generator that was interrupted before it began complains, and ends when it is deleted.
    with suppress(RuntimeError):
        context.__exit__(None, None, None)
