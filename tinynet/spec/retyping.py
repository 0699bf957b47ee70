"""Overrides of a ``type``: options of the old type that the new one does not have.

    training.optimizer.type=sgd

A resolved spec has every option of ``adam``, with defaults. Those that ``sgd`` has, too, are kept;
the others are dropped.
"""

import re
from collections.abc import Collection, Sequence
from typing import Any

from pydantic import JsonValue, ValidationError

from tinynet import registry
from tinynet.errors import PluginError
from tinynet.spec.average_spec import AVERAGES
from tinynet.spec.consistency import AVERAGE
from tinynet.spec.expansion.variables import is_variable, strings_in
from tinynet.text.places import join_pointer
from tinynet.text.wording import format_list, quote

_GROUPS = {
    r"/data(/validation|/test)?": "datasets",
    r"/data/transforms/\d+": "transforms",
    r"/(network/(blocks/[^/]*/)?layers/\d+/regularizer|training/regularizers/\d+)": "regularizers",
    r"/training/constraints/\d+": "constraints",
    r"/network/parametrizations/\d+": "parametrizations",
    r"/network/.*_initializer": "initializers",
    r"/network/(blocks/[^/]*/)?layers/\d+": "layers",
    r"/training/loss(/[^/]*)?": "losses",
    r"/training/optimizer": "optimizers",
    r"/training/schedule": "schedules",
    r"/training/metrics/\d+": "metrics",
    r"/training/loggers/\d+": "loggers",
}
"""The kind of plugin at each JSON pointer of a spec."""


def drop_parameters(
    holder: dict[str, JsonValue],
    path: Sequence[int | str],
    old: JsonValue,
    overridden: Collection[str],
) -> list[str]:
    """Drop the parameters of the old type from an object whose ``type`` was set, in place.

    Keys that other overrides have set are kept, valid or not. Return the dropped names.
    """
    pointer, new = join_pointer(path), holder["type"]
    if not isinstance(old, str) or not isinstance(new, str):
        return []
    if pointer == AVERAGE and {old, new} <= AVERAGES.keys():
        kept = {*AVERAGES[new].model_fields, *overridden}
        return _drop(holder, [key for key in AVERAGES[old].model_fields if key not in kept])
    groups = (g for pattern, g in _GROUPS.items() if re.fullmatch(pattern, pointer, re.DOTALL))
    group = next(groups, None)
    if group is None:
        return []
    try:
        before, after = (_parameters(group, name) for name in (old, new))
    except PluginError:
        return []  # a type that is not installed is reported when the spec is validated
    mine = [key for key in holder if key in before and key not in overridden]
    common = {key: holder[key] for key in mine if key in after and not _has_variable(holder[key])}
    refused = _refused(group, new, common)
    return _drop(holder, [key for key in mine if key not in after or key in refused])


def _drop(holder: dict[str, JsonValue], keys: Sequence[str]) -> list[str]:
    """Remove keys from an object, in place; return those that it had."""
    dropped = [key for key in keys if key in holder]
    for key in dropped:
        del holder[key]
    return dropped


def dropped_note(path: str, new: JsonValue, dropped: Sequence[str]) -> str:
    """Return the note about parameters that the override ``path=new`` dropped."""
    plural = "s" if len(dropped) > 1 else ""
    start = (
        f"{path}={new} dropped the parameter{plural} {format_list(sorted(dropped))} of the old type"
    )
    return f"{start}, which {quote(str(new))} does not have or cannot take"


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
    return any(is_variable(string) for string, _ in strings_in(value))
