"""Explanations of types, of their options, and of the keys of a spec, by their dotted names."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from tinynet.commands.catalog.options import alternatives, facts, merged_parameters
from tinynet.commands.catalog.types import TypeInfo, type_info
from tinynet.errors import UsageError
from tinynet.registry import Entry, Registry
from tinynet.spec.schema import file_schema
from tinynet.spec.schema_definitions import GROUP, Schema, describe
from tinynet.text.kinds import GROUPS, KINDS
from tinynet.text.wording import closest, format_list, quote

_NUMBERED = re.compile(r"_[0-9]+$")
"""The end of a node's default name: ``conv2d_1``."""

_DEPTH = 6
"""Most keys of a path that is suggested for its last key."""


class UnknownNameError(UsageError):
    """There is no type, option or key of that name."""


@dataclass(frozen=True)
class Explained:
    """An option of types, or a key of a spec.

    Attributes:
        path: The dotted name: ``conv2d.padding``, ``training.early_stopping``.
        types: The types that have the option alike; empty for a key of a spec.
        facts: Its type, default, range, allowed values and description, by these names.
        keys: The keys of the object that it is, or of each object in it, as `parameters` has them.
        each: True if the keys are those of each object in a list, or in an object with free names.
        group: The group of the types that the object names, or None.
    """

    path: str
    types: tuple[Entry, ...]
    facts: dict[str, Any]
    keys: list[dict[str, Any]] = field(default_factory=list)
    group: str | None = None
    each: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        types = [{"group": entry.group, "name": entry.qualified} for entry in self.types]
        own = {"kind": "option" if types else "key", "path": self.path, "types": types}
        return {**own, **self.facts, "keys": self.keys, "group": self.group}


def explain(plugins: Registry, name: str, group: str | None = None) -> list[TypeInfo | Explained]:
    """Return everything that a dotted name stands for; of several kinds of plugin, all of them.

    Args:
        plugins: The installed types.
        name: A type, an option of it (``conv2d.padding``), or a path of a spec (``data.split``).
        group: The only group whose types are meant; by default all, and the keys of a spec.

    Raises:
        UnknownNameError: if a part of the name is empty, or if there is nothing of that name; the
            message then suggests names that look alike.
    """
    if not all(map(str.strip, name.split("."))):
        raise UnknownNameError(
            f"{quote(name)} is not a name; give a type, an option of it, or a key of a spec, such"
            " as: tinynet explain conv2d.padding"
        )
    head, *rest = name.split(".")
    found: list[TypeInfo | Explained] = []
    for entry in _entries(plugins, head, GROUPS if group is None else (group,)):
        found += _of_entry(plugins, entry, rest) if rest else [type_info(plugins, entry)]
    if group is None:
        schema = _spec_schema()
        found += _Walk(plugins, schema["$defs"], name, ()).follow(schema, name.split("."))
        if not found and not rest:
            found += _of_key(plugins, name)
    if not found:
        raise UnknownNameError(_unknown(plugins, name, group))
    return found


@cache
def _spec_schema() -> Schema:
    schema = file_schema()
    comment = {"description": "Anything, in any object of a spec: it is ignored."}
    schema["properties"] |= {"comment": comment}
    return schema


def _of_key(plugins: Registry, name: str) -> list[Explained]:
    """Return all keys of a spec with a name, at whatever place; those that are alike once."""
    schema, found = _spec_schema(), list[Explained]()
    for path, _ in spec_paths():
        if path.rpartition(".")[2] == name:
            for one in _Walk(plugins, schema["$defs"], path, ()).follow(schema, path.split(".")):
                if isinstance(one, Explained) and all(one.facts != old.facts for old in found):
                    found.append(one)
    return found


def _entries(plugins: Registry, name: str, groups: Iterable[str]) -> list[Entry]:
    entries = (entry for group in groups for entry in plugins.entries(group))
    return [entry for entry in entries if name in (entry.name, entry.qualified)]


