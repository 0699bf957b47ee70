"""Warnings that Python shows at the line of the caller, outside of tinynet."""

import sys
import warnings
from collections.abc import Callable


def warn(message: str) -> None:
    """Warn at the line outside of tinynet that called it."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("tinynet."):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, stacklevel=level)


def warning_once(warn: Callable[[str], None]) -> Callable[[str], None]:
    """Return a function that calls ``warn`` with each message once."""
    seen = set[str]()

    def warn_once(message: str) -> None:
        if message not in seen:
            seen.add(message)
            warn(message)

    return warn_once
