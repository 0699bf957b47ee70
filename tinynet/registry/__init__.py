"""The registry of plugins: from names in a spec to classes.

Discovery reads the metadata of installed distributions and imports nothing; only types that a spec
names are imported. tinynet's own types are registered in the same way.
"""

import importlib
import re
import sys
from collections.abc import Collection, Iterable, Mapping
from functools import cache, partial
from typing import Any

from pydantic import ValidationError
from pydantic_core import to_json

from tinynet.config import Config, Reference
from tinynet.errors import OutdatedInstallationError, PluginError
from tinynet.registry.discovery import Damage, Entry, discover, normalize_name
from tinynet.text.kinds import GROUPS, KINDS, NOT_IN_SPECS
from tinynet.text.mistakes import explained, mistake, refusal
from tinynet.text.plugin_errors import PluginErrors, located_cause, record_origin
from tinynet.text.wording import quote, suggest

__all__ = [
    "GROUPS",
    "KINDS",
    "AmbiguousTypeError",
    "Entry",
    "MissingDistributionError",
    "Registry",
    "UnknownTypeError",
    "default",
    "discovered",
]

CORE = "tinynet-core"
"""The distribution of the built-in types."""

_DAMAGED = "some plugins cannot be read: see tinynet plugins doctor"


class UnknownTypeError(PluginError):
    """No installed distribution registers the name."""


class MissingDistributionError(UnknownTypeError):
    """The distribution that the name asks for is not installed."""


class AmbiguousTypeError(PluginError):
    """Two distributions register the name."""


