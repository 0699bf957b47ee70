"""The numeric context of networks and optimizers: BLAS on one thread, NumPy's warnings off.

The last bits of a product of BLAS depend on its number of threads, and shards have threads already.
"""

import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar, copy_context
from functools import cache
from itertools import product
from typing import Any, TypeVar

import numpy as np
from threadpoolctl import ThreadpoolController

from tinynet.kernels import Kernels

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


class OneBlasThread:
    """Limits BLAS to one thread while there are holders.

    The limit is for the whole process, as in NumPy's wheels. An OpenBLAS that is built on OpenMP
    has a limit for each Python thread; there only the first holder's thread is limited.

    An interrupt may come at any instruction of `hold` and `release`. So each step of them can be
    repeated, and a caller calls `release` in two nested `finally` clauses.
    """

    def __init__(self) -> None:
        libraries = ThreadpoolController().select(user_api="blas").lib_controllers
        self._limits = [_limit_of(library) for library in libraries]
        self._lock = threading.RLock()
        self._holders: set[object] = set()
        self._before: list[int] | None = None
        self._limited = False
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._in_child)

    @property
    def holders(self) -> int:
        """Number of holders."""
        return len(self._holders)

    def hold(self, holder: object) -> None:
        """Limit BLAS until `holder` releases it."""
        lock: Any = self._lock
        try:
            try:
                lock.acquire()
                self._holders.add(holder)
                if self._before is None:
                    self._before = [get() for get, _ in self._limits]
                if not self._limited:
                    for _, set_to in self._limits:
                        set_to(1)
                    self._limited = True
            finally:
                if lock._is_owned():  # After an interrupt only the lock knows.
                    lock.release()
        finally:
            if lock._is_owned():
                lock.release()

    def release(self, holder: object) -> None:
        """Restore the numbers of threads if `holder` is the last one; else only forget it."""
        if holder not in self._holders:
            return
        lock: Any = self._lock
        try:
            try:
                lock.acquire()
                if self._holders == {holder}:
                    self._restore()
                self._holders.discard(holder)
            finally:
                if lock._is_owned():  # After an interrupt only the lock knows.
                    lock.release()
        finally:
            if lock._is_owned():
                lock.release()

    def call(self, work: Callable[..., T], *args: Any) -> T:
        """Call `work` with BLAS on one thread."""
        holder = object()
        try:
            try:
                self.hold(holder)
                return work(*args)
            finally:
                self.release(holder)
        finally:
            if holder in self._holders:
                self.release(holder)

    def _restore(self) -> None:
        self._limited = False
        if self._before is not None:
            for (_, set_to), number in zip(self._limits, self._before, strict=True):
                set_to(number)
        self._before = None

    def _in_child(self) -> None:
        # The other threads of the process that forked do not exist in the child.
        self._lock = threading.RLock()
        self._restore()
        self._holders.clear()


def _limit_of(library: Any) -> tuple[Callable[[], int], Callable[[int], None]]:
    """Return the functions that get and set a library's number of threads.

    Of OpenBLAS they are its own: those of threadpoolctl accept calls from one thread only, and here
    any thread may be the first to hold or the last to release.
    """
    if library.internal_api == "openblas" and library.threading_layer != "openmp":
        for prefix, suffix in product(("", "scipy_"), ("", "64_", "_64")):
            names = [f"{prefix}openblas_{verb}_num_threads{suffix}" for verb in ("get", "set")]
            if hasattr(library.dynlib, names[0]):
                return getattr(library.dynlib, names[0]), getattr(library.dynlib, names[1])
    return library.get_num_threads, library.set_num_threads


@cache
def one_blas_thread() -> OneBlasThread:
    """Return the limit of this process."""
    return OneBlasThread()
