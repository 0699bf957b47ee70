"""The places in a spec that ranges vary: each is set once."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import JsonValue

from tinynet.commands.tune.plan import KEEP_BEST
from tinynet.errors import SpecError, UsageError
from tinynet.spec.overrides import apply_overrides, override
from tinynet.spec.reading import open_document
from tinynet.text.wording import quote

_MARK = "\N{REPLACEMENT CHARACTER} varied"
"""A value that no spec has."""

Place: TypeAlias = tuple[int | str, ...]
"""Keys and indices from the top of a spec to a value, however a path spells them."""


def require_separate(
    path: str | Path, params: Mapping[str, Any], overrides: Mapping[str, Any]
) -> None:
    """Require that each range varies a value that nothing else sets.

    Raises:
        UsageError: listing those that do not.
    """
    wrong = [*_of_search(params), *_shared(open_document(path), params, overrides)]
    if wrong:
        raise UsageError("\n  ".join(wrong))


def _of_search(params: Mapping[str, Any]) -> Iterator[str]:
    for path in params:
        if f"{path}.".startswith("tuning."):
            yield f"{quote(path)} is a setting of the search, which cannot vary itself"
        if f"{path}.".startswith(f"{KEEP_BEST}."):
            yield f"{quote(path)} is set by the search, to its metric; use --metric"


def _shared(
    document: dict[str, JsonValue], params: Mapping[str, Any], overrides: Mapping[str, Any]
) -> Iterator[str]:
    """Yield a sentence for each two paths that set one value, or a value and a part of it."""
    try:
        apply_overrides(document, overrides)
    except SpecError:
        return  # it is reported with its place when the spec is loaded
    varied = [(path, place) for path in params if (place := _place(document, path))]
    for path, place in varied:
        for other in overrides:
            where = _place(document, other)
            if where and where[: len(place)] == place:
                what = _both(path, other, "" if path == other else _same(place, where))
                yield f"{what} is set by --set and varied; remove one of the two"
    for index, (path, place) in enumerate(varied):
        for other, where in varied[:index]:
            if place == where:
                yield f"{quote(other)} and {quote(path)} are the same value; keep one of the two"
            elif place[: len(where)] == where or where[: len(place)] == place:
                whole, part = (other, path) if len(where) < len(place) else (path, other)
                yield (
                    f"{quote(part)} is a part of {quote(whole)}, which is varied, too; keep one"
                    f" of the two, or vary parts such as {whole}.type"
                )


def _both(path: str, other: str, relation: str) -> str:
    return quote(path) if path == other else f"{quote(path)} ({relation} {quote(other)})"


def _same(place: Place, where: Place) -> str:
    return "the same value as" if place == where else "which includes"


def _place(document: dict[str, JsonValue], path: str) -> Place | None:
    """Return the place that a path sets; None for a path that does not exist."""
    copy: dict[str, JsonValue] = json.loads(json.dumps(document))
    try:
        override(copy, path, _MARK)
    except SpecError:
        return None
    return _find(copy)


def _find(value: JsonValue) -> Place | None:
    if value == _MARK:
        return ()
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, inner in items:
        if (rest := _find(inner)) is not None:
            return (key, *rest)
    return None
