"""Changes of a spec from outside: ``training.epochs=3``, ``network.layers.conv2d_1.filters=8``.

They edit the JSON as it was written, before anything is checked or completed.
"""

import re
from collections.abc import Iterable
from typing import Any

from pydantic import JsonValue

from tinynet.errors import SpecError
from tinynet.spec.naming import names
from tinynet.spec.trace import Source
from tinynet.spec.variables import Scope, Value, stands_for
from tinynet.spec.written import unnamed
from tinynet.text.document import MAX_DEPTH, join_pointer, plain
from tinynet.text.wording import quoted, show, suggest

_INDEX = re.compile(r"[0-9]{1,9}")


def override(document: JsonValue, path: str, value: Any) -> str:
    """Set one value of a parsed spec, in place.

    Args:
        document: The spec.
        path: Keys, indices and names of nodes, with dots between them. Objects that are missing
            are made; a bare name of a plugin becomes the object it is short for.
        value: JSON data.

    Returns:
        The JSON pointer of what was set, or of the outermost object that was made for it.

    Raises:
        SpecError: for a path that leads nowhere, or a value that is not JSON data.
    """
    parts = path.split(".")
    if not all(parts) or len(parts) > MAX_DEPTH:
        raise SpecError(f"cannot set {quoted(path)}: a path looks like training.epochs")
    try:
        return join_pointer(_set(document, parts, plain(value)))
    except SpecError as error:
        raise SpecError(f"cannot set {quoted(path)}: {error}") from None


def _set(document: Any, parts: list[str], value: JsonValue) -> list[int | str]:
    holder, walked = document, list[int | str]()
    made = 0
    while True:
        if _holds_nodes(walked) and isinstance(holder, list):
            key, parts = _find_node(holder, parts, _scope(document, walked))
        else:
            key, parts = _step(holder, parts, walked)
        walked.append(key)
        if not parts:
            holder[key] = value
            return walked[: made or None]
        inner = holder.get(key) if isinstance(holder, dict) else holder[key]
        if inner is None:
            made = made or len(walked)
        if inner is None or isinstance(inner, str):
            inner = {} if inner is None else {"type": inner}
            holder[key] = inner
        holder = inner


def _step(holder: Any, parts: list[str], walked: list[int | str]) -> tuple[Any, list[str]]:
    """The key that comes next, and the parts after it."""
    if isinstance(holder, dict):
        return parts[0], parts[1:]
    where = quoted(".".join(map(str, walked))) if walked else "the spec"
    if not isinstance(holder, list):
        raise SpecError(f"{where} is {show(holder)}, which has no parts")
    if _is_index(parts[0], holder):
        return int(parts[0]), parts[1:]
    there_is = f"only 0 to {len(holder) - 1}" if holder else "it is empty"
    raise SpecError(f"{where} has no element {quoted(parts[0])}, {there_is}")


def _is_index(part: str, holder: list[JsonValue]) -> bool:
    return _INDEX.fullmatch(part) is not None and int(part) < len(holder)


def _holds_nodes(walked: list[int | str]) -> bool:
    return walked == ["network", "layers"] or (
        walked[:2] == ["network", "blocks"] and walked[3:] == ["layers"]
    )


def _find_node(nodes: list[JsonValue], parts: list[str], scope: Scope) -> tuple[int, list[str]]:
    """The place of the node that comes next, by index or name, and the parts after it."""
    if _is_index(parts[0], nodes):
        return int(parts[0]), parts[1:]
    called = names(unnamed(node, scope) for node in nodes)
    places = {name: place for place, own in reversed(list(enumerate(called))) for name in own}
    for length in range(len(parts), 0, -1):
        place = places.get(".".join(parts[:length]))
        if place is not None:
            return place, parts[length:]
    raise SpecError(f"there is no node {quoted(parts[0])}; {suggest(parts[0], places)}")


def _scope(document: Any, walked: list[int | str]) -> Scope:
    """What names stand for in a list of nodes; parameters of a block have their defaults."""
    scope = {name: Value(value, Source("")) for name, value in _items(document, "vars")}
    block = walked[:-1] if walked[1] == "blocks" else []
    params = {
        name: stands_for(value, scope) or Value(value, Source(""))
        for name, value in (_items(document, *block, "params") if block else ())
    }
    return scope | params


def _items(holder: Any, *path: int | str) -> Iterable[tuple[str, JsonValue]]:
    """What is at a path of objects, if all of them are there."""
    for key in path:
        holder = holder.get(key) if isinstance(holder, dict) else None
    return holder.items() if isinstance(holder, dict) else ()
