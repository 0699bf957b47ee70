"""Overrides of a ``type``: options of the old type that the new one does not have.

    training.optimizer.type=sgd

A resolved spec has every option of ``adam``, with defaults. Those that ``sgd`` has, too, are kept;
the others are dropped.
"""

from collections.abc import Collection, Sequence
from typing import Any

from pydantic import JsonValue, ValidationError

from tinynet import registry
from tinynet.errors import PluginError
from tinynet.spec.expansion.variables import is_variable, texts
from tinynet.text.wording import format_list, quote

_GROUPS = {
    "data": "datasets",
    "data/validation": "datasets",
    "data/test": "datasets",
    "data/transforms/*": "transforms",
    "network/layers/*": "layers",
    "network/blocks/*/layers/*": "layers",
    "training/loss": "losses",
    "training/loss/*": "losses",
    "training/optimizer": "optimizers",
    "training/schedule": "schedules",
    "training/metrics/*": "metrics",
}
"""The kind of plugin at each path of a spec."""


def drop_parameters(
    holder: dict[str, JsonValue],
    path: Sequence[int | str],
    old: JsonValue,
    overridden: Collection[str],
) -> list[str]:
    """Drop the parameters of a type that has been replaced.

    Args:
        holder: An object of the spec whose ``type`` was set; it is changed in place.
        path: Its path.
        old: The old ``type``.
        overridden: Keys that other overrides have set; they are kept, valid or not.

    Returns:
        Names of the parameters that were dropped.
    """
    group, new = _group(path), holder["type"]
    if group is None or not isinstance(old, str) or not isinstance(new, str):
        return []
    try:
        before, after = (_parameters(group, name) for name in (old, new))
    except PluginError:
        return []  # a type that is not installed is reported when the spec is validated
    mine = [key for key in holder if key in before and key not in overridden]
    common = {key: holder[key] for key in mine if key in after and not _has_variable(holder[key])}
    refused = _refused(group, new, common)
    dropped = [key for key in mine if key not in after or key in refused]
    for key in dropped:
        del holder[key]
    return dropped


def dropped_note(path: str, new: JsonValue, dropped: Sequence[str]) -> str:
    """Return the note about dropped parameters.

    Args:
        path: The path of the override.
        new: The new type.
        dropped: Names of the parameters.
    """
    plural = "s" if len(dropped) > 1 else ""
    start = (
        f"{path}={new} dropped the parameter{plural} {format_list(sorted(dropped))} of the old type"
    )
    return f"{start}, which {quote(str(new))} does not have or cannot take"


def _group(path: Sequence[int | str]) -> str | None:
    parts = list(map(str, path))
    if parts and parts[-1].endswith("_initializer") and parts[0] == "network":
        return "initializers"
    for pattern, group in _GROUPS.items():
        expected = pattern.split("/")
        if len(expected) == len(parts) and all(
            want in ("*", part) for want, part in zip(expected, parts, strict=True)
        ):
            return group
    return None


def _parameters(group: str, name: str) -> frozenset[str]:
    config: Any = registry.default().load(group, name).Config
    return frozenset(config.model_fields)


def _refused(group: str, name: str, options: dict[str, JsonValue]) -> set[str]:
    """Return the options whose values a type refuses."""
    try:
        registry.default().configure(group, name, options)
    except ValidationError as error:
        return {str(line["loc"][0]) for line in error.errors() if line["loc"]} & options.keys()
    except PluginError:
        pass
    return set()


def _has_variable(value: JsonValue) -> bool:
    return any(is_variable(text) for text, _ in texts(value))
