"""The plugin lock: the distributions that a run's types come from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, Field, JsonValue

from tinynet import registry
from tinynet.config import Reference
from tinynet.errors import PluginError
from tinynet.registry import Entry, UnknownTypeError


@dataclass(frozen=True)
class TypeFacts:
    """Who registered a type.

    Distribution and version end up in a line for the shell, so nothing else may be in them.

    Attributes:
        entry: The name that no other distribution can take: ``distribution:name``.
        distribution: Normalised name of the distribution.
        version: Its version.
    """

    entry: str
    distribution: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    version: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.!+_-]*$")]

    @property
    def qualified(self) -> str:
        """The name to look up: ``distribution:name``."""
        return f"{self.distribution}:{self.entry.rpartition(':')[2]}"


@dataclass(frozen=True)
class VersionChanges:
    """Distributions of other versions than a run began with, a line each.

    Attributes:
        major: Those whose first number is another: nobody promises that they do the same.
        minor: The others; the last bits of a result may differ.
    """

    major: list[str]
    minor: list[str]


def types_of(spec: BaseModel) -> dict[str, TypeFacts]:
    """For each type that a spec names, or takes by default, who registered it.

    The keys are ``group:name``, with the name as the spec has it.

    Args:
        spec: A spec, or a part of one.
    """
    found = {}
    for reference in _references(spec):
        entry = registry.default().resolve(reference)
        facts = TypeFacts(entry.qualified, entry.distribution, entry.version)
        found[f"{entry.group}:{reference.type}"] = facts
    return dict(sorted(found.items()))


def _references(value: Any) -> Iterator[Reference]:
    """Every reference in a spec, those inside of plugins' own options included."""
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
    old: JsonValue,
    new: JsonValue,
    old_names: Mapping[str, str],
    new_names: Mapping[str, str],
) -> Any:
    """Return a resolved spec with the spelling of another wherever both name the same type.

    Args:
        old: The spec.
        new: The other spec, or the part of it at the same place.
        old_names: The qualified names of the spec's types; see `recorded_names`.
        new_names: Those of the other spec's types.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        pairs = ((key, value, new.get(key)) for key, value in old.items())
        return {key: respell_types(a, b, old_names, new_names) for key, a, b in pairs}
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [respell_types(a, b, old_names, new_names) for a, b in zip(old, new, strict=True)]
    if isinstance(old, str) and isinstance(new, str) and old != new:
        for group in registry.GROUPS:
            name = old_names.get(f"{group}:{old}")
            if name is not None and name == new_names.get(f"{group}:{new}"):
                return new
    return old


def check_types(types: Mapping[str, TypeFacts]) -> VersionChanges:
    """Make sure that every recorded type is installed.

    Another distribution may register the same name: the recorded one counts.

    Args:
        types: The types as `types_of` returned them when the run began.

    Returns:
        The distributions that are installed in another version.

    Raises:
        PluginError: listing the types that are not installed, each with the command that installs
            it, or that their distribution registers twice.
    """
    present = _find(types)
    versions = {
        (entry.distribution, types[key].version, entry.version) for key, entry in present.items()
    }
    changes = VersionChanges([], [])
    for distribution, before, here in sorted(versions):
        if before != here:
            same = before.partition(".")[0] == here.partition(".")[0]
            line = f"{distribution} was of version {before}, and is {here} here"
            (changes.minor if same else changes.major).append(line)
    return changes


def _find(types: Mapping[str, TypeFacts]) -> dict[str, Entry]:
    found, problems = {}, []
    for key, facts in types.items():
        group, _, name = key.partition(":")
        needed = (
            f"the checkpoint needs {name!r} (tinynet.{group}) of {facts.distribution}"
            f" {facts.version}"
        )
        if group not in registry.GROUPS:
            problems.append(f"{needed}, a kind of plugin that this tinynet does not know")
            continue
        try:
            found[key] = registry.default().find(group, facts.qualified)
        except UnknownTypeError:
            install = f"pip install '{facts.distribution}=={facts.version}'"
            problems.append(f"{needed}, which is not installed{_others(group, name)}: {install}")
        except PluginError as error:
            problems.append(f"{needed}; {error}")
    if problems:
        raise PluginError("\n  ".join(problems))
    return found


def _others(group: str, name: str) -> str:
    """Return a remark on types of the same name that are installed; empty if there are none."""
    entries = registry.default().entries(group)
    owners = [f"{e.distribution} {e.version}" for e in entries if e.name == name]
    return f" (the one of {' and '.join(owners)} is another)" if owners else ""
