"""The thread pool that runs the shards of a batch.

Its caller may be interrupted between any two instructions, because Python raises KeyboardInterrupt
there. A lock could be left taken by that, and a counter wrong. So the caller takes no lock: each
event is one `append`, which is never taken back, and the only blocking call is `SimpleQueue.get`.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from operator import itemgetter
from queue import SimpleQueue
from typing import TypeAlias

import numpy as np

from tinynet.errors import TinynetError, UsageError
from tinynet.text.options import option

Job: TypeAlias = Callable[[], None]

MOST_THREADS = 1024
"""Largest number of threads: more than any machine has cores, and few enough to start."""


def usable_cores() -> frozenset[int]:
    """Return the numbers of the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(usable_cores())


def threads_to_use(requested: int | None) -> int:
    """Return the requested number of threads, by default the number of cores.

    Raises:
        UsageError: for less than one, or more than `MOST_THREADS`.
    """
    cores = available_cores()
    if requested is not None and not 1 <= requested <= MOST_THREADS:
        raise UsageError(
            f"threads must be from 1 to {MOST_THREADS}, not {requested}; leave it out to use all"
            f" {cores} cores"
        )
    return requested or min(cores, MOST_THREADS)


class SharedWork:
    """Work of one thread, the owner, that worker threads may join until the owner closes it."""

    def __init__(self) -> None:
        self._closed = False
        self._joined: list[None] = []
        self._departed: list[None] = []
        self._leaving: SimpleQueue[None] = SimpleQueue()

    def work(self) -> None:
        """Do the work, or a part of it."""
        raise NotImplementedError

    def join(self) -> None:
        """Do the work in a worker thread, unless the owner has closed it."""
        self._joined.append(None)  # First: the owner waits for this thread, or it sees `_closed`.
        try:
            if not self._closed:
                self.work()
        finally:
            self._departed.append(None)
            self._leaving.put(None)

    def close(self) -> None:
        """Let no worker join, and wait for those that have; it can be interrupted and repeated."""
        self._closed = True
        # Every worker that has not left will put one more item, so losing an item to an interrupted
        # `get` cannot block this loop.
        while len(self._departed) < len(self._joined):
            self._leaving.get()


class Workers:
    """Daemon threads that join the work in a queue, until the object is deleted."""

    def __init__(self, count: int) -> None:
        """Start `count` threads.

        Raises:
            RuntimeError: if the system cannot start so many.
        """
        self._count = count
        self._started = 0
        self._start()

    def _start(self) -> None:
        self._process = os.getpid()
        self._queue: SimpleQueue[SharedWork | None] = SimpleQueue()
        for number in range(1, self._count + 1):
            name = f"tinynet-{number}"
            thread = threading.Thread(
                target=_run_worker, args=(self._queue,), name=name, daemon=True
            )
            self._started = number
            thread.start()

    def submit(self, work: SharedWork, threads: int = 1) -> None:
        """Let a number of threads join some work."""
        if self._process != os.getpid():  # A forked process has none of its parent's threads.
            self._start()
        for _ in range(threads):
            self._queue.put(work)

    def __del__(self) -> None:
        for _ in range(getattr(self, "_started", 0)):
            self._queue.put(None)


class _JobList(SharedWork):
    """A list of jobs in progress: each free thread takes the next.

    Attributes:
        failures: The exceptions of jobs, each with the job's number.
    """

    def __init__(self, jobs: Sequence[Job]) -> None:
        super().__init__()
        self._jobs = jobs
        self._waiting = deque(range(len(jobs)))
        self.failures: list[tuple[int, BaseException]] = []

    def work(self) -> None:
        """Run jobs until none is left to begin, one has failed, or the list is closed."""
        while self._waiting and not self._closed and not self.failures:
            try:
                number = self._waiting.popleft()
            except IndexError:  # Another thread took the last one.
                return
            try:
                self._jobs[number]()
            except Exception as error:
                self.failures.append((number, error))
            except BaseException as error:  # An interrupt is raised before the failures of jobs.
                self.failures.append((-1, error))

    def finish(self) -> None:
        """Wait until all workers have left, despite any number of interrupts."""
        while True:
            try:
                self.close()
                return
            except BaseException as error:
                self.failures.append((-1, error))


class ThreadPool:
    """Threads that run one list of jobs after another, the caller's thread among them.

    Attributes:
        size: Number of threads, the caller's included.
    """

    def __init__(self, size: int) -> None:
        """Start `size` - 1 daemon worker threads; they end with the pool.

        Raises:
            TinynetError: if the system cannot start so many.
        """
        self.size = size
        try:
            self._workers = Workers(size - 1)
        except RuntimeError as error:
            raise TinynetError(
                f"the system cannot start {size} threads ({error}); use fewer, such as"
                f" {option('--threads 1', 'threads=1')}"
            ) from error

    def run(self, jobs: Sequence[Job]) -> None:
        """Run all jobs, in no particular order, and return when all threads have finished.

        Raises:
            BaseException: The exception of the first job in the list of those that failed; jobs
                that had not begun are skipped. An interrupt of the caller is raised first.
        """
        if len(jobs) == 1 or self.size == 1:
            for job in jobs:
                job()
            return
        job_list = _JobList(jobs)
        try:
            try:
                self._workers.submit(job_list, min(self.size, len(jobs)) - 1)
                job_list.work()
            finally:
                job_list.finish()
        finally:
            job_list.finish()  # Again, for an interrupt between two instructions of the first call.
        if job_list.failures:
            raise min(job_list.failures, key=itemgetter(0))[1]


def _run_worker(queue: "SimpleQueue[SharedWork | None]") -> None:
    # The trainer looks for NaN and infinity in the loss, and explains it.
    np.seterr(all="ignore")
    while (work := queue.get()) is not None:
        work.join()
        del work  # Otherwise a waiting thread would keep its own pool alive.
