"""Descriptions of registered types: their families, summaries and examples.

A class may name its family and an example, the keys of its object in a spec:

    family = "pooling"
    example = {"pool_size": 2}
"""

import inspect
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tinynet.errors import PluginError
from tinynet.registry import AmbiguousTypeError, Entry, Registry
from tinynet.text.kinds import NOT_IN_SPECS

FAMILIES = (
    *("core", "convolution", "pooling", "recurrent", "attention", "normalization", "activation"),
    *("merging", "reshaping", "reduction", "regularization"),
    *("classification", "binary and multi-label", "regression", "images", "embeddings"),
)
"""The families in the order of a list; other families follow by name."""

OTHER = "other"
"""The family of types that name none, which is listed last."""

_SHAPES = re.compile(r"  |:? (each )?\(N, |, each \(N, ")
"""The start of the shapes in a first line: ``Zeros around an image.  (N, H, W, C) -> ...``."""

_MAX_FAMILY = 40
"""Most characters of a family's name."""


@dataclass(frozen=True)
class TypeInfo:
    """A registered type, as it is described to people.

    Attributes:
        entry: Its name, group and distribution.
        family: The family that its class names, or `OTHER`.
        description: The docstring of its class.
        example: An object of a spec that names the type; None if it has none.
        error: The reason why it cannot be imported; empty if it can.
        cls: The class; None if it cannot be imported.
    """

    entry: Entry
    family: str = OTHER
    description: str = ""
    example: dict[str, Any] | None = None
    error: str = ""
    cls: type[Any] | None = None

    @property
    def summary(self) -> str:
        """The first line of the description, without the shapes that follow it."""
        first = _SHAPES.split(self.description.partition("\n")[0], maxsplit=1)[0]
        return first.rstrip(" :,").removesuffix(".") + "." if first else ""

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            **vars(self.entry),
            "family": self.family,
            "description": self.description.partition("\n")[0],
            "example": self.example,
            "error": self.error or None,
        }


def types(plugins: Registry, group: str) -> list[TypeInfo]:
    """Return all types of a group, by family and then by name; this imports them."""
    infos = [type_info(plugins, entry) for entry in plugins.entries(group)]
    return sorted(infos, key=lambda info: (family_order(info.family), info.entry.name))


def type_info(plugins: Registry, entry: Entry) -> TypeInfo:
    """Return the description of a type; one that cannot be imported has an ``error``."""
    try:
        cls = plugins.load(entry.group, entry.qualified)
    except PluginError as error:
        return TypeInfo(entry, error=str(error))
    family = getattr(cls, "family", OTHER)
    in_specs = entry.group not in NOT_IN_SPECS
    is_name = isinstance(family, str) and 0 < len(family.strip()) <= _MAX_FAMILY
    return TypeInfo(
        entry,
        family=family.strip() if is_name else OTHER,
        description=inspect.getdoc(cls) or "",
        example=example_of(cls, _name_in_specs(plugins, entry)) if in_specs else None,
        cls=cls,
    )


def family_order(family: str) -> tuple[bool, int, str]:
    """Return the key by which families are sorted."""
    place = FAMILIES.index(family) if family in FAMILIES else len(FAMILIES)
    return family == OTHER, place, family


def example_of(cls: type[Any], name: str) -> dict[str, Any] | None:
    """Return a short object of a spec that names a type; None if its options are not known.

    It has the keys of the class's ``example``, or else the options of the first of its ``examples``
    with everything that is required.
    """
    own = getattr(cls, "example", None)
    if isinstance(own, Mapping):
        return {"type": name, **own}
    required = {key for key, field in cls.Config.model_fields.items() if field.is_required()}
    if not required:
        return {"type": name}
    cases = getattr(cls, "examples", ())
    for case in cases if isinstance(cases, Iterable) else ():
        options = case.get("options") if isinstance(case, Mapping) else None
        if isinstance(options, Mapping) and required <= options.keys():
            return {"type": name, **options}
    return None


def _name_in_specs(plugins: Registry, entry: Entry) -> str:
    """Return the name that a spec can use: the short one, unless it is ambiguous."""
    try:
        plugins.find(entry.group, entry.name)
    except AmbiguousTypeError:
        return entry.qualified
    return entry.name
