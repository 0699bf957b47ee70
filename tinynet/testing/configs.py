"""Construction of configs, and the requirements on every plugin's ``Config``."""

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

from pydantic import ValidationError

from tinynet.config import Config
from tinynet.errors import TinynetError
from tinynet.registry import default
from tinynet.testing.checks import CheckFailed, require
from tinynet.text.plugin_errors import located_cause
from tinynet.text.wording import format_value

Options: TypeAlias = Mapping[str, Any] | Config
"""A config, or its options as in a spec: ``{"units": 3}``."""

UNKNOWN = "no_such_option"

ODD_VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1, 10**30, 0.5, -1e300, "", "no such value"),
    *([], [-1, 0], {}),
)
"""Values of wrong types, as people and programs write them by mistake."""


def make_config(plugin: type[Any], options: Options) -> Config:
    """Return the plugin's config, validated as a spec's options are: strictly, from JSON."""
    try:
        return validated_config(plugin, options)
    except ValidationError as error:
        text = json.dumps(dict(options))
        lines = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise CheckFailed(f"Config refuses the options {text}: {'; '.join(lines)}") from error


def validated_config(plugin: type[Any], options: Options) -> Config:
    """Return the plugin's config like `make_config`, or raise pydantic's ``ValidationError``."""
    if isinstance(options, Config):
        return options
    text, context = json.dumps(dict(options)), {"configure": default().configure}
    config: Config = plugin.Config.model_validate_json(text, context=context)
    return config


def require_config(plugin: type[Any], options: Options, base: type[Config]) -> None:
    """Raise `CheckFailed` unless ``plugin.Config`` can be used in specs and checkpoints."""
    model: Any = getattr(plugin, "Config", None)
    require(
        isinstance(model, type) and issubclass(model, base),
        f"there is no nested class Config that derives from {base.__name__}",
    )
    fields = plugin.Config.model_fields
    for name in sorted(base.reserved & fields.keys()):
        raise CheckFailed(f"the option {name!r} is reserved by the spec language; rename it")
    for name, field in fields.items():
        require(bool(field.description), f"the option {name!r} has no description")
    config = make_config(plugin, options)
    _require_round_trip(plugin, config)
    require(bool(model.model_config.get("frozen")), "configs must be frozen")
    try:
        make_config(plugin, {**json.loads(config.model_dump_json()), UNKNOWN: 1})
    except CheckFailed:
        pass
    else:
        raise CheckFailed(f"the unknown option {UNKNOWN!r} is accepted instead of refused")
    _require_refusals(plugin, json.loads(config.model_dump_json()))


def _require_refusals(plugin: type[Any], options: dict[str, Any]) -> None:
    """Raise `CheckFailed` if a value is neither accepted nor refused with a message."""
    for name in options:
        for value in ODD_VALUES:
            try:
                make_config(plugin, {**options, name: value})
            except (CheckFailed, TinynetError):
                continue
            except Exception as error:
                raise CheckFailed(
                    f"the option {name!r} set to {format_value(value)} makes Config raise"
                    f" {located_cause(error)}; refuse it with a ValueError"
                ) from error


def _require_round_trip(plugin: type[Any], config: Config) -> None:
    again = plugin.Config.model_validate_json(config.model_dump_json())
    require(
        again == config,
        f"the config changes on its way through JSON: {again!r} instead of {config!r}",
    )
