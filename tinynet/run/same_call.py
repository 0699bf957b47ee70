"""Comparison of the calls of all processes, before they work together.

Process 0 alone reads the spec or the run, so other arguments of another process would be ignored.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
from xxhash import xxh3_128

from tinynet.engine.process_group import ProcessGroup
from tinynet.errors import UsageError
from tinynet.spec.models import Spec

OWN = frozenset(
    "data_root fleet fleet_timeout kernels lock observer progress self threads verify_data".split()
)
"""The arguments that each process may have for itself; kernels are compared by what they are."""

SAMPLES = frozenset(("data", "test", "validation"))
"""The arguments with files or arrays; tinynet compares their content when it has read them."""

MOST_LINES = 5
"""The number of differences that a message lists."""

LONGEST = 200
"""Characters of a value that is shown, or else sent as a digest."""


def require_same_call(group: ProcessGroup, function: str, arguments: Mapping[str, Any]) -> None:
    """Raise `UsageError` in every process if their functions or arguments differ.

    Args:
        group: The processes.
        function: The name of the called function.
        arguments: Its arguments by name, those of ``**settings`` under ``settings``.
    """
    texts = dict(argument_texts(arguments))
    calls = group.gather((function, _digest(repr(sorted(texts.items())))))
    functions = [name for name, _ in calls]
    for rank, other in enumerate(functions):
        if other != functions[0]:
            raise UsageError(f"process {rank} calls {other}, and process 0 {functions[0]}: {_RULE}")
    if len(set(calls)) > 1:
        lines = list(_differences(group.gather(texts)))
        if (more := len(lines) - MOST_LINES) > 0:
            lines[MOST_LINES:] = [f"and {more:,} more"]
        listed = "\n  ".join(lines)
        raise UsageError(
            f"{function} has other arguments in other processes:\n  {listed}\n  {_RULE}"
        )


_RULE = (
    "the processes of a launcher must make the same calls; fleet='none' (--fleet none) lets each"
    " work by itself"
)


def argument_texts(arguments: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each value that must be the same in all processes.

    Objects whose text may differ between processes are compared by their type alone.
    """
    settings = arguments.get("settings", {})
    for name, value in {**arguments, **settings}.items():
        if name in SAMPLES and value is not None:
            yield name, "files" if _are_paths(value) else "samples in memory"
        elif name == "overrides" and isinstance(value, Mapping):
            for path, part in value.items():  # which the command line sets by these names
                yield from _texts(str(path), part)
        elif name not in OWN and name != "settings":
            yield from _texts(name, value)


def _are_paths(value: Any) -> bool:
    parts = value if isinstance(value, list | tuple) else [value]
    return all(isinstance(part, str | os.PathLike) for part in parts)


def _texts(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield the names and texts of a value's parts; nothing for None and for what is empty."""
    if isinstance(value, Spec):
        value = value.resolved()
    if is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _texts(f"{name}.{key}", part)
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        if all(isinstance(part, _PLAIN) for part in value):
            if value:
                yield name, _limited(repr(list(value)))
        else:
            for number, part in enumerate(value):
                yield from _texts(f"{name}.{number}", part)
    elif isinstance(value, _PLAIN):
        yield name, _limited(repr(value))
    elif value is not None:
        yield name, type(value).__name__


_PLAIN = (bool, int, float, str, bytes)


def _limited(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    return f"{text[:50]}... (XXH3 {_digest(text)})"


def _digest(text: str) -> str:
    return xxh3_128(text.encode(errors="backslashreplace")).hexdigest()


def _differences(calls: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """Yield how the arguments of other processes differ from those of the first, a line each."""
    first = calls[0]
    for rank, other in enumerate(calls):
        for name in sorted(first.keys() | other.keys()):
            here, there = other.get(name), first.get(name)
            if here != there:
                yield f"process {rank} {_has(name, here)}, process 0 {_has(name, there)}"


def _has(name: str, text: str | None) -> str:
    return f"has no {name}" if text is None else f"has {name}={text}"
