"""Warnings that Python shows at the line of the caller, outside of tinynet."""

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_receiver: ContextVar[Callable[[str], None] | None] = ContextVar("receiver", default=None)


def warn(message: str) -> None:
    """Warn at the line outside of tinynet that called it, or as `warnings_to` says."""
    if receiver := _receiver.get():
        with warnings_to(None):  # the receiver may warn as well
            receiver(message)
        return
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("tinynet."):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, stacklevel=level)


@contextmanager
def warnings_to(receiver: Callable[[str], None] | None) -> Iterator[None]:
    """Pass the messages of `warn` in this thread to a function; None is the default.

    Python shows a warning once in a process, so it would not reach all who ask for predictions.
    """
    token = _receiver.set(receiver)
    try:
        yield
    finally:
        _receiver.reset(token)


def warning_once(warn: Callable[[str], None]) -> Callable[[str], None]:
    """Return a function that calls ``warn`` with each message once."""
    seen = set[str]()

    def warn_once(message: str) -> None:
        if message not in seen:
            seen.add(message)
            warn(message)

    return warn_once
