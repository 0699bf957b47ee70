"""Options that are numbers of pixels along each axis, or at both ends of it, such as `padding`."""

from typing import Annotated, Any, Literal, TypeAlias, Union

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

Pair: TypeAlias = tuple[int, int]

_Count: TypeAlias = Annotated[int, Field(ge=0)]
_Side: TypeAlias = tuple[_Count, _Count]

_AXES = {2: "[height, width]", 3: "[depth, height, width]"}
_SIDES = {2: "[[top, bottom], [left, right]]", 3: "[[front, back], [top, bottom], [left, right]]"}


def pair_validator(*words: str) -> BeforeValidator:
    """Return the validator of an option of a sequence: one of ``words``, or counts.

    One count becomes (count, count).
    """

    def validate(value: Any) -> Any:
        if isinstance(value, str) and value in words:
            return value
        pair = _counts(value, 2)
        if pair is None:
            raise _mistake(*map(repr, words), "an integer of at least 0 or [left, right]")
        return pair

    return BeforeValidator(validate, json_schema_input_type=_either(words, _Count, _Side))


def sides_validator(axes: int, *words: str) -> BeforeValidator:
    """Return the validator of an option of 2 or 3 axes: one of ``words``, or counts.

    Counts in any form become ((before, after), ...), a pair for each axis.
    """

    def validate(value: Any) -> Any:
        if isinstance(value, str) and value in words:
            return value
        values = value if isinstance(value, list | tuple) else [value] * axes
        sides = tuple(_counts(each, 2) for each in values)
        if len(sides) != axes or None in sides:
            forms = f"{_AXES[axes]} or {_SIDES[axes]}"
            raise _mistake(*map(repr, words), "an integer of at least 0", forms)
        return sides

    accepted = _either(words, _Count, _repeated(_Count, axes), _repeated(_Side, axes))
    return BeforeValidator(validate, json_schema_input_type=accepted)


def counts_validator(axes: int, least: int) -> BeforeValidator:
    """Return the validator of a count for each of 2 or 3 axes; one integer sets all."""

    def validate(value: Any) -> Any:
        counts = _counts(value, axes, least)
        if counts is None:
            raise _mistake(f"an integer of at least {least} or {_AXES[axes]}")
        return counts

    count = Annotated[int, Field(ge=least)]
    accepted = _either((), count, _repeated(count, axes))
    return BeforeValidator(validate, json_schema_input_type=accepted)


def _counts(value: Any, size: int, least: int = 0) -> tuple[int, ...] | None:
    """Return an integer, or a list of ``size``, as a tuple; None if it is neither."""
    counts = tuple(value) if isinstance(value, list | tuple) else (value,) * size
    possible = all(type(count) is int and count >= least for count in counts)
    return counts if possible and len(counts) == size else None


def _mistake(*choices: str) -> PydanticCustomError:
    return PydanticCustomError("counts", "{choices} is expected", {"choices": ", ".join(choices)})


def _repeated(item: Any, size: int) -> Any:
    """Return the type of a tuple of ``size`` items."""
    return tuple.__class_getitem__((item,) * size)


def _either(words: tuple[str, ...], *forms: Any) -> Any:
    """Return the union of some words and forms, for the schema."""
    return Union[(Literal[words], *forms) if words else forms]  # noqa: UP007


PositiveTriple: TypeAlias = Annotated[tuple[int, int, int], counts_validator(3, 1)]
"""(depth, height, width); one integer sets all."""
