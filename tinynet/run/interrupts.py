"""Deferred SIGINT, SIGTERM and SIGHUP: the run is saved before it stops."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any


class Interrupted(KeyboardInterrupt):
    """A signal stopped the run after a step; it is saved and can be resumed.

    It derives from `KeyboardInterrupt`, which Python programs expect of Ctrl-C.

    Attributes:
        signal: The signal's number.
    """

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.signal = number


@dataclass
class Interrupts:
    """The signals received."""

    received: int | None = None  # the number of the first one


SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""Ctrl-C, SIGTERM of job schedulers, and a closed terminal."""


class _Recorder:
    """A handler of signals that records the first one of each kind."""

    def __init__(self, interrupts: Interrupts, previous: dict[int, Any]) -> None:
        self._interrupts = interrupts
        self._previous = previous
        self._recorded: set[int] = set()

    def record(self, number: int) -> bool:
        """Record a signal if it is the first of its kind; return True if so.

        `training.state_guard` calls this when a signal arrives that it defers. Otherwise another
        signal that arrives meanwhile would count as the first.
        """
        if number in self._recorded:
            return False
        self._recorded.add(number)
        self._interrupts.received = self._interrupts.received or number
        return True

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if not self.record(number):
            _act(number, frame, self._previous[number])


@contextmanager
def recorded_signals() -> Iterator[Interrupts]:
    """Record the first signal of each kind; a second one acts as usual.

    A SIGHUP that is ignored, as under `nohup`, stays ignored. Outside the main thread, where
    Python cannot set handlers, this does nothing.
    """
    interrupts = Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield interrupts
        return
    previous: dict[int, Any] = {}
    recorder = _Recorder(interrupts, previous)

    try:
        for number in SIGNALS:
            handler = signal.getsignal(number)
            ignored = number != signal.SIGINT and handler == signal.SIG_IGN
            if handler is not None and not ignored:  # None: not set by Python, so not restorable
                previous[number] = handler
                signal.signal(number, recorder)
        yield interrupts
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _act(number: int, frame: FrameType | None, handler: Any) -> None:
    """Handle a signal by its previous handler."""
    if callable(handler):
        handler(number, frame)
    elif handler == signal.SIG_DFL:
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)
