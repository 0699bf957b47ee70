"""Saving of checkpoints on a background thread: training waits for the snapshot only."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Generic, TypeVar

import numpy as np

from tinynet.engine.background import Background, Task
from tinynet.errors import CheckpointIOError
from tinynet.kernels.memory import aligned_empty
from tinynet.types import Array

T = TypeVar("T")


class Saver(Generic[T]):
    """A background thread that runs one save after the other, each with a snapshot of arrays.

    Use it as a context manager, which ends after the last save.
    """

    def __init__(self) -> None:
        self._background = Background()
        self._running: Task[T] | None = None
        self._snapshot: dict[str, Array] = {}

    def start(self, arrays: Mapping[str, Array], save: Callable[[dict[str, Array]], T]) -> list[T]:
        """Wait for the previous save and return its result; start to save a snapshot.

        The arrays may change as soon as this returns; ``save`` runs on the background thread.

        Raises:
            CheckpointIOError: if there is not enough memory.
            TinynetError: the error of the previous save.
        """
        finished = self.wait()
        with _explaining(MemoryError):
            # Reuse the memory of the last snapshot.
            last = self._snapshot
            self._snapshot = {name: _copy(last.get(name), array) for name, array in arrays.items()}
        # Python raises RuntimeError if no thread can be started.
        with _explaining(RuntimeError):
            # Assigned before it starts: after an interrupt in between, the next snapshot must not
            # overwrite this one. `wait` runs a save that has not started.
            self._running = Task(partial(save, self._snapshot))
            try:
                self._background.start(self._running)
            except RuntimeError:
                self._running = None
                raise
        return finished

    def finished(self) -> list[T]:
        """Return the result of the running save if it has ended, or raise its error."""
        return self.wait() if self._running is not None and self._running.done else []

    def wait(self) -> list[T]:
        """Wait for the running save; return its result, or raise its error."""
        if self._running is None:
            return []
        running = self._running
        running.close()  # Can be repeated after an interrupt: `_running` is still set.
        try:
            with _explaining(MemoryError):
                return [running.result()]
        finally:
            self._running = None

    def __enter__(self) -> "Saver[T]":
        return self

    def __exit__(self, *error: object) -> None:
        if self._running is not None:
            with suppress(Exception):  # Another error is being raised, or the caller left early.
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
