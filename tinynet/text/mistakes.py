"""The errors of pydantic as problems of a JSON file, one for each mistake."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from pydantic import JsonValue, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError, PydanticKnownError

from tinynet.errors import LocatedError, PluginError, Problem, SpecError
from tinynet.text.places import KeyProblem, join_pointer
from tinynet.text.synonyms import node_hint, value_hint
from tinynet.text.wording import closest, format_value, quote, suggest

Path: TypeAlias = tuple[int | str, ...]

MAX_EXPLAINED = 1_000
"""Most mistakes of one object that are explained with suggestions."""

_EXPECTED = {
    "bool_type": "true or false",
    "dict_type": "an object",
    "finite_number": "a finite number",
    "float_type": "a number",
    "frozen_set_type": "a list",
    "int_from_float": "a whole number",
    "int_type": "a whole number",
    "iterable_type": "a list",
    "list_type": "a list",
    "mapping_type": "an object",
    "model_attributes_type": "an object",
    "model_type": "an object",
    "none_required": "null",
    "set_type": "a list",
    "string_type": "a string",
    "tuple_type": "a list",
}
"""The expected type, by pydantic's name of the error."""

_MISSING = ("missing", "missing_key")

_BOUNDS = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "more than"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "less than"),
}
"""The bounds of a number, by pydantic's name of the error."""


_SENTENCE_END = re.compile(r"(?<!\.)\.(?=\s|$)")
"""The full stop of a sentence, not the dots of a range: ``0 .. n - 1``."""

_QUOTED = re.compile(r"'([^']*)'")
"""A string in pydantic's list of those that are expected."""

_MANY = 6
"""Number of expected strings from which a message also says which one is probably meant."""

_PLUGIN = "plugin_fault"
"""Kind of the mistakes that a plugin causes, not the document."""


@dataclass(frozen=True)
class AlsoCalled:
    """Other names that people use for a field of a model: ``Annotated[T, ...]``.

    The names are not accepted; a message about an unknown key of that name suggests the field.
    """

    names: tuple[str, ...]


class PluginProblem(Problem):
    """A problem of a plugin that is missing or broken."""


def mistake(kind: Any, message: str, *loc: int | str, value: Any = None) -> InitErrorDetails:
    """Return a mistake at a place within the validated value."""
    error = PydanticCustomError(kind, "{message}", {"message": message})
    return InitErrorDetails(type=error, loc=loc, input=value)


def plugin_fault(error: PluginError, name: str) -> InitErrorDetails:
    """Return the problem of a plugin, at the place of its ``type``."""
    return mistake(_PLUGIN, "; ".join(p.message for p in error.problems), "type", value=name)


def refusal(mistakes: list[InitErrorDetails]) -> ValidationError:
    """Return the validation error that lists mistakes."""
    return ValidationError.from_exception_data("spec", mistakes)


def details(error: ValidationError) -> list[InitErrorDetails]:
    """Return the mistakes of an error, to be listed with others."""
    return [_detail(line) for line in error.errors(include_url=False)]


def _detail(line: ErrorDetails) -> InitErrorDetails:
    if not _is_pydantics(line):
        return mistake(line["type"], line["msg"], *line["loc"], value=line["input"])
    return InitErrorDetails(
        type=line["type"], loc=line["loc"], input=line["input"], ctx=line.get("ctx", {})
    )


def _is_pydantics(line: ErrorDetails) -> bool:
    """Return True for an error of pydantic itself, not one of a plugin with the same type."""
    kind: Any = line["type"]
    try:
        PydanticKnownError(kind, line.get("ctx"))
    except (KeyError, TypeError):
        return False
    return True


def explained(
    error: ValidationError, fields: Mapping[str, FieldInfo], also: Iterable[str] = ()
) -> ValidationError:
    """Return the same error with suggestions from a model's fields.

    Messages suggest a field, or one of `also`, for an unknown key, describe a missing key, and name
    the range of a number. A misspelt key is not reported as missing.
    """
    if error.error_count() > MAX_EXPLAINED:
        return error
    lines = error.errors(include_url=False)
    available = {*fields, *also} - {"options"}
    unknown = {line["loc"][0] for line in lines if _is(line, "extra_forbidden")}
    meant = {meant_field(str(key), fields, also) for key in unknown}
    return refusal(
        [
            _explained(line, fields, available)
            for line in lines
            if not (_is(line, "missing") and line["loc"][0] in meant)
        ]
    )


