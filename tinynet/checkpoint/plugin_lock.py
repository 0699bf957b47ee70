"""Which distributions a run's types came from, and whether they are the same here."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, Field

from tinynet import registry
from tinynet.config import Reference
from tinynet.errors import CheckpointMismatchError, PluginError
from tinynet.registry import Entry, UnknownTypeError
from tinynet.spec.models import Spec


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


@dataclass(frozen=True)
class VersionChanges:
    """Distributions of other versions than a run began with, a line each.

    Attributes:
        major: Those whose first number is another: nobody promises that they do the same.
        minor: The others; the last bits of a result may differ.
    """

    major: list[str]
    minor: list[str]


def types_of(spec: Spec) -> dict[str, TypeFacts]:
    """For each type that a spec names, or takes by default, who registered it.

    The keys are ``group:name``, with the name as the spec has it.
    """
    found = {}
    for reference in _references(spec):
        entry = registry.default().find(reference.group, reference.type)
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


def check_types(types: Mapping[str, TypeFacts]) -> VersionChanges:
    """Make sure that every type is here, and the very one that it was.

    Args:
        types: What `types_of` gave when the run began.

    Returns:
        What is of another version here.

    Raises:
        PluginError: if a type is not installed any more, or is not the only one of its name any
            more; it says what to install.
        CheckpointMismatchError: if another distribution has the name now.
    """
    present = _find(types)
    others = [
        f"{key.replace(':', ' ', 1)} was that of {types[key].distribution}"
        f" {types[key].version}, and is that of {entry.distribution} {entry.version} here:"
        f" {_install(types[key])}, and remove the other"
        for key, entry in present.items()
        if entry.distribution != types[key].distribution
    ]
    if others:
        raise CheckpointMismatchError("\n".join(others))
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
            found[key] = registry.default().find(group, name)
        except UnknownTypeError:
            problems.append(f"{needed}, which is not installed: {_install(facts)}")
        except PluginError as error:
            problems.append(f"{needed}; {error}; remove the other distribution")
    if problems:
        raise PluginError("\n".join(problems))
    return found


def _install(facts: TypeFacts) -> str:
    return f"pip install '{facts.distribution}=={facts.version}'"
