"""The limit of BLAS to one thread.

The last bits of a product of BLAS depend on its number of threads.
"""

import os
import threading
from collections.abc import Callable
from functools import cache
from itertools import product
from typing import Any, TypeVar

from threadpoolctl import ThreadpoolController

T = TypeVar("T")


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
