"""The limit of BLAS to one thread.

The last bits of its results depend on the number of threads, and shards have threads already.
"""

import os
import threading
from collections.abc import Callable
from functools import cache, partial
from typing import Any

from threadpoolctl import ThreadpoolController


class OneBlasThread:
    """Limits BLAS to one thread while there are holders.

    The limit is for the whole process, as in NumPy's wheels. An OpenBLAS that is built on OpenMP
    counts threads for each thread of Python by itself, and is limited in the first holder's thread.

    An interrupt may come at any instruction of `hold` and `release`. So each step of them can be
    repeated, and a caller calls `release` in two nested `finally` clauses.
    """

    def __init__(self) -> None:
        self._libraries: list[Any] = ThreadpoolController().select(user_api="blas").lib_controllers
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
        self._locked(partial(self._hold, holder))

    def release(self, holder: object) -> None:
        """Restore the numbers of threads if `holder` is the last one; else only forget it."""
        if holder in self._holders:
            self._locked(partial(self._release, holder))

    def _locked(self, change: Callable[[], None]) -> None:
        lock = self._lock
        try:
            try:
                lock.acquire()
                change()
            finally:
                _unlock(lock)
        finally:
            _unlock(lock)

    def _hold(self, holder: object) -> None:
        self._holders.add(holder)
        if self._before is None:
            self._before = [library.get_num_threads() for library in self._libraries]
        if not self._limited:
            self._set([1] * len(self._libraries))
            self._limited = True

    def _release(self, holder: object) -> None:
        if self._holders == {holder}:
            self._restore()
        self._holders.discard(holder)

    def _restore(self) -> None:
        self._limited = False
        if self._before is not None:
            self._set(self._before)
            self._forget_thread()
        self._before = None

    def _in_child(self) -> None:
        # The other threads of the process that forked do not exist in the child.
        self._lock = threading.RLock()
        self._restore()
        self._holders.clear()

    def _set(self, numbers: list[int]) -> None:
        for library, number in zip(self._libraries, numbers, strict=True):
            library.set_num_threads(number)
            if library.get_num_threads() != number:
                self._forget_thread()
                library.set_num_threads(number)

    def _forget_thread(self) -> None:
        # From version 3.8 on, threadpoolctl obeys only the thread that came first, and ignores the
        # others. Here any thread may be the first to hold or the last to release.
        for library in self._libraries:
            if hasattr(library, "clear_controlling_thread"):
                library.clear_controlling_thread(force=True)


def _unlock(lock: Any) -> None:
    """Release an RLock if this thread has it; after an interrupt only the lock knows."""
    if lock._is_owned():
        lock.release()


@cache
def one_blas_thread() -> OneBlasThread:
    """Return the limit of this process."""
    return OneBlasThread()
