"""SIGINT and SIGTERM, held back until the work in hand is safe."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Interrupted(KeyboardInterrupt):
    """A run was stopped by a signal after a step; it is saved and can be resumed.

    A `KeyboardInterrupt`, since that is what Python programs expect of Ctrl-C.

    Attributes:
        signal: The signal's number.
    """

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.signal = number


class Interrupts:
    """Whether a signal came.

    Attributes:
        received: Its number, or None.
    """

    def __init__(self) -> None:
        self.received: int | None = None


@contextmanager
def held() -> Iterator[Interrupts]:
    """Note the first SIGINT or SIGTERM instead of dying of it; a second one works as ever.

    Outside of the main thread signals cannot be held, and are not.
    """
    interrupts = Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield interrupts
        return
    previous: dict[int, Any] = {}

    def restore() -> None:
        for number, handler in previous.items():
            signal.signal(number, handler)

    def note(number: int, frame: FrameType | None) -> None:
        interrupts.received = number
        restore()

    for number in (signal.SIGINT, signal.SIGTERM):
        previous[number] = signal.signal(number, note)
    try:
        yield interrupts
    finally:
        restore()