def meant_field(key: str, fields: Mapping[str, FieldInfo], also: Iterable[str] = ()) -> str | None:
    """Return the field, or the one of `also`, that an unknown key stands for; None without one."""
    return _meant(key, fields) or closest(key, {*fields, *also} - {"options"})


def _is(line: ErrorDetails, kind: str) -> bool:
    return line["type"] == kind and len(line["loc"]) == 1


def _explained(
    line: ErrorDetails, fields: Mapping[str, FieldInfo], available: Iterable[str]
) -> InitErrorDetails:
    key, value = str(line["loc"][0]) if line["loc"] else "", line["input"]
    if _is(line, "extra_forbidden"):
        meant = _meant(key, fields)
        hint = f"did you mean {quote(meant)}?" if meant else node_hint(key, value, set(available))
        hint = hint or suggest(key, available)
        message = f"unknown key {quote(key)}; {hint}"
        return mistake("unknown_key", message, key, value=value)
    if _is(line, "missing"):
        message = f"{quote(key)} is required{_meaning(key, fields[key])}"
        return mistake("missing_key", message, key, value=value)
    if len(line["loc"]) == 1 and line["type"] in _BOUNDS and (bounds := _range(fields[key])):
        return mistake("range", f"must be {bounds}, not {format_value(value)}", key, value=value)
    return _detail(line)


def _meant(key: str, fields: Mapping[str, FieldInfo]) -> str | None:
    """Return the field that is also called ``key``, by its marks."""
    for name, field in fields.items():
        if any(isinstance(mark, AlsoCalled) and key in mark.names for mark in field.metadata):
            return name
    return None


def _meaning(key: str, field: FieldInfo) -> str:
    """Return the first sentence of the description, to follow "is required".

    It is empty where the description only repeats the key: ``network``, "The network."
    """
    text = _SENTENCE_END.split(field.description or "", maxsplit=1)[0]
    words = text.lower().removeprefix("the ").removeprefix("a ").removeprefix("an ")
    if words in ("", key.lower().replace("_", " ")):
        return ""
    return f" ({text if text[1:2].isupper() else text[:1].lower() + text[1:]})"


def _range(field: FieldInfo) -> str:
    bounds = [
        f"{word} {_number(value)}"
        for name, word in _BOUNDS.values()
        for mark in field.metadata
        if (value := getattr(mark, name, None)) is not None
    ]
    return " and ".join(bounds)


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) and value == float(f"{value:g}") else f"{value}"


def problems(error: ValidationError, document: JsonValue) -> list[Problem]:
    """Return one problem for each place of a document, also for the branches of a union."""
    by_path: dict[Path, list[ErrorDetails]] = {}
    for line in error.errors(include_url=False):
        if not _miscounted(line):
            by_path.setdefault(_path(line, document), []).append(line)
    holders = {path[:length] for path in by_path for length in range(len(path))}
    result = []
    for path, lines in by_path.items():
        unlike = [line for line in lines if _expected(line) is None]
        if unlike or path not in holders:
            result.append(_problem(path, unlike or lines))
    return result


def spec_or_plugin_error(listed: list[Problem]) -> LocatedError:
    """Return a PluginError if all problems are of plugins, otherwise a SpecError."""
    only_plugins = all(isinstance(problem, PluginProblem) for problem in listed)
    return PluginError(listed) if only_plugins else SpecError(listed)


def _miscounted(line: ErrorDetails) -> bool:
    """Return True if a list is called too short because elements that are wrong did not count."""
    if line["type"] != "too_short" or not _is_pydantics(line):
        return False
    return len(line["input"]) >= int(line["ctx"]["min_length"])


