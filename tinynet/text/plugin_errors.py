"""Errors of plugins: the exception of a plugin as a `PluginError`, with the line that raised it."""

import traceback
from collections.abc import Mapping
from numbers import Integral
from typing import Any

from tinynet.errors import PluginError, Problem, TinynetError
from tinynet.text.wording import cause

_CALLERS = frozenset(
    "__main__ tinynet contextlib functools importlib numpy pydantic threading".split()
)
"""Packages whose lines are never named: they call plugins, or tinynet's own types call them."""


_origins: dict[type, str] = {}
"""Type, distribution and version of each loaded class of a plugin."""


class PluginErrors:
    """A context that turns an unexpected exception of a plugin into a `PluginError`.

    A class, since a context manager from a generator is too slow for calls on a batch of one.
    """

    __slots__ = ("_action", "_plugin", "_pointer", "_unless")

    def __init__(
        self,
        plugin: object,
        action: str,
        pointer: str = "",
        unless: type[Exception] | tuple[()] = (),
    ) -> None:
        """Start to watch a call.

        Args:
            plugin: The plugin, or its name.
            action: Start of the message, up to the cause: ``forward raised``.
            pointer: JSON pointer to the plugin in a spec, if one names it.
            unless: Exceptions that are not the plugin's fault; they are not changed.
        """
        self._plugin, self._action = plugin, action
        self._pointer, self._unless = pointer, unless

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        if error is None or isinstance(error, TinynetError | MemoryError):
            return
        if isinstance(error, Exception | SystemExit) and not isinstance(error, self._unless):
            message = f"{self._action} {located_cause(error)}"
            raise plugin_error(self._plugin, message, self._pointer) from error


def plugin_error(plugin: object, message: str, pointer: str = "") -> PluginError:
    """Return the error of a plugin (itself, or its name), which a spec names at `pointer`."""
    name = plugin if isinstance(plugin, str) else origin(plugin)
    return PluginError([Problem(f"{name}: {message}", pointer)])


def origin(plugin: object) -> str:
    """Return the type, distribution and version of a plugin, or else the name of its class."""
    cls = plugin if isinstance(plugin, type) else type(plugin)
    return _origins.get(cls, f"{cls.__module__}.{cls.__qualname__}")


def record_origin(cls: type, name: str) -> None:
    """Record the type, distribution and version of a class, for messages about it."""
    _origins[cls] = name


def located_cause(error: BaseException) -> str:
    """Return the text of a plugin's exception, with the plugin's file and line that raised it.

    The line is the last one of the plugin's own package: where the plugin called another library
    that failed, it is the call.
    """
    if isinstance(error, SyntaxError) and error.filename:
        return f"{type(error).__name__}: {error.msg} ({error.filename}:{error.lineno})"
    place = place_of(error)
    return f"{cause(error)} ({place})" if place else cause(error)


def is_row(value: Any, samples: int) -> bool:
    """Return True if a value of a plugin is the row of one of ``samples`` samples."""
    return isinstance(value, Integral) and 0 <= int(value) < samples


def wrong_row(method: str, error: Exception, samples: int) -> str:
    """Return the message about an error of a plugin that names a row outside of its batch."""
    size = f"{samples} sample{'' if samples == 1 else 's'}"
    rows = f"the batch has {size}, so the row must be from 0 to {samples - 1}"
    return f"{method} raised {located_cause(error)}; {rows}"


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