def _of_entry(plugins: Registry, entry: Entry, path: Sequence[str]) -> list[TypeInfo | Explained]:
    """Return an option of a type, or a key that a spec takes beside the options of every type."""
    if found := _of_type(plugins, entry, path):
        return found
    walk = _Walk(plugins, _spec_schema()["$defs"], ".".join((entry.name, *path)), (entry,))
    parts = (part for part in _named_parts(entry.group) if path[0] in part["properties"])
    return next((found for part in parts if (found := walk.follow(part, path))), [])


def _named_parts(group: str) -> list[Schema]:
    """Return the schemas of a spec's objects that name a type of a group."""
    return [part for part in _spec_schema()["$defs"].values() if part.get(GROUP) == group]


def _of_type(plugins: Registry, entry: Entry, path: Sequence[str]) -> list[TypeInfo | Explained]:
    """Return what a path of options of a type stands for; nothing for a broken plugin."""
    info = type_info(plugins, entry)
    if not hasattr(info.cls, "Config"):
        return []
    schema = describe(info.cls.Config)  # type: ignore[union-attr]
    whole = ".".join((entry.name, *path))
    return _Walk(plugins, schema.get("$defs", {}), whole, (entry,)).follow(schema, path)


@dataclass(frozen=True)
class _Walk:
    """A search for a path in a schema.

    Attributes:
        plugins: The installed types.
        definitions: The definitions of the schema.
        path: The whole path, for the result.
        types: The type whose schema it is, or nothing for that of a spec.
    """

    plugins: Registry
    definitions: dict[str, Schema]
    path: str
    types: tuple[Entry, ...]

    def follow(
        self, schema: Schema, path: Sequence[str], *, required: bool = False
    ) -> list[TypeInfo | Explained]:
        """Return what a path stands for, from an object or a value with a schema."""
        if not path:
            return [self._explained(schema, required)]
        parts = list(alternatives(schema, self.definitions))
        head, *rest = path
        for part in parts:
            if head in part.get("properties", {}):
                value, needed = part["properties"][head], head in part.get("required", ())
                return self.follow(value, rest, required=needed)
        for part in parts:
            if GROUP in part and (found := _of_group(self.plugins, part[GROUP], path)):
                return found
        for part in parts:
            if isinstance(part.get("items"), dict):
                inner = rest if head.isdecimal() else path
                if found := self.follow(part["items"], inner):
                    return found
        for part in parts:
            if isinstance(part.get("additionalProperties"), dict):
                return self.follow(part["additionalProperties"], rest)
        return []

    def _explained(self, schema: Schema, required: bool) -> Explained:
        parts = list(alternatives(schema, self.definitions))
        inner = [part.get(word) for part in parts for word in ("items", "additionalProperties")]
        each = not any("properties" in part for part in parts)
        if each:
            schemas = [one for one in inner if isinstance(one, dict)]
            parts = [part for one in schemas for part in alternatives(one, self.definitions)]
        keys = merged_parameters(parts, self.definitions)
        group = next((part[GROUP] for part in parts if GROUP in part), None)
        described = facts(schema, self.definitions, required=required)
        return Explained(self.path, self.types, described, keys, group, each)


def _of_group(plugins: Registry, group: str, path: Sequence[str]) -> list[TypeInfo | Explained]:
    """Return a type of a group, or an option of one, or an option of all types that have it."""
    head, *rest = path
    for name in (head, _NUMBERED.sub("", head)):
        if entries := _entries(plugins, name, (group,)):
            if not rest:
                return [type_info(plugins, entry) for entry in entries]
            return [one for entry in entries for one in _of_entry(plugins, entry, rest)]
    alike: list[Explained] = []
    others: list[TypeInfo | Explained] = []
    for entry in plugins.entries(group):
        for one in _of_type(plugins, entry, path):
            if not isinstance(one, Explained):
                others.append(one)
                continue
            place = next((i for i, old in enumerate(alike) if old.facts == one.facts), None)
            if place is None:
                alike.append(one)
            else:
                types = (*alike[place].types, *one.types)
                alike[place] = replace(one, path=".".join(path), types=types)
    return [*alike, *others]


