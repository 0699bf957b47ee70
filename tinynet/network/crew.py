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
        self._helpers = 0
        self._over = False
        # Taken by itself: an interrupt inside the Condition's own `with` could leave it locked.
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self.failed: tuple[int, BaseException] | None = None

    def work(self) -> None:
        """Do tasks until none is left to begin, or one has failed."""
        while True:
            with self._lock:
                number, self._next = self._next, self._next + 1
            if number >= len(self._tasks) or self.failed is not None:
                return
            try:
                self._tasks[number]()
            except BaseException as error:  # it is raised where the tasks were given
                self.fail(number, error)

    def help(self) -> None:
        """Work beside the one who gave the tasks, unless they are over."""
        with self._lock:
            if self._over:
                return
            self._helpers += 1
        self.work()
        with self._lock:
            self._helpers -= 1
            self._changed.notify()

    def fail(self, number: int, error: BaseException) -> None:
        """Let no further task begin."""
        with self._lock:
            if self.failed is None or number < self.failed[0]:
                self.failed = number, error

    def end(self) -> None:
        """Let nobody come any more, and wait for those who have, whatever happens meanwhile."""
        while True:
            try:
                with self._lock:
                    self._over = True
                    self._changed.wait_for(lambda: not self._helpers)
                return
            except BaseException as error:  # an interrupt, while others still compute
                self.fail(-1, error)


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
        try:
            for _ in range(min(self.size, len(tasks)) - 1):
                self._rounds.put(at_work)
            at_work.work()
        except BaseException as error:  # an interrupt, between two tasks
            at_work.fail(-1, error)
        at_work.end()
        if at_work.failed is not None:
            raise at_work.failed[1]

    def __del__(self) -> None:
        for _ in range(1, self.size):
            self._rounds.put(None)


def _serve(rounds: "SimpleQueue[_Round | None]") -> None:
    # Whoever trains looks for NaN and infinity in the loss, and explains it.
    np.seterr(all="ignore")
    while (at_work := rounds.get()) is not None:
        at_work.help()
        del at_work  # or the crew that it belongs to would wait for a next one
