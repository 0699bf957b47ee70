"""Checks of fields: a dataset may only have those that a checkpoint can hold."""

from collections.abc import Mapping
from typing import Any

from tinynet.archive.header import DTYPES, MAX_AXES
from tinynet.dataset import TEXT, Dataset, Field
from tinynet.errors import DataError
from tinynet.text.plugin_errors import PluginErrors, plugin_error


def _described(value: object) -> str:
    # Imported here: it imports the layers' protocol, which only this message needs.
    from tinynet.engine.layer_calls import described

    return described(value)


def field_problem(field: Field) -> str | None:
    """Return why a checkpoint cannot hold a field; None if it can."""
    shape, dtype = field.shape, field.dtype
    if type(shape) is not tuple or not all(type(axis) is int and axis > 0 for axis in shape):
        return f"its shape must be a tuple of positive integers; it is {shape!r}"
    if len(shape) > MAX_AXES:
        return f"its shape must have at most {MAX_AXES} axes; it has {len(shape)}"
    if not isinstance(dtype, str) or dtype not in (*DTYPES, TEXT):
        is_text = str(dtype).lstrip("<>|=").startswith(("U", "S", "str"))
        hint = f"; the dtype of text is {TEXT!r}" if is_text else ""
        return (
            f"its dtype must be one of {', '.join(sorted(DTYPES))}, {TEXT}; it is {dtype!r}{hint}"
        )
    units = (None, "whitespace") if dtype == TEXT else (None, "character", "byte")
    if field.text_unit not in units:
        allowed = "None or 'whitespace'" if dtype == TEXT else "None, 'character' or 'byte'"
        return f"its text_unit must be {allowed}; it is {field.text_unit!r}"
    if field.padding is not None and type(field.padding) is not int:
        return f"its padding must be None or an integer; it is {field.padding!r}"
    return (
        _names_problem("classes", field.classes)
        or _names_problem("names", field.names)
        or _indicators_problem(field)
    )


def _indicators_problem(field: Field) -> str | None:
    flags = field.indicators
    if flags is None:
        return None
    if type(flags) is not tuple or not all(type(flag) is bool for flag in flags):
        return f"its indicators must be None or a tuple of bool; they are {_described(flags)}"
    if field.shape[-1:] != (len(flags),):
        return f"its indicators must be one for each feature; there are {len(flags)}"
    return None


def _names_problem(what: str, names: Any) -> str | None:
    if names is None:
        return None
    if type(names) is not tuple:
        return f"its {what} must be None or a tuple of strings; they are {_described(names)}"
    for name in names:
        if not isinstance(name, str):
            return f"its {what} must be strings; one is {name!r}"
        if not is_encodable(name):
            return f"its {what} must be Unicode text; one is {name!r}"
    return None


def is_encodable(text: str) -> bool:
    """Return True unless a text has lone surrogates, which stand for undecodable bytes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_fields(dataset: Dataset, pointer: str) -> None:
    """Require that a checkpoint can hold the description of a dataset, at ``pointer`` in the spec.

    Raises:
        PluginError: listing every invalid field.
        DataError: for a name of both an input and a target.
    """
    problems = []
    for kind in ("inputs", "targets"):
        with PluginErrors(dataset, f"{kind} raised", pointer):
            fields = getattr(dataset, kind)
        problems += _fields_problems(kind, fields)
    with PluginErrors(dataset, "fingerprint raised", pointer):
        fingerprint = dataset.fingerprint
    if not isinstance(fingerprint, str) or not is_encodable(fingerprint):
        problems.append(f"its fingerprint must be a text; it is {fingerprint!r}")
    if problems:
        raise plugin_error(dataset, "; ".join(problems), pointer)
    if both := sorted(dataset.inputs.keys() & dataset.targets.keys()):
        raise DataError(f"{both[0]!r} names both an input and a target; give each its own name")


def _fields_problems(kind: str, fields: Any) -> list[str]:
    least = "one Field or more" if kind == "inputs" else "Fields"
    if not isinstance(fields, Mapping) or (kind == "inputs" and not fields):
        return [f"its {kind} must be a dict of {least} by name; it is {fields!r}"]
    problems = []
    for name, field in fields.items():
        place = f"{kind}[{name!r}]"
        if not isinstance(name, str) or not is_encodable(name):
            problems.append(f"{place}: its name must be Unicode text")
        elif not isinstance(field, Field):
            problems.append(f"{place} must be a Field; it is {_described(field)}")
        elif problem := field_problem(field) or _duplicate(field):
            problems.append(f"{place}: {problem}")
    return problems


def _duplicate(field: Field) -> str | None:
    for what, names in (("classes", field.classes), ("names", field.names)):
        if names and len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            return f"its {what} must be unique; {twice!r} occurs twice"
    return None
