"""Changes of a trainer's state that either complete, or mark the state as unusable."""

import _signal  # type: ignore[import-not-found]
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

from tinynet.errors import TinynetError

T = TypeVar("T")


class StateGuard:
    """A guard that marks a state as incomplete while it is changed.

    Ctrl-C waits for the end of a change. After any other exception within a change, the state can
    be neither used nor saved until another one is loaded.
    """

    def __init__(self) -> None:
        self._is_whole = True
        self._reason = "an exception"

    def require_whole(self) -> None:
        """Raise unless the last change is complete.

        Raises:
            TinynetError: if it is not; it says how to continue.
        """
        if not self._is_whole:
            raise TinynetError(
                f"{self._reason} ended an update before it was complete, so the state is only"
                " partly updated; load a saved one (Trainer.load_state, or resume the run), or make"
                " a new Trainer"
            )

    def change(self, work: Callable[..., T], *args: Any) -> T:
        """Return `work(*args)`, which changes a complete state in place, or loads another.

        The state counts as incomplete until `work` returns.
        """
        result: T = uninterrupted(self._tracked, work, *args)
        return result

    def _tracked(self, work: Callable[..., T], *args: Any) -> T:
        self._is_whole = False
        try:
            result = work(*args)
        except BaseException as error:
            self._reason = type(error).__name__
            raise
        self._is_whole = True
        return result


def uninterrupted(work: Callable[..., T], *args: Any) -> T:
    """Return `work(*args)`; a SIGINT that comes meanwhile is delivered to its handler afterwards.

    A handler with a method `record(number)` is asked to record the signal when it arrives, so that
    the order of arrival of several kinds is kept; if that returns True, nothing is left to deliver.

    The signal is not deferred where no Python handler can interrupt `work`: outside of the main
    thread, if the signal is ignored, and if its handler is not a Python function.
    """
    # The functions of `signal` take ten times as long, since they make enumerations of numbers.
    handler = _signal.getsignal(signal.SIGINT)
    if not callable(handler) or threading.current_thread() is not threading.main_thread():
        return work(*args)
    received: list[FrameType | None] = []

    def note(number: int, frame: FrameType | None) -> None:
        record = getattr(handler, "record", None)
        if record is None or not record(number):
            received.append(frame)

    def restore() -> None:
        # Not if `work` has installed another handler.
        if _signal.getsignal(signal.SIGINT) is note:
            _signal.signal(signal.SIGINT, handler)

    try:
        try:
            _signal.signal(signal.SIGINT, note)
            return work(*args)
        finally:
            restore()
    finally:
        restore()  # Again, for an exception from another signal's handler within the first call.
        if received:
            handler(signal.SIGINT, received[0])
