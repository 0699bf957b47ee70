"""Types shared by the parts of a spec."""

import re
from typing import Annotated, Any, ClassVar, TypeAlias

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from tinynet.config import Frozen
from tinynet.text.mistakes import explained
from tinynet.text.wording import format_value


def as_tuple(value: Any) -> Any:
    """Return a list as a tuple, for a frozen model."""
    return tuple(value) if isinstance(value, list) else value


def as_tuple_or_none(value: Any) -> Any:
    """Return a list as a tuple, and an empty one, which ``--set`` writes as [], as None."""
    return None if value in ([], ()) else as_tuple(value)


def _as_names(value: Any) -> Any:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list | tuple):
        return tuple(value)
    raise PydanticCustomError("names", "a name or a list of names is expected")


Names: TypeAlias = Annotated[
    tuple[str, ...], BeforeValidator(_as_names, json_schema_input_type=str | tuple[str, ...])
]
"""One name, or a list of names."""

MAX_NAME = 100
"""Most characters of a name."""

NAME = re.compile(rf"(?!.{{{MAX_NAME + 1}}})[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*")
"""The pattern of a name, which becomes part of addresses, file names and reports."""

NAME_RULE = (
    f"up to {MAX_NAME} ASCII letters, digits, '_', '-' or '.'; the first is a letter or a digit,"
    " and no '.' is last or beside another"
)


def _name(value: str) -> str:
    if not NAME.fullmatch(value):
        message = "{name} cannot be a name; a name is " + NAME_RULE
        raise PydanticCustomError("name", message, {"name": format_value(value)})
    return value


Name: TypeAlias = Annotated[
    str,
    AfterValidator(_name),
    WithJsonSchema({"type": "string", "pattern": f"^{NAME.pattern}$"}),
]
"""The name of a network, a node, or a figure."""


class SpecModel(Frozen):
    """A part of the spec; the error for an unknown key suggests the right one."""

    written: ClassVar[tuple[str, ...]] = ()
    """Keys of a file that are resolved before the model is validated."""

    @model_validator(mode="wrap")
    @classmethod
    def _explain(cls, raw: Any, handler: Any) -> Any:
        try:
            return handler(raw)
        except ValidationError as error:
            raise explained(error, cls.model_fields, also=cls.written) from error
