"""BLAS on one thread: its result depends on how many it uses, and shards have threads already."""

import os
import threading
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController

from tinynet.errors import TinynetError


def available_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def threads_to_use(asked: int | None) -> int:
    """So many threads, or as many as there are cores.

    Raises:
        TinynetError: for less than one.
    """
    if asked is not None and asked < 1:
        raise TinynetError(f"at least 1 thread must compute, not {asked}")
    return asked or available_cores()


class _OneThread:
    """Holds BLAS to one thread while anybody is within.

    In the whole process, as NumPy's wheels have it. An OpenBLAS that is built on OpenMP counts
    threads for each thread of Python by itself, and is held in the one that enters first.
    """

    def __init__(self) -> None:
        self._libraries: list[Any] = ThreadpoolController().select(user_api="blas").lib_controllers
        self._lock = threading.Lock()
        self._within = 0
        self._before: list[int] = []
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._in_child)

    def __enter__(self) -> None:
        with self._lock:
            if not self._within:
                self._before = [library.get_num_threads() for library in self._libraries]
                self._set([1] * len(self._libraries))
            self._within += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._within = max(self._within - 1, 0)
            if not self._within:
                self._set(self._before)
                self._release()

    def _in_child(self) -> None:
        # Threads that were within when a process forked are not in the child, to let BLAS go.
        self._lock = threading.Lock()
        if self._within:
            self._within = 0
            self._set(self._before)

    def _set(self, numbers: list[int]) -> None:
        for library, number in zip(self._libraries, numbers, strict=True):
            library.set_num_threads(number)
            if library.get_num_threads() != number:
                self._release()
                library.set_num_threads(number)

    def _release(self) -> None:
        # From version 3.8 on, threadpoolctl obeys only the thread that came first, and says nothing
        # to the others. Here any thread may be the first to enter or the last to leave.
        for library in self._libraries:
            if hasattr(library, "clear_controlling_thread"):
                library.clear_controlling_thread(force=True)


@cache
def one_blas_thread() -> _OneThread:
    """A context in which BLAS has one thread; the last to leave it lets BLAS go."""
    return _OneThread()