class Registry:
    """All registered types; classes are imported on demand.

    Attributes:
        damages: Installed metadata that cannot be read.
    """

    def __init__(self, entries: Iterable[Entry], damages: Iterable[Damage] = ()) -> None:
        self.damages = tuple(damages)
        self._entries: dict[str, dict[str, list[Entry]]] = {group: {} for group in GROUPS}
        for entry in entries:
            self._entries[entry.group].setdefault(entry.name, []).append(entry)
        self._classes: dict[Entry, type[Any]] = {}

    def entries(self, group: str) -> list[Entry]:
        """Return all entries of a group, by name."""
        entries = self._entries[group]
        return [entry for name in sorted(entries) for entry in entries[name]]

    def find(self, group: str, name: str) -> Entry:
        """Return the entry that ``name`` or ``distribution:name`` stands for.

        Raises:
            MissingDistributionError: if the distribution is not installed.
            UnknownTypeError: if nothing registers it; it suggests names that look alike.
            AmbiguousTypeError: if two distributions do; it suggests the qualified forms.
        """
        distribution, colon, short = name.rpartition(":")
        candidates = self._entries[group].get(short, [])
        if colon:
            candidates = [
                entry for entry in candidates if entry.distribution == normalize_name(distribution)
            ]
        if len(candidates) == 1:
            return candidates[0]
        if candidates:
            forms = " or ".join(repr(entry.qualified) for entry in candidates)
            raise AmbiguousTypeError(
                f"more than one distribution has the {KINDS[group]} {quote(short)}; write {forms}"
            )
        raise self._unknown(group, name)

    def _unknown(self, group: str, name: str) -> UnknownTypeError:
        distribution, colon, short = name.rpartition(":")
        kind, entries = KINDS[group], self.entries(group)
        # The requested plugin may be one that cannot be read.
        lost = f"; {_DAMAGED}" if self.damages else ""
        if not colon:
            names = [entry.name for entry in entries]
            message = f"there is no {kind} {quote(name)}; {suggest(name, names)}{lost}"
            return UnknownTypeError(message)
        own = normalize_name(distribution)
        names = [entry.name for entry in entries if entry.distribution == own]
        if names:
            return UnknownTypeError(f"{own} has no {kind} {quote(short)}; {suggest(short, names)}")
        there = {entry.distribution for g in GROUPS for entry in self.entries(g)}
        if own in there:
            return UnknownTypeError(f"{own} is installed, and has no {kind} {quote(short)}")
        message = f"there is no {kind} {quote(name)}: {quote(distribution)}"
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", own):
            return UnknownTypeError(f"{message} is not the name of a distribution")
        return MissingDistributionError(
            f"{message} is not installed, or has no types for tinynet{lost}"
        )

    def load(self, group: str, name: str) -> type[Any]:
        """Return the class behind a name; imports its module.

        Raises:
            PluginError: if the name is unknown or ambiguous, or the plugin cannot be imported;
                it names the distribution, its version and the cause.
            OutdatedInstallationError: if the metadata of tinynet itself names code that is gone.
        """
        return self._load(self.find(group, name))

    def resolve(self, reference: Reference) -> Entry:
        """Return the entry that a reference stands for.

        A name from a checkpoint resolves to the distribution that the checkpoint recorded, even
        if another installed distribution registers the same name.

        Raises:
            PluginError: if the name is unknown or ambiguous.
        """
        return self.find(reference.group, reference._lookup_name)

    def load_type(self, reference: Reference) -> type[Any]:
        """Return the class that a reference stands for; imports its module.

        Raises:
            PluginError: if the name is unknown or ambiguous, or the plugin cannot be imported.
            OutdatedInstallationError: if the metadata of tinynet itself names code that is gone.
        """
        return self._load(self.resolve(reference))

    def _load(self, entry: Entry) -> type[Any]:
        if entry not in self._classes:
            self._classes[entry] = _import(entry)
            record_origin(self._classes[entry], str(entry))
        return self._classes[entry]

    def default_name(self, reference: Reference, distribution: str = CORE) -> str:
        """Return the name to look up for a type that a plugin's code names, not a spec.

        If several distributions register the name, prefer the plugin's own type, then the
        built-in one: installing a plugin must not change the meaning of other specs.

        Args:
            reference: The type as the code names it.
            distribution: The distribution with the code.
        """
        name = reference._lookup_name
        owners = {e.distribution for e in self._entries[reference.group].get(name, [])}
        own = next((owner for owner in (distribution, CORE) if owner in owners), None)
        return f"{own}:{name}" if own and len(owners) > 1 else name

    def validation_context(self, recorded: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return the validation context of references; see `tinynet.config.Reference`.

        Args:
            recorded: The qualified names that a checkpoint recorded, by ``group:name``.
        """
        if not recorded:
            return {"configure": self.configure}
        return {"configure": partial(self.configure, recorded=recorded), "recorded": recorded}

    def configure(
        self,
        group: str,
        name: str,
        options: Mapping[str, Any],
        reserved: Iterable[str] = (),
        recorded: Mapping[str, str] | None = None,
        *,
        unavailable: Collection[str] = (),
    ) -> dict[str, Any]:
        """Return ``options`` validated by the type's ``Config``, with its defaults.

        It is called during pydantic validation (see `tinynet.config.Reference`), so that pydantic
        adds the place in the document to each error.

        Args:
            group: One of `GROUPS`.
            name: The type's name.
            options: The plugin's own keys.
            reserved: The grammar's keys at that place, for suggestions.
            recorded: See `validation_context`.
            unavailable: The type's options that cannot be set at that place; none is suggested.

        Raises:
            pydantic.ValidationError: for a name that is unknown or ambiguous, or options that the
                type does not take.
            PluginError: if the plugin is not installed or cannot be imported, or its ``Config``
                fails.
        """
        try:
            entry = self.find(group, (recorded or {}).get(f"{group}:{name}", name))
        except MissingDistributionError:
            raise
        except (UnknownTypeError, AmbiguousTypeError) as error:
            raise refusal([mistake("type_name", str(error), "type", value=name)]) from error
        try:
            with PluginErrors(str(entry), "its Config failed:", unless=ValidationError):
                config = self._config(entry, options, self.validation_context(recorded))
                dumped: dict[str, Any] = config.model_dump(mode="json")
                for field in type(config).model_fields.keys() - config.model_fields_set:
                    default = getattr(config, field)
                    if isinstance(default, Reference):
                        type_name = self.default_name(default, entry.distribution)
                        own = self.configure(default.group, type_name, default.options)
                        dumped[field] = {"type": type_name, **own}
        except ValidationError as error:
            fields = {
                key: field
                for key, field in self._load(entry).Config.model_fields.items()
                if key not in unavailable
            }
            raise explained(error, fields, also=reserved) from error
        return dumped

    def config(self, reference: Reference, pointer: str = "") -> Config:
        """Return the config of a reference that was validated; ``pointer`` is its place in a spec.

        Raises:
            PluginError: if the type is missing or its ``Config`` fails.
        """
        entry, context = self.resolve(reference), {"recorded": reference._recorded}
        with PluginErrors(str(entry), "its Config rejects its own saved options:", pointer):
            return self._config(entry, reference.options, context)

    def _config(self, entry: Entry, options: Mapping[str, Any], context: dict[str, Any]) -> Config:
        # Through JSON, since strict validation of Python values refuses [3, 3] for a tuple.
        model = self._load(entry).Config
        config: Config = model.model_validate_json(to_json(options), context=context)
        return config

    def create(self, reference: Reference, pointer: str = "") -> Any:
        """Return an instance of a type that is constructed from its config alone.

        Args:
            reference: The type and its options.
            pointer: JSON pointer to the reference in a spec, for errors; empty without one.

        Raises:
            PluginError: if the type is missing or its constructor fails.
        """
        return self.construct(reference, self.config(reference, pointer), pointer)

    def construct(self, reference: Reference, config: Config, pointer: str = "") -> Any:
        """Return an instance, like `create`, from the validated config of the reference.

        Raises:
            PluginError: if the type is missing or its constructor fails.
        """
        entry = self.resolve(reference)
        cls = self._load(entry)
        with PluginErrors(str(entry), "it could not be constructed:", pointer):
            return cls(config)


def _import(entry: Entry) -> type[Any]:
    module, _, attribute = entry.target.partition(":")
    try:
        value = importlib.import_module(module)
        for part in filter(None, attribute.split(".")):
            value = getattr(value, part)
    except (Exception, SystemExit) as error:
        if entry.distribution == CORE and _names_missing_code(module, error):
            raise OutdatedInstallationError(
                f"the installation of {CORE} is out of date: its metadata names {entry.target},"
                " which does not exist; reinstall it with pip install -e . in the checkout, or with"
                f" pip install --force-reinstall {CORE}"
            ) from error
        raise PluginError(
            f"{entry} is installed but could not be imported from {entry.target}:"
            f" {located_cause(error)}"
        ) from error
    if not isinstance(value, type):
        raise PluginError(f"{entry}: {entry.target} is not a class")
    config = getattr(value, "Config", None)
    has_config = isinstance(config, type) and issubclass(config, Config)
    if entry.group not in NOT_IN_SPECS and not has_config:
        raise PluginError(
            f"{entry}: {entry.target} has no nested `Config` that derives from tinynet's"
        )
    return value


def _names_missing_code(module: str, error: BaseException) -> bool:
    """Return True if an import failed since a module, or the class in it, does not exist.

    An editable installation that was not renewed after an update has such names.
    """
    if isinstance(error, ModuleNotFoundError):
        return error.name is not None and f"{module}.".startswith(f"{error.name}.")
    return isinstance(error, AttributeError) and module in sys.modules


def discovered() -> Registry:
    """Return a registry of what is installed now."""
    return Registry(*discover())


@cache
def default() -> Registry:
    """Return the registry of this installation."""
    return discovered()
