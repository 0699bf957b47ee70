"""A few threads that do one list of tasks after another, the caller among them."""

import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import TypeAlias

import numpy as np

Task: TypeAlias = Callable[[], None]


class _Round:
    """One list of tasks at work: whoever is free takes the next.

    Attributes:
        failed: What the first task in the order of the list raised, of those that raised.
    """

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._tasks = tasks
        self._next = 0
        self._left = len(tasks)
        self._lock = threading.Lock()
        self._done = threading.Event()
        self.failed: tuple[int, BaseException] | None = None

    def work(self) -> None:
        """Do tasks until none is left to begin."""
        while True:
            with self._lock:
                number, self._next = self._next, self._next + 1
            if number >= len(self._tasks):
                return
            failure: BaseException | None = None
            try:
                if self.failed is None:
                    self._tasks[number]()
            except BaseException as error:  # it is raised where the tasks were given
                failure = error
            self._finish(number, failure)

    def _finish(self, number: int, failure: BaseException | None) -> None:
        with self._lock:
            if failure is not None and (self.failed is None or number < self.failed[0]):
                self.failed = number, failure
            self._left -= 1
            if not self._left:
                self._done.set()

    def wait(self) -> None:
        """Wait until all that were begun are done."""
        self._done.wait()


class Crew:
    """Threads that work for as long as the crew is used.

    Attributes:
        size: How many work, the caller of `run` included.
    """

    def __init__(self, size: int) -> None:
        """Hire ``size`` - 1 threads; they end with the crew, or with the process."""
        self.size = size
        self._rounds: SimpleQueue[_Round | None] = SimpleQueue()
        for number in range(1, size):
            name = f"tinynet-{number}"
            threading.Thread(target=_serve, args=(self._rounds,), name=name, daemon=True).start()

    def run(self, tasks: Sequence[Task]) -> None:
        """Do every task, in no particular order, and come back when all are done.

        Raises:
            BaseException: what a task raised; tasks that were not begun then are left out.
        """
        if len(tasks) == 1 or self.size == 1:
            for task in tasks:
                task()
            return
        at_work = _Round(tasks)
        for _ in range(min(self.size, len(tasks)) - 1):
            self._rounds.put(at_work)
        at_work.work()
        at_work.wait()
        if at_work.failed is not None:
            raise at_work.failed[1]

    def __del__(self) -> None:
        for _ in range(1, self.size):
            self._rounds.put(None)


def _serve(rounds: "SimpleQueue[_Round | None]") -> None:
    # Whoever trains looks for NaN and infinity in the loss, and explains it.
    np.seterr(all="ignore")
    while (at_work := rounds.get()) is not None:
        at_work.work()
        del at_work  # or the crew that it belongs to would wait for a next one
