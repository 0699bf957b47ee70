"""Warnings that Python shows at the line of the caller, outside of tinynet."""

import sys
import warnings


def warn(message: str) -> None:
    """Warn at the line outside of tinynet that called it."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("tinynet."):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, stacklevel=level)
