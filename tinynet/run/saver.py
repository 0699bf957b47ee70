"""Saving of checkpoints in a background thread; training waits for the snapshot only."""

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
    """A background thread that saves one checkpoint at a time, from a snapshot of its arrays.

    Use it as a context manager, which waits for the last save.
    """

    def __init__(self) -> None:
        self._background = Background()
        self._running: Task[T] | None = None
        self._snapshot: dict[str, Array] = {}

    def start(self, arrays: Mapping[str, Array], save: Callable[[dict[str, Array]], T]) -> list[T]:
        """Take a snapshot and start to save it, after the previous save has finished.

        Args:
            arrays: The arrays to save; they may change as soon as this returns.
            save: Saves the snapshot; called in the thread.

        Returns:
            The result of the previous save, or None.

        Raises:
            CheckpointIOError: if there is not enough memory.
            TinynetError: the error of the previous save.
        """
        finished = self.wait()
        with _explaining(MemoryError):
            # The last snapshot's memory is reused; only figures add or remove arrays.
            last = self._snapshot
            self._snapshot = {name: _copy(last.get(name), array) for name, array in arrays.items()}
        # Python raises this if a thread cannot be started, for lack of memory or processes.
        with _explaining(RuntimeError):
            # Stored before it starts: after an interrupt between the two, no snapshot overwrites
            # its arrays. `wait` runs a save that has not begun.
            self._running = Task(partial(save, self._snapshot))
            try:
                self._background.start(self._running)
            except RuntimeError:
                self._running = None
                raise
        return finished

    def finished(self) -> list[T]:
        """Return the result of the current save if it has finished, or None.

        Raises:
            TinynetError: the error of the save.
        """
        return self.wait() if self._running is not None and self._running.done else []

    def wait(self) -> list[T]:
        """Wait for the current save and return its result.

        Raises:
            TinynetError: the error of the save.
        """
        if self._running is None:
            return []
        running = self._running
        running.close()  # after an interrupt here, the next snapshot waits as well
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
            with suppress(Exception):  # another error is raised, or nothing waits for this one
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