def _path(line: ErrorDetails, value: Any) -> Path:
    """Return pydantic's location without the tags of unions, which are not in the document."""
    path: list[int | str] = []
    for part in line["loc"]:
        if _has(value, part):
            value = value[part]
        elif line["type"] not in _MISSING or part != line["loc"][-1]:
            continue
        path.append(part)
    return tuple(path)


def _has(value: Any, part: int | str) -> bool:
    if isinstance(value, list):
        return isinstance(part, int) and part < len(value)
    return isinstance(value, dict) and part in value


def _problem(path: Path, lines: list[ErrorDetails]) -> Problem:
    kind, message = lines[0]["type"], _message(lines)
    if kind in _MISSING:
        return Problem(message, join_pointer(list(path[:-1])))
    pointer = join_pointer(list(path))
    if any(line["type"] == _PLUGIN for line in lines):
        return PluginProblem(message, pointer)
    unknown = kind in ("unknown_key", "extra_forbidden")
    return KeyProblem(message, pointer) if unknown else Problem(message, pointer)


def _expected(line: ErrorDetails) -> str | None:
    if not _is_pydantics(line):
        return None
    if line["type"] in ("literal_error", "enum"):
        return str(line["ctx"]["expected"])
    return _EXPECTED.get(line["type"])


def _message(lines: list[ErrorDetails]) -> str:
    expected = list(dict.fromkeys(filter(None, map(_expected, lines))))
    if expected:
        required = " or ".join(filter(None, [", ".join(expected[:-1]), expected[-1]]))
        return (
            f"{required} is expected, not {format_value(lines[0]['input'])}{_meant_literal(lines)}"
        )
    return " or ".join(dict.fromkeys(map(_sentence, lines)))


def _meant_literal(lines: list[ErrorDetails]) -> str:
    """Return the hint for a string that is none of many expected ones; "" without one."""
    literals = (str(_expected(line)) for line in lines if line["type"] == "literal_error")
    words = set(_QUOTED.findall(" ".join(literals)))
    word = lines[0]["input"]
    if len(words) < _MANY or not isinstance(word, str):
        return ""
    hint = value_hint(word, words)
    if hint is None and (meant := closest(word, words)):
        hint = f"did you mean {quote(meant)}?"
    return f"; {hint}" if hint else ""


def _sentence(line: ErrorDetails) -> str:
    kind, message, context = line["type"], " ".join(line["msg"].split()), line.get("ctx", {})
    if not _is_pydantics(line):
        return (
            f"{message}, not {format_value(line['input'])}"
            if message.endswith("expected")
            else message
        )
    if kind == "extra_forbidden":
        return f"unknown key {quote(str(line['loc'][-1]))}"
    if kind == "missing":
        key = line["loc"][-1]
        return f"element {key} is missing" if isinstance(key, int) else f"{quote(key)} is required"
    if kind in _BOUNDS:
        name, word = _BOUNDS[kind]
        return f"must be {word} {_number(context[name])}, not {format_value(line['input'])}"
    if kind == "union_tag_not_found":
        return f"{context['discriminator']} is required"
    if kind == "union_tag_invalid":
        expected = " or ".join(context["expected_tags"].split(", "))
        return f"{context['discriminator']} must be {expected}, not {quote(context['tag'])}"
    if kind in ("too_short", "string_too_short"):
        return _length("at least", context["min_length"], line)
    if kind in ("too_long", "string_too_long"):
        return _length("at most", context["max_length"], line)
    if kind == "string_pattern_mismatch":
        return f"must match the pattern {context['pattern']}, not {format_value(line['input'])}"
    if kind in ("value_error", "assertion_error"):
        message = " ".join(str(context["error"]).split())
        return message or f"{format_value(line['input'])} is not valid"
    return f"{message.removeprefix('Input ')}, not {format_value(line['input'])}"


def _length(bound: str, limit: int, line: ErrorDetails) -> str:
    value = line["input"]
    if limit == 1 and bound == "at least":
        return "must not be empty"
    is_text, is_object = isinstance(value, str), isinstance(value, dict)
    what = "characters" if is_text else "keys" if is_object else "elements"
    return f"must have {bound} {limit:,} {what}, not {len(value):,}"