def _unknown(plugins: Registry, name: str, group: str | None) -> str:
    """Return the message for a name that stands for nothing."""
    head, *rest = name.split(".")
    groups = GROUPS if group is None else (group,)
    if rest and (entries := _entries(plugins, head, groups)):
        entry = entries[0]
        info = type_info(plugins, entry)
        if info.error:
            return info.error
        shared = {key for part in _named_parts(entry.group) for key in part["properties"]}
        keys = [*_fields(info), *(shared - {"type"})]
        return _unknown_key(f"the {KINDS[entry.group]} {quote(head)}", head, rest[0], keys)
    if others := _entries(plugins, head, GROUPS):
        kinds = " and the ".join(dict.fromkeys(KINDS[entry.group] for entry in others))
        what = f"there is no {KINDS[groups[0]]} {quote(head)}"
        return f"{what}, only the {kinds} of that name; leave out --group"
    paths = dict(spec_paths()) if group is None else {}
    if rest and (known := _longest(name, paths)):
        missing = name.removeprefix(f"{known}.").partition(".")[0]
        children = [path.rpartition(".")[2] for path in paths if path.rpartition(".")[0] == known]
        children += _options(plugins, paths[known])
        return _unknown_key(f"{quote(known)} of a spec", known, missing, children)
    last_keys = {path.rpartition(".")[2] for path in paths}
    names = {entry.name for one in groups for entry in plugins.entries(one)}
    if owner := next((one for one in groups if name in _options(plugins, {GROUP: one})), None):
        types = [e.name for e in plugins.entries(owner) if name in _fields(type_info(plugins, e))]
        return f"there is no type {quote(name)}; did you mean {types[0]}.{name}?"
    meant = closest(name, names | last_keys)
    what = "type or key of a spec" if group is None else KINDS[group]
    if meant:
        return f"there is no {what} {quote(name)}; did you mean {meant}?"
    return f"there is no {what} {quote(name)}; to search: tinynet layers --search {head}"


def _unknown_key(owner: str, start: str, key: str, names: Sequence[str]) -> str:
    """Return the message for a key that a type, or an object of a spec, does not have."""
    if meant := closest(key, names):
        return f"{owner} has no {quote(key)}; did you mean {start}.{meant}?"
    known = f"available: {format_list(sorted(names))}" if names else "it has none"
    return f"{owner} has no {quote(key)}; {known}"


def _fields(info: TypeInfo) -> list[str]:
    return [*getattr(getattr(info.cls, "Config", None), "model_fields", {})]


def _options(plugins: Registry, schema: Schema) -> list[str]:
    """Return the options of all types that an object with a schema may name."""
    parts = alternatives(schema, _spec_schema()["$defs"])
    groups = {part[GROUP] for part in parts if GROUP in part}
    infos = [type_info(plugins, e) for group in sorted(groups) for e in plugins.entries(group)]
    return sorted({name for info in infos for name in _fields(info)})


def _longest(name: str, paths: Iterable[str]) -> str:
    """Return the longest path that a name begins with; empty without one."""
    starts = [path for path in paths if name.startswith(f"{path}.")]
    return max(starts, key=len, default="")


def spec_paths() -> Iterator[tuple[str, Schema]]:
    """Yield the paths of a spec and their schemas, without the options of plugins."""
    schema = _spec_schema()
    pending: list[tuple[str, Schema]] = [("", schema)]
    while pending:
        start, value = pending.pop(0)
        if start.count(".") >= _DEPTH:
            continue
        for part in alternatives(value, schema["$defs"]):
            items = part.get("items")
            inner = [items] if isinstance(items, dict) else []
            for one in (part, *(p for i in inner for p in alternatives(i, schema["$defs"]))):
                for key, child in one.get("properties", {}).items():
                    path = f"{start}.{key}".removeprefix(".")
                    yield path, child
                    pending.append((path, child))
