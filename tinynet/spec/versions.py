"""Versions of the spec language: newer tinynet reads older specs.

A spec says its version, ``"tinynet": 1``. What it says is brought from that version to the newest,
one version after the other, before anything else looks at it. A spec that was ever valid stays so,
and keeps its meaning: `tests/spec/corpus` holds specs of every version, and what they mean.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from pydantic import JsonValue

from tinynet.spec.expansion.sources import Trace

VERSION = 1
"""The newest version, which is what `tinynet.spec.models` describes."""

Document: TypeAlias = dict[str, JsonValue]

Migration: TypeAlias = Callable[[Document], tuple[Document, Mapping[str, str]]]
"""A spec of one version -> the same of the next, and new JSON pointer -> old for what moved.

It is pure, and it leaves what is not as it should be to those who explain it.
"""

MIGRATIONS: Mapping[int, Migration] = {}
"""By the version that they start from; every version below the newest has one."""


def migrate(
    document: JsonValue,
    migrations: Mapping[int, Migration] = MIGRATIONS,
    newest: int = VERSION,
) -> tuple[JsonValue, list[Trace]]:
    """Bring a spec to the newest version.

    Args:
        document: A spec, as it is written.
        migrations: How to get from each version to the next.
        newest: The version to get to.

    Returns:
        The spec, and where its parts came from: a trace for each migration, the last one first.
        A spec that does not say a known version is returned as it is: the models explain it.
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
