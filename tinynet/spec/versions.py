"""Versions of the spec language: a newer tinynet reads older specs.

A spec has a version, ``"tinynet": 1``. It is migrated to the newest version first. A valid spec
stays valid and keeps its meaning: `tests/spec/corpus` has specs of every version.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from pydantic import JsonValue

from tinynet.spec.expansion.sources import Trace

VERSION = 1
"""The newest version, which `tinynet.spec.models` describes."""

Document: TypeAlias = dict[str, JsonValue]

Migration: TypeAlias = Callable[[Document], tuple[Document, Mapping[str, str]]]
"""Function from a spec to that of the next version, and the old JSON pointer of each moved part.

It is a pure function, and leaves invalid values unchanged; the models report them.
"""

MIGRATIONS: Mapping[int, Migration] = {}
"""The migration from each version below the newest."""


def migrate(
    document: JsonValue,
    migrations: Mapping[int, Migration] = MIGRATIONS,
    newest: int = VERSION,
) -> tuple[JsonValue, list[Trace]]:
    """Return a spec in the newest version, and the moves of each migration, the last one first.

    A spec without a known version is returned unchanged; the models report it.
    """
    traces: list[Trace] = []
    while isinstance(document, dict) and (version := _version(document)) in migrations:
        if version >= newest:
            break
        document, moves = migrations[version](document)
        document = {**document, "tinynet": version + 1}
        traces.insert(0, Trace.of_moves(moves))
    return document, traces


def _version(document: Document) -> int:
    version = document.get("tinynet")
    return version if isinstance(version, int) and not isinstance(version, bool) else 0
