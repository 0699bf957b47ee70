"""Entry points -> classes: the one way by which a name in a spec becomes a plugin.

Discovery reads the metadata of installed distributions and imports nothing; only what a spec names
is ever imported. tinynet's own types come through the same door.
"""

import importlib.metadata
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticCustomError, to_json

from tinynet.config import Config, Reference, suggest, with_suggestions
from tinynet.errors import PluginError

GROUPS = (
    "layers",
    "losses",
    "optimizers",
    "schedules",
    "metrics",
    "initializers",
    "datasets",
    "transforms",
    "kernels",
)
"""The kinds of plugin; the entry-point group of ``layers`` is ``tinynet.layers``, and so on."""


@dataclass(frozen=True)
class Entry:
    """One registered type, before anything is imported.

    Attributes:
        group: One of `GROUPS`.
        name: The type's name in a spec.
        distribution: Normalised name of the distribution that registers it.
        version: That distribution's version.
        target: Where the class is, as ``package.module:Class``.
    """

    group: str
    name: str
    distribution: str
    version: str
    target: str

    @property
    def qualified(self) -> str:
        """The name that no other distribution can take: ``distribution:name``."""
        return f"{self.distribution}:{self.name}"


class UnknownTypeError(PluginError):
    """No installed distribution registers the name."""


class AmbiguousTypeError(PluginError):
    """Two distributions register the name."""


class Registry:
    """Every registered type; classes are imported when they are asked for."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries: dict[str, dict[str, list[Entry]]] = {group: {} for group in GROUPS}
        for entry in entries:
            self._entries[entry.group].setdefault(entry.name, []).append(entry)
        self._classes: dict[Entry, type[Any]] = {}

    def entries(self, group: str) -> list[Entry]:
        """All entries of a group, by name."""
        found = self._entries[group]
        return [entry for name in sorted(found) for entry in found[name]]

    def find(self, group: str, name: str) -> Entry:
        """The entry that ``name`` or ``distribution:name`` stands for.

        Raises:
            UnknownTypeError: if nothing registers it; it suggests names that look alike.
            AmbiguousTypeError: if two distributions do; it suggests the qualified forms.
        """
        distribution, _, short = name.rpartition(":")
        found = self._entries[group].get(short, [])
        if distribution:
            found = [entry for entry in found if entry.distribution == normalise(distribution)]
        if len(found) == 1:
            return found[0]
        if found:
            forms = " or ".join(repr(entry.qualified) for entry in found)
            raise AmbiguousTypeError(
                f"{name!r} is registered in tinynet.{group} by"
                f" {' and '.join(entry.distribution for entry in found)}; say {forms}"
            )
        raise UnknownTypeError(self._unknown(group, name, distribution))

    def _unknown(self, group: str, name: str, distribution: str) -> str:
        known = [entry.name for entry in self.entries(group)]
        message = f"no installed distribution registers {name!r} in tinynet.{group}"
        if distribution:
            installed = {entry.distribution for entry in self.entries(group)}
            if normalise(distribution) not in installed:
                return f"{message}; pip install {distribution}?"
        return f"{message}; {suggest(name.rpartition(':')[2], known)}"

    def load(self, group: str, name: str) -> type[Any]:
        """The class behind a name; imports its module.

        Raises:
            PluginError: if the name is unknown or ambiguous, or the plugin cannot be imported;
                it names the distribution, its version and the cause.
        """
        entry = self.find(group, name)
        if entry not in self._classes:
            self._classes[entry] = _import(entry)
        return self._classes[entry]

    def configure(
        self, group: str, name: str, options: Mapping[str, Any], reserved: Iterable[str] = ()
    ) -> dict[str, Any]:
        """``options`` checked against the type's ``Config`` and completed with its defaults.

        Made to be called while pydantic validates (see `tinynet.config.Reference`): pydantic then
        adds the place in the document.

        Args:
            group: One of `GROUPS`.
            name: The type's name.
            options: The plugin's own keys.
            reserved: The grammar's keys at that place, for suggestions.

        Raises:
            pydantic.ValidationError: for options that the type does not take.
            pydantic_core.PydanticCustomError: for a name that is unknown or ambiguous.
            PluginError: if the plugin cannot be imported.
        """
        try:
            cls = self.load(group, name)
        except (UnknownTypeError, AmbiguousTypeError) as error:
            raise PydanticCustomError("type_name", "{message}", {"message": str(error)}) from error
        try:
            config = self._config(cls, options, {"configure": self.configure})
        except ValidationError as error:
            raise with_suggestions(error, {*cls.Config.model_fields, *reserved}) from error
        return config.model_dump(mode="json")

    def config(self, reference: Reference) -> Config:
        """The config of a reference that was validated."""
        return self._config(self.load(reference.group, reference.type), reference.options, {})

    def _config(
        self, cls: type[Any], options: Mapping[str, Any], context: dict[str, Any]
    ) -> Config:
        # Through JSON, since strict validation of Python values refuses [3, 3] for a tuple.
        config: Config = cls.Config.model_validate_json(to_json(options), context=context)
        return config

    def create(self, reference: Reference) -> Any:
        """An instance of a type that is constructed from its config alone.

        Raises:
            PluginError: if the type is missing or its constructor fails.
        """
        return self.load(reference.group, reference.type)(self.config(reference))


def normalise(distribution: str) -> str:
    """A distribution's name as packaging compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _import(entry: Entry) -> type[Any]:
    module, _, attribute = entry.target.partition(":")
    try:
        value = importlib.import_module(module)
        for part in attribute.split("."):
            value = getattr(value, part)
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"{entry.qualified} (version {entry.version}) is installed but could not be imported"
            f" from {entry.target}: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(value, type):
        raise PluginError(
            f"{entry.qualified} (version {entry.version}): {entry.target} is not a class"
        )
    config = getattr(value, "Config", None)
    if entry.group != "kernels" and not (isinstance(config, type) and issubclass(config, Config)):
        raise PluginError(
            f"{entry.qualified} (version {entry.version}): {entry.target} has no nested `Config`"
            f" that derives from tinynet's"
        )
    return value


def _installed() -> Iterable[Entry]:
    """Entries of installed distributions; of one that is seen twice, the first on sys.path."""
    seen = set()
    for distribution in importlib.metadata.distributions():
        name = normalise(distribution.metadata["Name"] or "")
        if not name or name in seen:
            continue
        seen.add(name)
        for point in distribution.entry_points:
            package, _, group = point.group.partition(".")
            if package == "tinynet" and group in GROUPS:
                yield Entry(group, point.name, name, distribution.version, point.value)


@cache
def default() -> Registry:
    """The registry of this installation."""
    return Registry(_installed())
