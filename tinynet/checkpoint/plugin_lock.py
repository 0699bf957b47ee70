"""The plugin lock: the distributions that a run's types come from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, Field, JsonValue

from tinynet import registry
from tinynet.config import Reference
from tinynet.errors import PluginError
from tinynet.registry import Entry, UnknownTypeError
from tinynet.text.kinds import GROUPS

_LOGGERS = "loggers"


@dataclass(frozen=True)
class TypeFacts:
    """The distribution that registered a type; ``entry`` is the recorded ``distribution:name``.

    The name in ``distribution`` is normalized. Messages put it and the version into a shell
    command, so their characters are restricted.
    """

    entry: str
    distribution: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    version: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.!+_-]*$")]

    @property
    def qualified(self) -> str:
        """The name to look up, with the normalized name of the distribution."""
        return f"{self.distribution}:{self.entry.rpartition(':')[2]}"


@dataclass(frozen=True)
class VersionChanges:
    """Distributions whose version changed since a run was started, a line each.

    After a ``major`` change, of the first number, a type may compute something else; after a
    ``minor`` one, the last bits of a result may differ.
    """

    major: list[str]
    minor: list[str]


def types_of(spec: BaseModel) -> dict[str, TypeFacts]:
    """Return the distribution of each type that a spec names, or uses by default.

    The keys are ``group:name``, with the name as written in the spec.
    """
    types = {}
    for reference in _references(spec):
        entry = registry.default().resolve(reference)
        facts = TypeFacts(entry.qualified, entry.distribution, entry.version)
        types[f"{entry.group}:{reference.type}"] = facts
    return dict(sorted(types.items()))


def _references(value: Any) -> Iterator[Reference]:
    """Yield every reference in a spec, including those in the options of plugins."""
    if isinstance(value, Reference) and value.type:
        yield value
        yield from _references(registry.default().config(value))
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _references(getattr(value, name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _references(item)


def recorded_names(types: Mapping[str, TypeFacts]) -> dict[str, str]:
    """Return the qualified name of each recorded type by its key, ``group:name``."""
    return {key: facts.qualified for key, facts in types.items()}


def respell_types(
    old: JsonValue, new: JsonValue, old_names: Mapping[str, str], new_names: Mapping[str, str]
) -> Any:
    """Return ``old`` with types spelled as in ``new`` wherever both name the same type.

    Both are resolved specs, or the same part of them; the names are those of `recorded_names`.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        pairs = ((key, value, new.get(key)) for key, value in old.items())
        return {key: respell_types(a, b, old_names, new_names) for key, a, b in pairs}
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [respell_types(a, b, old_names, new_names) for a, b in zip(old, new, strict=True)]
    if isinstance(old, str) and isinstance(new, str) and old != new:
        for group in GROUPS:
            name = old_names.get(f"{group}:{old}")
            if name is not None and name == new_names.get(f"{group}:{new}"):
                return new
    return old


def missing_loggers(
    loggers: JsonValue, types: Mapping[str, TypeFacts]
) -> tuple[list[JsonValue], list[str]]:
    """Return the loggers of a resolved spec that can be loaded, and a line for each other one.

    Nothing that a checkpoint is used for needs its loggers, except to resume the run.
    """
    usable: list[JsonValue] = []
    problems = []
    for logger in loggers if isinstance(loggers, list) else []:
        name = str(logger.get("type")) if isinstance(logger, dict) else str(logger)
        facts = types.get(f"{_LOGGERS}:{name}")
        try:
            registry.default().load(_LOGGERS, name if facts is None else facts.qualified)
        except PluginError as error:
            install = f": pip install '{facts.distribution}=={facts.version}'" if facts else ""
            lacks = isinstance(error, UnknownTypeError)
            problems.append(f"{error}{install if lacks else ''}")
        else:
            usable.append(logger)
    return usable, problems


def check_types(types: Mapping[str, TypeFacts]) -> VersionChanges:
    """Require every recorded type to be installed; return the distributions of another version.

    Loggers do not count, since they affect no result; see `missing_loggers`.

    Raises:
        PluginError: listing the types that are not installed, each with the command that installs
            it, and those that a distribution registers twice.
    """
    versions = {
        (entry.distribution, types[key].version, entry.version)
        for key, entry in _entries(types).items()
    }
    changes = VersionChanges([], [])
    for distribution, before, here in sorted(versions):
        if before != here:
            same = before.partition(".")[0] == here.partition(".")[0]
            line = f"{distribution} was of version {before}, and is {here} here"
            (changes.minor if same else changes.major).append(line)
    return changes


def _entries(types: Mapping[str, TypeFacts]) -> dict[str, Entry]:
    entries, problems = {}, []
    for key, facts in types.items():
        group, _, name = key.partition(":")
        if group == _LOGGERS:
            continue
        source = f"{facts.distribution} {facts.version}"
        needed = f"the checkpoint needs {name!r} (tinynet.{group}) of {source}"
        if group not in GROUPS:
            problems.append(f"{needed}, a kind of plugin that this tinynet does not know")
            continue
        try:
            entries[key] = registry.default().find(group, facts.qualified)
        except UnknownTypeError:
            install = f"pip install '{facts.distribution}=={facts.version}'"
            problems.append(f"{needed}, which is not installed{_others(group, name)}: {install}")
        except PluginError as error:
            problems.append(f"{needed}; {error}")
    if problems:
        raise PluginError("\n  ".join(problems))
    return entries


def _others(group: str, name: str) -> str:
    """Return a remark on types of the same name that are installed; empty if there are none."""
    entries = registry.default().entries(group)
    owners = [f"{e.distribution} {e.version}" for e in entries if e.name == name]
    return f" ({' and '.join(owners)} has a different type of that name)" if owners else ""
