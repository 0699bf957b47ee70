"""A thread in the background that makes one call after another.

As in the thread pool, an interrupt of the thread that waits for a result leaves nothing behind; so
`result` can be called again.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

from tinynet.engine.threads import SharedWork, Workers

T = TypeVar("T")


class Task(SharedWork, Generic[T]):
    """A call in the background."""

    def __init__(self, function: Callable[[], T]) -> None:
        super().__init__()
        self._function = function
        self._outcomes: list[tuple[bool, T | BaseException]] = []

    def work(self) -> None:
        """Make the call, and keep its outcome."""
        try:
            outcome: tuple[bool, T | BaseException] = True, self._function()
        except BaseException as error:  # The owner raises it.
            outcome = False, error
        self._outcomes.append(outcome)

    @property
    def done(self) -> bool:
        """True once the call has returned or raised."""
        return bool(self._outcomes)

    def result(self) -> T:
        """Return what the call returns, or raise what it raises.

        A call that the worker thread has not begun is made here.
        """
        self.close()
        if not self._outcomes:
            return self._function()
        returned, value = self._outcomes[0]
        if isinstance(value, BaseException) and not returned:
            raise value
        return value  # type: ignore[return-value]


class Background:
    """One daemon thread, started by the first call."""

    def __init__(self) -> None:
        self._workers: Workers | None = None

    def start(self, task: Task[T]) -> None:
        """Make a call after those before it.

        Raises:
            RuntimeError: if the system cannot start a thread.
        """
        if self._workers is None:
            self._workers = Workers(1)
        self._workers.submit(task)
