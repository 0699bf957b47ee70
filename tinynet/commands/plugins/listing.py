"""Installed plugins with their distributions and folders, from metadata alone."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tinynet.registry import Entry
from tinynet.registry.discovery import find_distribution
from tinynet.text.kinds import KINDS


@dataclass(frozen=True)
class Listed:
    """One registered type."""

    entry: Entry
    where: str  # the folder of its distribution; the project's folder if it is editable
    editable: bool
    ambiguous: str  # the reason why its short name cannot be used, or empty

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        own = {**vars(self.entry), "qualified": self.entry.qualified}
        return {**own, "where": self.where, "editable": self.editable, "ambiguous": self.ambiguous}


def listed(entries: Iterable[Entry], everything: Iterable[Entry]) -> list[Listed]:
    """List entries without importing anything; names are ambiguous among ``everything``."""
    claims: dict[tuple[str, str], list[Entry]] = {}
    for entry in everything:
        claims.setdefault((entry.group, entry.name), []).append(entry)
    selected = list(entries)
    origins = {name: _origin(name) for name in {entry.distribution for entry in selected}}
    return [
        Listed(entry, *origins[entry.distribution], _ambiguity(claims[entry.group, entry.name]))
        for entry in selected
    ]


def _ambiguity(claims: list[Entry]) -> str:
    kind, name = KINDS[claims[0].group], claims[0].name
    owners = Counter(entry.distribution for entry in claims)
    twice = [owner for owner, count in owners.items() if count > 1]
    if twice:
        targets = " and ".join(entry.target for entry in claims if entry.distribution == twice[0])
        return f"{twice[0]} registers the {kind} {name!r} more than once: {targets}"
    if len(owners) > 1:
        forms = " or ".join(sorted(repr(entry.qualified) for entry in claims))
        return f"{len(owners)} distributions have the {kind} {name!r}; write {forms}"
    return ""


def _origin(name: str) -> tuple[str, bool]:
    """Return the folder of a distribution, and True if it is editable."""
    distribution = find_distribution(name)
    if distribution is None:  # removed in the meantime
        return "", False
    try:
        direct = json.loads(distribution.read_text("direct_url.json") or "{}")
        if direct["dir_info"]["editable"]:
            return unquote(urlsplit(direct["url"]).path), True
    except (ValueError, KeyError, TypeError):
        pass  # not editable, or damaged: use the folder of its metadata
    return str(Path(str(distribution.locate_file(""))).resolve()), False
