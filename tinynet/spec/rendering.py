"""The resolved spec as text, with the origin of each value."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from tinynet.errors import Use
from tinynet.spec.models import Spec
from tinynet.text.document import parts_of
from tinynet.text.places import join_pointer, split_pointer

INDENT = 2

Kind = Literal["file", "override", "derived", "default"]
"""The origin of a value in a word; "derived" is from the position of its node."""


@dataclass(frozen=True)
class Provenance:
    """The origin of a value."""

    kind: Kind
    pointer: str = ""  # JSON pointer to it in the file; empty if it is not in the file
    line: int | None = None  # from 1; None without a file
    column: int | None = None  # in characters, from 1
    uses: tuple[Use, ...] = ()  # of blocks and variables that it came through, the nearest first
    override: str | None = None  # the path of the override that set it

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
    """One line of a rendered spec."""

    text: str  # indented
    pointer: str  # to its value
    origin: Provenance | None  # of its value; None for brackets


def origins(spec: Spec) -> dict[str, Provenance]:
    """Return the origin of every value of the resolved spec, by JSON pointer."""
    return {line.pointer: line.origin for line in render(spec) if line.origin is not None}


def render(spec: Spec) -> list[Line]:
    """Return the lines of the resolved spec as indented JSON, with the origin of each value."""
    return list(_render(spec, spec.resolved(), [], "", ""))


def _render(
    spec: Spec, value: JsonValue, path: list[int | str], key: str, comma: str
) -> Iterator[Line]:
    indent, pointer = " " * INDENT * len(path), join_pointer(path)
    if not _is_container(value):
        text = f"{indent}{key}{json.dumps(value, ensure_ascii=False)}{comma}"
        yield Line(text, pointer, _provenance(spec, pointer))
        return
    brackets = "{}" if isinstance(value, dict) else "[]"
    yield Line(f"{indent}{key}{brackets[0]}", pointer, None)
    parts = list(parts_of(value))
    for number, (name, part) in enumerate(parts, 1):
        label = f"{json.dumps(name, ensure_ascii=False)}: " if isinstance(name, str) else ""
        more = "," if number < len(parts) else ""
        yield from _render(spec, part, [*path, name], label, more)
    yield Line(f"{indent}{brackets[1]}{comma}", pointer, None)


def _is_container(value: JsonValue) -> bool:
    """Return True if a value takes several lines; a list of plain values takes one."""
    if isinstance(value, dict):
        return bool(value)
    return isinstance(value, list) and any(isinstance(part, dict | list) for part in value)


def _provenance(spec: Spec, pointer: str) -> Provenance:
    origin = spec.origin
    if not _has_value(origin.expanded, pointer):
        return Provenance("default")
    source = origin.source(pointer)
    uses = tuple(map(origin.locate_use, source.uses))
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
