"""Checkpoints written on a thread of their own: training waits for the snapshot only."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from types import TracebackType
from typing import Generic, TypeVar

import numpy as np

from tinynet.engine.background import Background, Task
from tinynet.errors import CheckpointIOError
from tinynet.kernels.memory import aligned_empty
from tinynet.types import Array

T = TypeVar("T")


class Saver(Generic[T]):
    """Runs one save after the other, each with a snapshot of the arrays it is to hold.

    Use it as a context manager: it ends when the last save has.
    """

    def __init__(self) -> None:
        self._background = Background()
        self._running: Task[T] | None = None
        self._snapshot: dict[str, Array] = {}

    def start(self, arrays: Mapping[str, Array], save: Callable[[dict[str, Array]], T]) -> list[T]:
        """Take a snapshot, and begin to save it; first wait for the save before.

        Args:
            arrays: What is to be saved; it may change as soon as this returns.
            save: Saves the snapshot, on the other thread.

        Returns:
            What the save before gave, if there was one.

        Raises:
            CheckpointIOError: if there is no memory for it.
            TinynetError: whatever the save before raised.
        """
        finished = self.wait()
        with _explaining(MemoryError):
            # The last snapshot's memory is used again; arrays come and go with figures only.
            last = self._snapshot
            self._snapshot = {name: _copy(last.get(name), array) for name, array in arrays.items()}
        # What Python raises where no thread can be started, for want of memory or of processes.
        with _explaining(RuntimeError):
            # Noted before it starts, so that no snapshot overwrites its own if an interrupt comes
            # between; `wait` makes a save that has not begun.
            self._running = Task(partial(save, self._snapshot))
            try:
                self._background.start(self._running)
            except RuntimeError:
                self._running = None
                raise
        return finished

    def finished(self) -> list[T]:
        """What the running save gave, if it is over by now.

        Raises:
            TinynetError: whatever it raised.
        """
        return self.wait() if self._running is not None and self._running.done else []

    def wait(self) -> list[T]:
        """What the running save gave, as soon as it is over.

        Raises:
            TinynetError: whatever it raised.
        """
        if self._running is None:
            return []
        running = self._running
        running.close()  # Interrupted here, it can be repeated: the next snapshot waits as well.
        try:
            with _explaining(MemoryError):
                return [running.result()]
        finally:
            self._running = None

    def __enter__(self) -> "Saver[T]":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._running is not None:
            with suppress(Exception):  # Another error is on its way, or nobody asked for this one.
                self._running.result()


@contextmanager
def _explaining(kind: type[Exception]) -> Iterator[None]:
    try:
        yield
    except kind as error:
        reason = str(error) or "not enough memory"
        raise CheckpointIOError(f"the run cannot be saved: {reason}") from error


def _copy(target: Array | None, source: Array) -> Array:
    if target is None or target.shape != source.shape or target.dtype != source.dtype:
        target = aligned_empty(source.shape, source.dtype)
    np.copyto(target, source)
    return target
