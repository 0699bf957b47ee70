"""The resolved spec of a run, and its values that differ from the defaults."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, JsonValue
from pydantic_core import PydanticUndefined, to_jsonable_python

from tinynet import registry
from tinynet.commands.report.charts import Table
from tinynet.commands.report.content import SpecLine, SpecSection
from tinynet.config import Reference
from tinynet.errors import TinynetError
from tinynet.spec.graph import build_graph
from tinynet.spec.models import Spec
from tinynet.spec.rendering import render
from tinynet.text.places import join_pointer

MAX_LINES = 1500
"""Lines of a spec that are shown."""

MAX_CHANGES = 200
"""Rows of a table of values."""

_MAX_VALUE = 120
_NO_VALUES = ("/tinynet", "/name", "/data/inferred")
_OF_LAYERS = ("type", "name", "inputs")
"""Keys of a node that the table of layers has."""


def spec_section(spec: Spec, lineage: tuple[Mapping[str, JsonValue], ...]) -> SpecSection:
    """Return the spec, the values that its author set, and those changed on resuming."""
    defaults = dict(_defaults(spec, []))
    lines = []
    for line in render(spec)[:MAX_LINES]:
        if line.origin is None:
            lines.append(SpecLine(line.text, "bracket"))
        else:
            is_default = _default_of(defaults, line.pointer)[0]
            lines.append(SpecLine(line.text, "default" if is_default else "set"))
    return SpecSection(_changed(spec, defaults), tuple(lines), edits(lineage))


def recorded_spec_section(
    spec: Mapping[str, JsonValue], lineage: tuple[Mapping[str, JsonValue], ...]
) -> SpecSection:
    """Return the spec of a run whose plugins are not installed: its defaults are not known."""
    text = json.dumps(spec, indent=2, ensure_ascii=False).splitlines()
    return SpecSection(None, tuple(SpecLine(t, "set") for t in text[:MAX_LINES]), edits(lineage))


def edits(lineage: tuple[Mapping[str, JsonValue], ...]) -> Table | None:
    """Return the values that were changed when a run was resumed; None without a change."""
    rows = []
    for entry in lineage:
        changes = entry.get("changes")
        for change in changes if isinstance(changes, list) else ():
            if isinstance(change, dict):
                pointer = str(change.get("pointer", "")).removeprefix("/").replace("/", ".")
                values = (value_text(change.get(key)) for key in ("old", "new"))
                step = entry.get("step")
                rows.append((step if isinstance(step, int) else None, pointer, *values))
    if not rows:
        return None
    return Table(
        ("after step", "value", "before", "after"),
        tuple(rows[:MAX_CHANGES]),
        "Values that were changed on resuming",
        left_out=max(len(rows) - MAX_CHANGES, 0),
    )


def value_text(value: Any) -> str:
    """Return a JSON value on one line, cut if it is long."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = "none" if value is None else text
    return text if len(text) <= _MAX_VALUE else f"{text[:_MAX_VALUE]}…"


# Defaults -------------------------------------------------------------------------------------


def _defaults(value: Any, path: list[int | str]) -> Iterator[tuple[str, tuple[bool, JsonValue]]]:
    """Yield whether a value is its default, and this default, of everything that has one."""
    if isinstance(value, Reference):
        yield from _of_fields(value, path, leave_out=("options",))
        try:
            config = registry.default().config(value, join_pointer(path))
        except TinynetError:  # its Config rejects options that a checkpoint has
            return
        yield from _of_fields(config, path)
    elif isinstance(value, BaseModel):
        yield from _of_fields(value, path)
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from _defaults(part, [*path, str(key)])
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield from _defaults(part, [*path, index])


def _of_fields(
    model: BaseModel, path: list[int | str], leave_out: tuple[str, ...] = ()
) -> Iterator[tuple[str, tuple[bool, JsonValue]]]:
    for name, field in type(model).model_fields.items():
        if name in leave_out:
            continue
        value, place = getattr(model, name), [*path, name]
        default = field.get_default(call_default_factory=True, validated_data={})
        if default is not PydanticUndefined:
            known: JsonValue = to_jsonable_python(default, fallback=str)
            is_default = to_jsonable_python(value, fallback=str) == known
            yield join_pointer(place), (is_default, known)
            if is_default:
                continue
        yield from _defaults(value, place)


def set_options(reference: Reference) -> dict[str, JsonValue]:
    """Return the options of a type that differ from their defaults."""
    defaults = dict(_defaults(reference, []))
    return {
        name: value
        for name, value in reference.options.items()
        if not _default_of(defaults, f"/{name}")[0]
    }


def _default_of(
    defaults: Mapping[str, tuple[bool, JsonValue]], pointer: str
) -> tuple[bool, JsonValue]:
    """Return whether a value, or something that contains it, is a default; and its default."""
    if (known := defaults.get(pointer)) is not None:
        return known
    while pointer := pointer.rpartition("/")[0]:
        if defaults.get(pointer, (False, None))[0]:
            return True, None
    return False, None


def _changed(spec: Spec, defaults: Mapping[str, tuple[bool, JsonValue]]) -> Table:
    """Return the values that the author set, by the paths that ``--set`` takes."""
    names = {node.pointer: f"/network/layers/{node.name}" for node in build_graph(spec.network)}
    rows = []
    for pointer, value in _values(spec.resolved(), []):
        is_default, default = _default_of(defaults, pointer)
        if is_default or pointer.startswith(_NO_VALUES):
            continue
        shown = pointer
        for place, named in names.items():
            if pointer.startswith(f"{place}/"):
                shown = named + pointer[len(place) :]
                break
        path = shown.removeprefix("/").replace("/", ".")
        if shown.startswith("/network/layers/") and path.rpartition(".")[2] in _OF_LAYERS:
            continue
        has_default = pointer in defaults
        rows.append((path, value_text(value), value_text(default) if has_default else ""))
    return Table(
        ("value", "of this run", "default"),
        tuple(rows[:MAX_CHANGES]),
        "Values that are not defaults",
        left_out=max(len(rows) - MAX_CHANGES, 0),
    )


def _values(value: JsonValue, path: list[int | str]) -> Iterator[tuple[str, JsonValue]]:
    """Yield the pointer and the value of everything that is no object, and no list of objects."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _values(part, [*path, key])
    elif isinstance(value, list) and any(isinstance(part, dict | list) for part in value):
        for index, part in enumerate(value):
            yield from _values(part, [*path, index])
    else:
        yield join_pointer(path), value
