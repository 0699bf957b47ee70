"""Overrides of a spec: ``training.epochs=3``, ``network.layers.conv2d_1.filters=8``.

They edit the JSON of the file, before it is validated and completed.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue

from tinynet.errors import SpecError
from tinynet.spec.expansion.blocks import InstanceSpec
from tinynet.spec.expansion.declared_nodes import declared_name, names
from tinynet.spec.expansion.sources import Source
from tinynet.spec.expansion.variables import (
    Scope,
    Value,
    is_variable,
    lookup,
    resolve_if_variable,
    strings_in,
)
from tinynet.spec.retyping import drop_parameters, dropped_note
from tinynet.text.document import plain, with_integers
from tinynet.text.places import MAX_DEPTH, join_pointer, split_pointer
from tinynet.text.wording import format_value, quote, suggest

_INDEX = re.compile(r"[0-9]{1,9}")


@dataclass
class Applied:
    """The effects of overrides: a pointer from `override` and the path of each, and notes."""

    pointers: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def apply_overrides(document: JsonValue, overrides: Mapping[str, Any]) -> Applied:
    """Apply overrides, JSON values by path, to a parsed spec in place; see `override`."""
    applied = Applied()
    for path, value in overrides.items():
        applied.pointers.append((override(document, path, value, applied), path))
    return applied


def override(document: JsonValue, path: str, value: Any, applied: Applied | None = None) -> str:
    """Set one value of a parsed spec, in place.

    A new ``type`` drops those parameters of the old type that it cannot take.

    Args:
        document: The spec.
        path: Keys, indices and names of nodes, separated by dots. Missing objects are created; the
            bare name of a plugin becomes an object.
        value: JSON data.
        applied: The earlier overrides; dropped parameters are recorded there.

    Returns:
        The JSON pointer of the value that was set, or of the outermost object that was created.

    Raises:
        SpecError: for a path that does not exist, or a value that is not JSON data.
    """
    parts = path.split(".")
    if not all(parts) or len(parts) > MAX_DEPTH:
        raise SpecError(f"cannot set {quote(path)}: a path looks like training.epochs")
    try:
        _require_written(document, parts)
        return join_pointer(
            _set(document, parts, with_integers(plain(value)), path, applied or Applied())
        )
    except SpecError as error:
        raise SpecError(f"cannot set {quote(path)}: {error}") from None


def _set(
    document: Any, parts: list[str], value: JsonValue, path: str, applied: Applied
) -> list[int | str]:
    holder, walked = document, list[int | str]()
    made = 0
    while True:
        if _holds_nodes(walked) and isinstance(holder, list):
            key, parts = _find_node(holder, parts, _scope(document, walked))
            _require_own(document, holder[key], parts, _scope(document, walked))
        else:
            key, parts = _step(holder, parts, walked)
        walked.append(key)
        if not parts:
            old = holder.get("type") if isinstance(holder, dict) else None
            holder[key] = value
            if walked[-1] == "type" and old != value:
                keys = _set_before(walked[:-1], applied)
                if dropped := drop_parameters(holder, walked[:-1], old, keys):
                    applied.notes.append(dropped_note(path, value, dropped))
            return walked[: made or None]
        inner = holder.get(key) if isinstance(holder, dict) else holder[key]
        if inner is None:
            made = made or len(walked)
        if inner is None or isinstance(inner, str):
            inner = {} if inner is None else {"type": inner}
            holder[key] = inner
        holder = inner


def _set_before(path: list[int | str], applied: Applied) -> set[str]:
    """Return the keys of an object that overrides have set or changed."""
    start = split_pointer(join_pointer(path))
    paths = [split_pointer(pointer) for pointer, _ in applied.pointers]
    return {parts[len(start)] for parts in paths if parts[: len(start)] == start != parts}


def _step(holder: Any, parts: list[str], walked: list[int | str]) -> tuple[Any, list[str]]:
    """Return the next key, and the parts after it."""
    if isinstance(holder, dict):
        return parts[0], parts[1:]
    where = quote(".".join(map(str, walked))) if walked else "the spec"
    if not isinstance(holder, list):
        raise SpecError(f"{where} is {format_value(holder)}, which has no parts")
    if _is_index(parts[0], holder):
        return int(parts[0]), parts[1:]
    there_is = f"only 0 to {len(holder) - 1}" if holder else "it is empty"
    raise SpecError(f"{where} has no element {quote(parts[0])}, {there_is}")


def _is_index(part: str, holder: list[JsonValue]) -> bool:
    return _INDEX.fullmatch(part) is not None and int(part) < len(holder)


def _holds_nodes(walked: list[int | str]) -> bool:
    return walked == ["network", "layers"] or (
        walked[:2] == ["network", "blocks"] and walked[3:] == ["layers"]
    )


def _require_written(document: Any, parts: list[str]) -> None:
    """Raise an error for variables and parts of blocks in a spec that has none."""
    resolved = "(in a run or a checkpoint, the spec is already expanded)"
    is_used = any(is_variable(string) for string, _ in strings_in(document))
    if parts[0] == "vars" and len(parts) > 1 and not is_used and not _items(document, "vars"):
        remedy = "set the value itself, such as network.layers.conv2d_1.filters"
        raise SpecError(f"the spec has no variables {resolved}; {remedy}")
    is_of_block = parts[:2] == ["network", "blocks"] and len(parts) > 3
    if is_of_block and not _items(document, "network", "blocks"):
        remedy = "set the node itself, such as network.layers.residual_1.conv2d_1.filters"
        raise SpecError(f"the spec has no blocks {resolved}; {remedy}")


def _find_node(nodes: list[JsonValue], parts: list[str], scope: Scope) -> tuple[int, list[str]]:
    """Return the index of the next node, by index or name, and the parts after it.

    A repeated node has its declared name, or else the first of its names.
    """
    if _is_index(parts[0], nodes):
        return int(parts[0]), parts[1:]
    declared = [declared_name(node, scope) for node in nodes]
    full_names = names(declared)
    places = {name: place for place, own in reversed(list(enumerate(full_names))) for name in own}
    repeated = {
        node.name: place
        for place, node in enumerate(declared)
        if node.name is not None and node.repeat is not None
    }
    name, rest = _match(parts, repeated | places)
    place = (repeated | places).get(name)
    if place is None:
        raise SpecError(f"there is no node {quote(parts[0])}; {suggest(parts[0], places)}")
    own = full_names[place]
    whole = declared[place].name or own[0]
    if len(own) > 1 and name != whole:
        raise SpecError(
            f"{quote(name)} is one of {len(own)} copies of a repeated node; set {quote(whole)} to"
            " change all of them, or declare this one as a separate node"
        )
    return place, rest


def _match(parts: list[str], names: Iterable[str]) -> tuple[str, list[str]]:
    """Return the longest of the names that the parts start with, or "", and the parts after it."""
    available = set(names)
    for length in range(len(parts), 0, -1):
        if (name := ".".join(parts[:length])) in available:
            return name, parts[length:]
    return "", parts


def _require_own(document: Any, node: JsonValue, parts: list[str], scope: Scope) -> None:
    """Raise an error for the name of a node that is declared in a block."""
    block = resolve_if_variable(dict(_items(node)).get("block"), scope)
    if not isinstance(block, str) or not parts:
        return
    walked: list[int | str] = ["network", "blocks", block, "layers"]
    declared = dict(_items(document, *walked[:-1]))
    nodes, params = declared.get("layers"), dict(_items(declared, "params"))
    if not isinstance(nodes, list) or parts[0] in params or parts[0] in InstanceSpec.model_fields:
        return
    within = _scope(document, walked)
    full_names = names(declared_name(inner, within) for inner in nodes)
    name, _ = _match(parts, (name for own in full_names for name in own))
    if name:
        message = f"{quote(name)} is declared in the block {quote(block)}"
        path = ".".join(["network.blocks", block, "layers", *parts])
        raise SpecError(f"{message}; to change it in every instance, set {path}")


def _scope(document: Any, walked: list[int | str]) -> Scope:
    """Return the variables in a list of nodes; parameters of a block have their defaults."""
    scope = {name: Value(value, Source("")) for name, value in _items(document, "vars")}
    block = walked[:-1] if walked[1] == "blocks" else []
    params = {
        name: lookup(value, scope) or Value(value, Source(""))
        for name, value in (_items(document, *block, "params") if block else ())
    }
    return scope | params


def _items(holder: Any, *path: int | str) -> Iterable[tuple[str, JsonValue]]:
    """Return the items of the object at a path; none if it does not exist."""
    for key in path:
        holder = holder.get(key) if isinstance(holder, dict) else None
    return holder.items() if isinstance(holder, dict) else ()
