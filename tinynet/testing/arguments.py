"""The arguments of the conformance kit for a registered type."""

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tinynet.config import Config
from tinynet.dataset import Field
from tinynet.errors import PluginError, ShapeError, TinynetError
from tinynet.registry import Entry
from tinynet.testing.checks import Check, CheckFailed
from tinynet.testing.configs import Options, make_config
from tinynet.testing.datasets import dataset_checks
from tinynet.testing.initializers import initializer_checks
from tinynet.testing.kernels import kernel_checks
from tinynet.testing.layers import layer_checks
from tinynet.testing.losses import loss_checks
from tinynet.testing.metrics import metric_checks
from tinynet.testing.optimizers import optimizer_checks
from tinynet.testing.schedules import schedule_checks
from tinynet.testing.standard_cases import STANDARDS, Arguments, Standard, integers
from tinynet.testing.transforms import transform_checks
from tinynet.text.kinds import KINDS
from tinynet.text.plugin_errors import located_cause
from tinynet.text.wording import cause, format_value, quote, suggest
from tinynet.types import Shape

CHECKS: Mapping[str, Callable[..., list[Check]]] = {
    "layers": layer_checks,
    "losses": loss_checks,
    "optimizers": optimizer_checks,
    "schedules": schedule_checks,
    "metrics": metric_checks,
    "initializers": initializer_checks,
    "datasets": dataset_checks,
    "transforms": transform_checks,
    "kernels": kernel_checks,
}
"""The kit's function for each group of plugins."""


class NotCheckableError(TinynetError):
    """Missing or unusable arguments for the checks of a type.

    Attributes:
        missing: Names of the missing options, which have no default.
    """

    def __init__(self, message: str, missing: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.missing = tuple(missing)


def arguments_of(
    entry: Entry, cls: type[Any], options: Options | None, in_shapes: Sequence[Shape] | None
) -> list[Arguments]:
    """Return the arguments of the checks of a type: one set, or one for each of its ``examples``.

    Args:
        entry: The type.
        cls: Its class.
        options: The caller's options, which replace those of the first example; None without any.
        in_shapes: Likewise the shapes of a layer's inputs.

    Raises:
        PluginError: if the class's ``examples`` cannot be used.
        NotCheckableError: if options are missing or refused, or no known inputs fit the type.
    """
    overrides: Arguments = {} if options is None else {"options": options}
    if in_shapes is not None:
        overrides |= {"in_shapes": in_shapes, "inputs": None}
    parameters = list(inspect.signature(CHECKS[entry.group]).parameters)[1:]
    for name in overrides:
        if name not in parameters:
            raise NotCheckableError(f"{_called(entry)} is not checked on {quote(name)}")
    own = _examples(entry, cls, parameters)
    if not overrides and own:
        return [_completed(entry, cls, example) for example in own]
    arguments = _completed(entry, cls, {**(own[0] if own else {}), **overrides})
    if in_shapes is not None:
        try:
            config = _config(entry, cls, arguments["options"])
            STANDARDS[entry.group].accept(cls, config, arguments)
        except ShapeError as error:
            raise NotCheckableError(f"{_called(entry)} refuses the inputs: {error}") from error
    return [arguments]


def in_words(arguments: Arguments) -> str:
    """Format arguments for a message: ``with options {"units": 3} on inputs (6, 6, 4)``."""
    return " ".join(_said(name, value) for name, value in arguments.items())


def _examples(entry: Entry, cls: type[Any], parameters: Sequence[str]) -> list[Arguments]:
    own = getattr(cls, "examples", ())
    if not isinstance(own, list | tuple) or not all(isinstance(one, Mapping) for one in own):
        raise PluginError(f"{entry}: examples is {format_value(own)}; a tuple of dicts is expected")
    for number, example in enumerate(own):
        for name in example:
            if name not in parameters:
                place = f"{entry}: examples[{number}]"
                suggestion = suggest(name, parameters)
                raise PluginError(f"{place}: unknown key {quote(name)}; {suggestion}")
    return [dict(example) for example in own]


def _completed(entry: Entry, cls: type[Any], partial: Arguments) -> Arguments:
    """Return the arguments of the kit's function, completed with defaults."""
    if entry.group == "kernels":
        return partial
    arguments = {"options": {}, **partial}
    config = _config(entry, cls, arguments["options"])
    standard = STANDARDS.get(entry.group)
    if standard and not standard.cases[0].keys() <= arguments.keys():
        arguments = _first_accepted(entry, cls, config, arguments, standard)
    if getattr(cls, "integer_inputs", False) and arguments.get("inputs") is None:
        arguments["inputs"] = [integers(tuple(shape)) for shape in arguments["in_shapes"]]
    return {name: value for name, value in arguments.items() if value is not None}


def _config(entry: Entry, cls: type[Any], options: Options) -> Config:
    values = dict(options)
    fields = cls.Config.model_fields.items()
    missing = [name for name, field in fields if field.is_required() and name not in values]
    if missing:
        one, listed = len(missing) == 1, " and ".join(map(quote, missing))
        raise NotCheckableError(
            f"{_called(entry)} cannot be checked without options: {listed}"
            f" {'has' if one else 'have'} no default; give {cls.__name__} `examples`, or say"
            f" {'it' if one else 'them'}",
            missing,
        )
    try:
        return make_config(cls, options)
    except CheckFailed as failure:
        raise NotCheckableError(f"{_called(entry)}: {failure}") from failure
    except (Exception, SystemExit) as error:
        raise PluginError(f"{entry}: its Config failed: {located_cause(error)}") from error


def _first_accepted(
    entry: Entry, cls: type[Any], config: Config, arguments: Arguments, standard: Standard
) -> Arguments:
    refusals = []
    for case in standard.cases:
        candidate = {**case, **arguments}
        try:
            with np.errstate(all="ignore"):
                standard.accept(cls, config, candidate)
        except Exception as error:
            refused = isinstance(error, TinynetError)
            reason = cause(error) if refused else located_cause(error)
            refusals.append(f"{in_words(case)}: {reason}")
        else:
            return {**arguments, **candidate}
    shapes = ", or say in_shapes" if entry.group == "layers" else ""
    raise NotCheckableError(
        f"{_called(entry)} takes nothing that the kit tries by itself; give {cls.__name__}"
        f" `examples`{shapes}. Tried:\n  " + "\n  ".join(refusals)
    )


def _called(entry: Entry) -> str:
    return f"the {KINDS[entry.group]} {quote(entry.name)}"


_WORDS = {
    "options": "with options",
    "in_shapes": "on inputs",
    "out_shape": "on outputs",
    "predictions": "on predictions",
    "field": "on",
    "shapes": "on shapes",
}


def _said(name: str, value: Any) -> str:
    if name == "options":
        text = json.dumps(dict(value))
    elif name in ("in_shapes", "shapes"):
        text = " and ".join(str(tuple(shape)) for shape in value)
    elif isinstance(value, np.ndarray | Field):
        text = f"{value.shape} of {value.dtype}"
    else:
        text = str(tuple(value)) if name == "out_shape" else format_value(value)
    return f"{_WORDS.get(name, f'and {name}')} {text}"
