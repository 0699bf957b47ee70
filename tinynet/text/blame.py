"""Blame for a plugin that fails: its error, and the place in its source that raised."""

import traceback
from collections.abc import Callable, Mapping
from typing import Any

from tinynet.errors import PluginError, Problem, TinynetError
from tinynet.text.wording import cause

_CALLERS = frozenset(
    "__main__ tinynet contextlib functools importlib numpy pydantic threading".split()
)
"""Packages whose code calls plugins, or is called by tinynet's own types."""


class Blaming:
    """A context that turns an unexpected exception of a plugin into a `PluginError`.

    A class, since a generator costs more than many a method on a batch of one.
    """

    __slots__ = ("_action", "_passing", "_pointer", "_who")

    def __init__(
        self,
        who: Callable[[], str],
        action: str,
        pointer: str = "",
        passing: type[Exception] | tuple[()] = (),
    ) -> None:
        """Start to watch a call.

        Args:
            who: Returns the name of the plugin; called only if it fails.
            action: Start of the message, up to the cause: ``forward raised``.
            pointer: Where a spec names the plugin, if it does.
            passing: Exceptions that are not the plugin's fault.
        """
        self._who, self._action, self._pointer, self._passing = who, action, pointer, passing

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        if error is None or isinstance(error, TinynetError | MemoryError):
            return
        if isinstance(error, Exception | SystemExit) and not isinstance(error, self._passing):
            message = f"{self._action} {located_cause(error)}"
            raise plugin_error(self._who(), message, self._pointer) from error


def plugin_error(who: object, message: str, pointer: str = "") -> PluginError:
    """Return the error of the plugin `who`, which a spec names at `pointer`."""
    return PluginError([Problem(f"{who}: {message}", pointer)])


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
