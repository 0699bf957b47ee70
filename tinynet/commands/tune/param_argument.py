"""The option ``--param PATH=KIND:...`` as the range that a spec declares."""

import json
from collections.abc import Iterable
from typing import Any

from pydantic import JsonValue, ValidationError

from tinynet.errors import SpecError, UsageError
from tinynet.spec.tuning_spec import ParamSpec
from tinynet.text.document import Document
from tinynet.text.mistakes import problems
from tinynet.text.wording import closest, quote

_FORMS = {
    "float": "float:LOW:HIGH",
    "log": "log:LOW:HIGH",
    "int": "int:LOW:HIGH or int:LOW:HIGH:STEP",
    "log-int": "log-int:LOW:HIGH",
    "choice": "choice:A,B,C",
}


def parse_params(arguments: Iterable[str]) -> dict[str, ParamSpec]:
    """Return the ranges by path.

    Raises:
        UsageError: listing every argument that is wrong.
    """
    params: dict[str, ParamSpec] = {}
    wrong = []
    for argument in arguments:
        path, equals, text = argument.partition("=")
        if not equals or not path:
            wrong.append(f"{quote(argument)} is not of the form PATH={_FORMS['log']}")
        elif path in params:
            wrong.append(f"{quote(path)} is given twice; keep one of the two")
        else:
            try:
                params[path] = _parse(text)
            except UsageError as error:
                wrong.append(f"{path}: {error}")
    if wrong:
        raise UsageError("\n  ".join(wrong))
    return params


def _parse(text: str) -> ParamSpec:
    kind, _, rest = text.partition(":")
    if kind not in _FORMS:
        meant = closest(kind, _FORMS)
        hint = f"did you mean {_FORMS[meant]}?" if meant else f"write {', '.join(_FORMS.values())}"
        raise UsageError(f"unknown kind {quote(kind)}; {hint}")
    raw: dict[str, Any] = {"kind": kind}
    if kind == "choice":
        raw["choices"] = _choices(rest)
    else:
        parts = rest.split(":")
        if len(parts) not in ((2, 3) if kind == "int" else (2,)):
            raise UsageError(f"{quote(text)} is not of the form {_FORMS[kind]}")
        raw |= {key: _number(part) for key, part in zip(("low", "high", "step"), parts)}  # noqa: B905
    try:
        return ParamSpec.model_validate(raw)
    except ValidationError as error:
        raise UsageError("; ".join(_sentence(p.pointer, p.message) for p in problems(error, raw)))  # noqa: B904


def _sentence(pointer: str, message: str) -> str:
    key = pointer.removeprefix("/")
    if key not in ("low", "high", "step"):
        return message
    return f"{key} {message}" if message.startswith("must") else f"{key}: {message}"


def _number(text: str) -> float | int:
    try:
        value = json.loads(text, parse_constant=lambda _: None)
    except ValueError:
        value = None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(f"{quote(text)} is not a number")
    return value


def _choices(text: str) -> list[JsonValue]:
    """Return JSON values that commas separate; a bare word stands for a string."""
    try:
        listed = Document(f"[{text}]").value
    except SpecError:
        listed = [_value(part) for part in text.split(",")]
    assert isinstance(listed, list)
    if not listed or "" in listed:
        raise UsageError(f"a choice is missing; write {_FORMS['choice']}")
    return listed


def _value(text: str) -> JsonValue:
    try:
        return Document(text).value
    except SpecError:
        if text.startswith(("[", "{", '"')):
            raise UsageError(f"{quote(text)} is not JSON") from None
        return text
