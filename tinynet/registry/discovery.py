"""Installed distributions that register plugins, read one by one from their metadata.

A damaged distribution is skipped and reported: it must not stop a command that does not use it.
Nothing is imported, and names and versions are read only where a plugin is registered.
"""

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, DistributionFinder

from tinynet.text.kinds import GROUPS, KINDS
from tinynet.text.wording import cause, quote, suggest

PREFIX = "tinynet."
"""The first part of the entry-point groups of plugins."""

_FILE = "entry_points.txt"
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_-]*")


@dataclass(frozen=True)
class Damage:
    """Metadata that cannot be used."""

    distribution: str  # its normalized name; empty where it is unknown
    where: str  # the folder of the metadata, or the import finder
    problem: str  # what is wrong and what to do, in a sentence

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}"


@dataclass(frozen=True)
class Entry:
    """One registered type, before anything is imported.

    Attributes:
        group: One of `tinynet.registry.GROUPS`.
        name: The type's name in a spec.
        distribution: Normalized name of the distribution that registers it.
        version: That distribution's version.
        target: The class, as ``package.module:Class``.
    """

    group: str
    name: str
    distribution: str
    version: str
    target: str

    @property
    def qualified(self) -> str:
        """The unambiguous name: ``distribution:name``."""
        return f"{self.distribution}:{self.name}"

    def __str__(self) -> str:
        return f"{self.qualified} (version {self.version})"


class _DamageError(Exception):
    """Metadata that cannot be used; the message is the problem of a `Damage`."""


def normalize_name(distribution: str) -> str:
    """Return a distribution's name as packaging compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def discover() -> tuple[list[Entry], list[Damage]]:
    """Return the registered types, and metadata that may register some but cannot be used.

    Of two distributions of the same name, the first on ``sys.path`` counts.
    """
    entries: list[Entry] = []
    damages: list[Damage] = []
    places: dict[str, str] = {}
    for distribution in distributions(damages):
        where, key = _where(distribution), _key(distribution)
        try:
            text = _read_points(distribution, where)
            if text and key in places:
                _require_one_version(key, places[key], where)
            elif text:
                own = _identity(distribution)
                for group, name, target in _parse(text, damages, key, where):
                    if group in KINDS:
                        entries.append(Entry(group, name, *own, target))
                    else:
                        damages.append(_unknown_group(group, *own))
        except _DamageError as error:
            damages.append(Damage(key, where, str(error)))
        else:
            places.setdefault(key, where)
    return entries, damages


def _unknown_group(group: str, name: str, version: str) -> Damage:
    hint = suggest(f"{PREFIX}{group}", [f"{PREFIX}{group}" for group in GROUPS])
    problem = f"{quote(PREFIX + group)} is not a group of plugins; {hint}"
    return Damage(name, f"{name} {version}", problem)


def distributions(damages: list[Damage] | None = None) -> Iterator[Distribution]:
    """Yield every installed distribution; finders that fail are skipped, and added to `damages`."""
    for finder in sys.meta_path:
        find = getattr(finder, "find_distributions", None)
        if find is None:
            continue
        try:
            yield from find(DistributionFinder.Context())
        except Exception as error:
            if damages is not None:
                kind = finder if isinstance(finder, type) else type(finder)
                problem = f"this import finder cannot list its distributions: {cause(error)}"
                damages.append(Damage("", f"{kind.__module__}.{kind.__qualname__}", problem))


def find_distribution(name: str) -> Distribution | None:
    """Return the first distribution on ``sys.path`` of a normalized name."""
    return next(
        (distribution for distribution in distributions() if _key(distribution) == name), None
    )


def _key(distribution: Distribution) -> str:
    """Return the normalized name, from the folder's name if possible, which is faster."""
    folder, end = os.path.splitext(os.path.basename(_where(distribution)))
    if end in (".dist-info", ".egg-info"):
        return normalize_name(folder.partition("-")[0])
    try:
        return normalize_name(distribution.metadata["Name"])
    except Exception:
        return ""


def _where(distribution: Distribution) -> str:
    return str(getattr(distribution, "_path", ""))


def _read_points(distribution: Distribution, where: str) -> str:
    """Return the file of entry points if it may hold plugins, or else nothing."""
    try:
        text = distribution.read_text(_FILE)
    except Exception as error:
        raise _DamageError(_unreadable(cause(error))) from error
    if text is None and _is_hidden(where):
        raise _DamageError(_unreadable("no permission, or not a file"))
    return text if text and PREFIX in text else ""


def _is_hidden(where: str) -> bool:
    """Return True if there is a file that reading metadata skips without an error."""
    if os.path.lexists(os.path.join(where, _FILE)):
        return True
    return os.path.isdir(where) and not os.access(where, os.X_OK)


def _unreadable(reason: str) -> str:
    return f"its {_FILE} cannot be read ({reason}), so its plugins are unknown: reinstall it"


def _require_one_version(name: str, first: str, second: str) -> None:
    """Raise an error for two versions in one folder; in two folders, the first one counts."""
    if os.path.dirname(first) == os.path.dirname(second) and first != second:
        raise _DamageError(
            f"a second version is in the same folder, {os.path.basename(first)}: run"
            f" pip uninstall {name} until none is left, then install it again"
        )


def _identity(distribution: Distribution) -> tuple[str, str]:
    # The package importlib_metadata, once imported, finds the distributions in place of Python's
    # own module, and raises errors for a missing file or key, where that returns None.
    try:
        metadata = distribution.metadata
        facts = {key: metadata[key] for key in ("Name", "Version") if key in metadata}
    except FileNotFoundError:
        facts = {}
    except Exception as error:
        raise _DamageError(f"its METADATA cannot be read ({cause(error)}): reinstall it") from error
    name, version = facts.get("Name"), facts.get("Version")
    if not name or not version:
        lacking = "name" if not name else "version"
        raise _DamageError(f"its METADATA is missing or has no {lacking}: reinstall it")
    if not _NAME.fullmatch(normalize_name(name)):
        raise _DamageError(f"its METADATA has the invalid name {quote(name)}: reinstall it")
    if not _VERSION.fullmatch(version):
        raise _DamageError(f"{quote(version)} is not a version; give it one such as 1.0")
    return normalize_name(name), version


def _parse(
    text: str, damages: list[Damage], key: str, where: str
) -> Iterator[tuple[str, str, str]]:
    """Yield group (without `PREFIX`), name and target of the plugins in a file of entry points."""
    group = ""
    for number, line in enumerate(map(str.strip, text.splitlines()), 1):
        if line.startswith("[") and line.endswith("]"):
            group = line[1:-1].strip()
        elif line.startswith(f"[{PREFIX}"):
            problem = f"line {number} is {quote(line)}; it should be: {line.partition(']')[0]}]"
            damages.append(Damage(key, f"{where}/{_FILE}", problem))
            group = ""
        elif line and line[0] != "#" and group.startswith(PREFIX):
            name, equals, value = (part.strip() for part in line.partition("="))
            target = value.partition("[")[0].strip()
            if not (equals and name and target):
                problem = f"line {number} is {quote(line)}; it should be: name = package:Class"
            elif not name.isprintable() or ":" in name:
                problem = f"line {number}: {quote(name)} is not a valid name in a spec; rename it"
            else:
                yield group.removeprefix(PREFIX), name, target
                continue
            damages.append(Damage(key, f"{where}/{_FILE}", problem))
