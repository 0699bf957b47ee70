"""Changes of a spec from outside: ``training.epochs=3``, ``network.layers.conv2d_1.filters=8``.

They edit the JSON as it was written, before anything is checked or completed.
"""

import re
from typing import Any

from pydantic import JsonValue

from tinynet.errors import SpecError
from tinynet.spec.naming import Unnamed, names
from tinynet.spec.unrolling import unnamed
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
        The JSON pointer of what was set.

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


def _set(holder: Any, parts: list[str], value: JsonValue) -> list[int | str]:
    walked: list[int | str] = []
    while True:
        key, parts = _step(holder, parts, walked)
        walked.append(key)
        if not parts:
            holder[key] = value
            return walked
        inner = holder.get(key) if isinstance(holder, dict) else holder[key]
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
    if _INDEX.fullmatch(parts[0]) and int(parts[0]) < len(holder):
        return int(parts[0]), parts[1:]
    if not _holds_nodes(walked):
        there_is = f"only 0 to {len(holder) - 1}" if holder else "it is empty"
        raise SpecError(f"{where} has no element {quoted(parts[0])}, {there_is}")
    called = names(map(_unnamed, holder))
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        for place, own in enumerate(called):
            if name in own:
                return place, parts[length:]
    known = [name for own in called for name in own]
    raise SpecError(f"there is no node {quoted(parts[0])}; {suggest(parts[0], known)}")


def _holds_nodes(walked: list[int | str]) -> bool:
    return walked == ["network", "layers"] or (
        walked[:2] == ["network", "blocks"] and walked[3:] == ["layers"]
    )


def _unnamed(node: Any) -> Unnamed:
    return unnamed(node, {})
