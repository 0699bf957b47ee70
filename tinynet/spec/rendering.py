"""The resolved spec as text, with the origin of each value."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from tinynet.errors import Use
from tinynet.spec.models import Spec
from tinynet.text.document import join_pointer, split_pointer

INDENT = 2

Kind = Literal["file", "override", "derived", "default"]


@dataclass(frozen=True)
class Provenance:
    """The origin of a value.

    Attributes:
        kind: ``"file"``, ``"override"``, ``"derived"`` (from the position of its node) or
            ``"default"``.
        pointer: JSON pointer to it in the file; empty if it is not in the file.
        line: Its line, from 1; None without a file.
        column: Its column, in characters, from 1.
        uses: The uses of blocks and variables that it came through, the nearest first.
        override: The path of the override that set it, or None.
    """

    kind: Kind
    pointer: str = ""
    line: int | None = None
    column: int | None = None
    uses: tuple[Use, ...] = ()
    override: str | None = None

    def __str__(self) -> str:
        if self.kind == "default":
            return "default"
        place = self.pointer if self.line is None else f"{self.line}:{self.column}"
        if self.kind == "override":
            place = f"--set {self.override}"
        if self.kind == "derived":
            place = f"from its place, {place}"
        return ", ".join([place, *map(str, self.uses)])


@dataclass(frozen=True)
class Line:
    """One line of a rendered spec.

    Attributes:
        text: The text, indented.
        origin: The origin of its value; None for brackets.
    """

    text: str
    origin: Provenance | None


def origins(spec: Spec) -> dict[str, Provenance]:
    """Return the origin of every value of the resolved spec, by JSON pointer."""
    return {pointer: _provenance(spec, pointer) for pointer in _leaves(spec.resolved(), [])}


def render(spec: Spec) -> list[Line]:
    """Return the lines of the resolved spec as indented JSON, with the origin of each value."""
    return list(_render(spec.resolved(), [], "", "", origins(spec)))


def _render(
    value: JsonValue,
    path: list[int | str],
    key: str,
    comma: str,
    origins: dict[str, Provenance],
) -> Iterator[Line]:
    indent = " " * INDENT * len(path)
    if not _is_container(value):
        text = f"{indent}{key}{json.dumps(value, ensure_ascii=False)}{comma}"
        yield Line(text, origins[join_pointer(path)])
        return
    brackets = "{}" if isinstance(value, dict) else "[]"
    yield Line(f"{indent}{key}{brackets[0]}", None)
    parts = list(_parts(value))
    for number, (name, part) in enumerate(parts, 1):
        label = f"{json.dumps(name, ensure_ascii=False)}: " if isinstance(name, str) else ""
        more = "," if number < len(parts) else ""
        yield from _render(part, [*path, name], label, more, origins)
    yield Line(f"{indent}{brackets[1]}{comma}", None)


def _leaves(value: JsonValue, path: list[int | str]) -> Iterator[str]:
    """Yield the pointers to the values with a line of their own."""
    if not _is_container(value):
        yield join_pointer(path)
        return
    for name, part in _parts(value):
        yield from _leaves(part, [*path, name])


def _is_container(value: JsonValue) -> bool:
    """Return True if a value takes several lines; a list of plain values takes one."""
    if isinstance(value, dict):
        return bool(value)
    return isinstance(value, list) and any(isinstance(part, dict | list) for part in value)


def _parts(value: JsonValue) -> Iterator[tuple[int | str, JsonValue]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)


def _provenance(spec: Spec, pointer: str) -> Provenance:
    origin = spec.origin
    if not _has_value(origin.expanded, pointer):
        return Provenance("default")
    source = origin.source(pointer)
    uses = tuple(map(origin.place_use, source.uses))
    if override := origin.override_of(source.pointer):
        return Provenance("override", source.pointer, uses=uses, override=override)
    if origin.document is None:
        return Provenance("file", source.pointer, uses=uses)
    kind: Kind = "file" if _has_value(origin.document.value, source.pointer) else "derived"
    pointer = origin.document.nearest(source.pointer)
    return Provenance(kind, pointer, *origin.document.locate(pointer), uses)


def _has_value(value: JsonValue, pointer: str) -> bool:
    """Return True if JSON has a value, also in its short form: ``"adam"``, or 3 for [3, 3]."""
    for key in split_pointer(pointer):
        if isinstance(value, dict):
            if key not in value:
                return False
            value = value[key]
        elif isinstance(value, list):
            value = value[int(key)] if key.isdecimal() and int(key) < len(value) else None
        else:
            return not isinstance(value, str) or key == "type" or key.isdecimal()
    return True
