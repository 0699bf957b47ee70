"""Changes of a trainer's state that are complete, or known not to be."""

import _signal  # type: ignore[import-not-found]
import signal
import threading
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import TypeVar

from tinynet.errors import TinynetError

T = TypeVar("T")


class Consistency:
    """A record that a state is the one before or after a change, and not in between.

    Ctrl-C waits for the end of a change. Any other exception within one leaves the state torn: it
    can be neither used nor saved until another one is loaded.
    """

    def __init__(self) -> None:
        self._is_whole = True
        self._reason = "an exception"

    def require(self) -> None:
        """Raise unless the last change is complete.

        Raises:
            TinynetError: if it is not; it says how to continue.
        """
        if not self._is_whole:
            raise TinynetError(
                f"{self._reason} ended an update before it was complete, so the state is neither"
                " that before it nor that after it; load a saved one (Trainer.load_state, or"
                " resume the run), or make a new Trainer"
            )

    def change(self, work: Callable[[], T]) -> T:
        """Return `work()`, which changes the state.

        Raises:
            TinynetError: if the last change is not complete.
        """
        self.require()
        return self.replace(work)

    def replace(self, work: Callable[[], T]) -> T:
        """Return `work()`, which sets the whole state, whatever it was before."""
        return uninterrupted(partial(self._tracked, work))

    def _tracked(self, work: Callable[[], T]) -> T:
        self._is_whole = False
        try:
            result = work()
        except BaseException as error:
            self._reason = type(error).__name__
            raise
        self._is_whole = True
        return result


def uninterrupted(work: Callable[[], T]) -> T:
    """Return `work()`; a SIGINT that comes meanwhile is delivered to its handler afterwards.

    A handler that is not Python's, the default action, and an ignored signal raise nothing in
    `work`, and neither does any signal outside of the main thread; nothing is held there.
    """
    # The functions of `signal` take ten times as long, since they make enumerations of numbers.
    handler = _signal.getsignal(signal.SIGINT)
    if not callable(handler) or threading.current_thread() is not threading.main_thread():
        return work()
    received: list[FrameType | None] = []

    def note(number: int, frame: FrameType | None) -> None:
        received.append(frame)

    def restore() -> None:
        # Not if `work` has installed another handler.
        if _signal.getsignal(signal.SIGINT) is note:
            _signal.signal(signal.SIGINT, handler)

    try:
        try:
            _signal.signal(signal.SIGINT, note)
            return work()
        finally:
            restore()
    finally:
        restore()  # Again, for an exception from another signal's handler within the first call.
        if received:
            handler(signal.SIGINT, received[0])
