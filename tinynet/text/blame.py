"""The place in a plugin's source where it raised an exception."""

import traceback
from collections.abc import Mapping
from typing import Any

from tinynet.text.wording import cause

_CALLERS = frozenset(
    "__main__ tinynet contextlib functools importlib numpy pydantic threading".split()
)
"""Packages whose code calls plugins, or is called by tinynet's own types."""


def located_cause(error: BaseException) -> str:
    """Return the text of a plugin's exception, with the plugin's file and line that raised it.

    The line is the last one of the plugin's own package: where the plugin called another library
    that failed, it is the call.
    """
    if isinstance(error, SyntaxError) and error.filename:
        return f"{type(error).__name__}: {error.msg} ({error.filename}:{error.lineno})"
    place = place_of(error)
    return f"{cause(error)} ({place})" if place else cause(error)


def place_of(error: BaseException) -> str:
    """Return ``file:line``; empty where no code of a plugin ran."""
    places = [
        (_package(frame.f_globals), f"{frame.f_code.co_filename}:{line}")
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    plugin = next((package for package, _ in places if package not in _CALLERS), None)
    return next((place for package, place in reversed(places) if package == plugin), "")


def _package(names: Mapping[str, Any]) -> str:
    return str(names.get("__name__")).partition(".")[0]
