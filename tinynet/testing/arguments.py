"""The arguments of the conformance kit for a registered type."""

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import ValidationError

from tinynet.config import Config
from tinynet.dataset import Field
from tinynet.errors import PluginError, ShapeError, TinynetError
from tinynet.registry import Entry
from tinynet.testing.checks import Check
from tinynet.testing.configs import Options, validated_config
from tinynet.testing.constraints import constraint_checks
from tinynet.testing.datasets import dataset_checks
from tinynet.testing.initializers import initializer_checks
from tinynet.testing.kernels import kernel_checks
from tinynet.testing.layers import layer_checks
from tinynet.testing.loggers import logger_checks
from tinynet.testing.losses import loss_checks
from tinynet.testing.masks import mask_problem, masked_sequences
from tinynet.testing.metrics import metric_checks
from tinynet.testing.optimizers import optimizer_checks
from tinynet.testing.parametrizations import parametrization_checks
from tinynet.testing.regularizers import regularizer_checks
from tinynet.testing.schedules import schedule_checks
from tinynet.testing.standard_cases import STANDARDS, Arguments, Standard, integers
from tinynet.testing.transforms import transform_checks
from tinynet.text.kinds import KINDS
from tinynet.text.mistakes import explained, meant_field
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
    "regularizers": regularizer_checks,
    "constraints": constraint_checks,
    "parametrizations": parametrization_checks,
    "datasets": dataset_checks,
    "transforms": transform_checks,
    "loggers": logger_checks,
    "kernels": kernel_checks,
}
"""The kit's function for each group of plugins that one process can check."""


class NotCheckableError(TinynetError):
    """Missing or unusable arguments for the checks of a type.

    Attributes:
        missing: Names of the missing options, which have no default.
        corrected: The options under their right names, if they are valid with the missing ones;
            else None.
    """

    def __init__(
        self,
        message: str,
        missing: Sequence[str] = (),
        corrected: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.missing = tuple(missing)
        self.corrected = corrected


def arguments_of(
    entry: Entry,
    cls: type[Any],
    options: Options | None,
    in_shapes: Sequence[Shape] | None,
    mask: int | None = None,
) -> list[Arguments]:
    """Return the arguments of the checks of a type: one set, or one for each of its ``examples``.

    Args:
        entry: The type.
        cls: Its class.
        options: The caller's options, which replace those of the first example; None without any.
        in_shapes: Likewise the shapes of a layer's inputs.
        mask: Likewise the number of a layer's input that is a mask of the first.

    Raises:
        PluginError: if the class's ``examples`` cannot be used.
        NotCheckableError: if options are missing or refused, or no known inputs fit the type.
    """
    overrides: Arguments = {} if options is None else {"options": options}
    if in_shapes is not None:
        overrides |= {"in_shapes": in_shapes, "inputs": None}
    if mask is not None:
        overrides["mask"] = mask
    if entry.group not in CHECKS:
        raise NotCheckableError(
            f"{_called(entry)} is checked by several processes: call"
            " tinynet.testing.fleets.check_fleet in each of them, as the tests of tinynet-mpi do"
        )
    parameters = list(inspect.signature(CHECKS[entry.group]).parameters)[1:]
    for name in overrides:
        if name not in parameters:
            raise NotCheckableError(f"{_called(entry)} is not checked on {quote(name)}")
    own = _examples(entry, cls, parameters)
    if not overrides and own:
        return [_completed(entry, cls, example) for example in own]
    first = own[0] if own else {}
    if in_shapes is not None and mask_problem(in_shapes, first.get("mask")):
        first.pop("mask")
    arguments = _completed(entry, cls, {**first, **overrides})
    if in_shapes is not None or mask is not None:
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
    try:
        return validated_config(cls, options)
    except ValidationError as error:
        raise _refusal(entry, cls, dict(options), error) from error
    except (Exception, SystemExit) as error:
        raise PluginError(f"{entry}: its Config failed: {located_cause(error)}") from error


def _refusal(
    entry: Entry, cls: type[Any], options: dict[str, Any], error: ValidationError
) -> NotCheckableError:
    """Return the error for options that a type refuses."""
    fields = cls.Config.model_fields
    unknown: list[str] = []
    missing: list[str] = []
    messages = []
    for line in explained(error, fields).errors(include_url=False):
        path, message = ".".join(map(str, line["loc"])), line["msg"]
        names = {"unknown_key": unknown, "missing_key": missing}.get(line["type"])
        if names is None or len(line["loc"]) != 1:
            messages.append(f"{path}: {message}" if path else message)
        else:
            names.append(path)
            messages.append(message)
    corrected = {name: value for name, value in options.items() if name not in unknown}
    for name in unknown:
        if meant := meant_field(name, fields):
            corrected.setdefault(meant, options[name])
    if len(messages) == len(missing):
        listed = f"option{'s' if len(missing) > 1 else ''} {' and '.join(map(quote, missing))}"
        remedy = f"pass {'them' if len(missing) > 1 else 'it'}, or add `examples` to the class"
        message = f"{_called(entry)} requires the {listed}; {remedy} {cls.__name__}"
    else:
        refused = f"{_called(entry)} refuses the options {json.dumps(options)}"
        message = f"{refused}: {'; '.join(messages)}"
    usable = _lacks_only(missing, cls, corrected)
    return NotCheckableError(message, missing, corrected if usable else None)


def _lacks_only(missing: Sequence[str], cls: type[Any], options: dict[str, Any]) -> bool:
    """Return True if options are valid as soon as the missing ones are added."""
    try:
        validated_config(cls, options)
    except ValidationError as error:
        lines = error.errors(include_url=False)
        return all(line["type"] == "missing" and line["loc"][0] in missing for line in lines)
    return not missing


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
    shapes = "pass the shapes of its inputs, or " if entry.group == "layers" else ""
    raise NotCheckableError(
        f"{_called(entry)} accepts none of the arguments that the kit tries; {shapes}add `examples`"
        f" to the class {cls.__name__}. Tried:\n  " + "\n  ".join(refusals)
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
    "mask": "masked by",
}


def _said(name: str, value: Any) -> str:
    several_outputs = name == "out_shape" and value and isinstance(value[0], Sequence)
    if name == "options":
        text = json.dumps(dict(value))
    elif name in ("in_shapes", "shapes") or several_outputs:
        text = " and ".join(str(tuple(shape)) for shape in value)
    elif name == "mask":
        numbers = sorted(masked_sequences(value))
        text = " and ".join(f"input {number}" for number in numbers)
    elif isinstance(value, np.ndarray | Field):
        text = f"{value.shape} of {value.dtype}"
    else:
        text = str(tuple(value)) if name == "out_shape" else format_value(value)
    return f"{_WORDS.get(name, f'and {name}')} {text}"
