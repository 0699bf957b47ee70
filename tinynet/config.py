"""What a plugin's parameters look like: frozen, strict pydantic models.

Every type that a spec can name has a nested ``Config``. A field's description (and unit) is said
once, here or in the plugin, and feeds error messages, ``tinynet layers`` and the JSON Schema.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, ClassVar, TypeAlias, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    ValidationInfo,
    model_serializer,
    model_validator,
)
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError
from pydantic_core.core_schema import ErrorType

from tinynet.errors import PluginError


class Frozen(BaseModel):
    """A pydantic model that is immutable, refuses unknown keys, and converts nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Config(Frozen):
    """The base of every nested ``Config``.

    Raises:
        PluginError: when the subclass is defined, if a field has a name that specs reserve.
    """

    reserved: ClassVar[frozenset[str]] = frozenset({"type", "name", "comment"})
    """Keys of a spec's object that belong to the grammar, not to the plugin."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        taken = sorted(cls.reserved & cls.model_fields.keys())
        if taken:
            raise PluginError(
                f"{cls.__qualname__}: the spec language reserves {', '.join(taken)};"
                " give the field another name"
            )


class Reference(Frozen):
    """A plugin as a spec names it: ``"adam"``, or ``{"type": "adam", "learning_rate": 0.01}``.

    Plain data: the class behind it is looked up by whoever uses it. Fields of a subclass are the
    keys that the grammar reserves at that place; all other keys are the plugin's ``options``.

    A validation context with a function under ``"configure"`` checks the options against the
    plugin's ``Config`` while the place in the document is still known, and completes them with
    their defaults.
    """

    group: ClassVar[str]
    type: str = Field(description="The plugin's name, or 'distribution:name'.")
    options: dict[str, JsonValue] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _split_options(cls, raw: Any, info: ValidationInfo) -> Any:
        if isinstance(raw, str):
            raw = {"type": raw}
        if not isinstance(raw, Mapping):
            return raw
        own = cls.model_fields.keys() - {"options"}
        reserved = {key: value for key, value in raw.items() if key in own}
        options = {key: value for key, value in raw.items() if key not in own}
        configure = (info.context or {}).get("configure")
        if configure is not None and isinstance(reserved.get("type"), str):
            options = configure(cls.group, reserved["type"], options, own)
        return {**reserved, "options": options}

    @model_serializer(mode="wrap")
    def _merge_options(self, handler: Any) -> dict[str, Any]:
        fields = handler(self)
        options = fields.pop("options")
        kept = {key: value for key, value in fields.items() if value is not None}
        return {**kept, **options}


class InitializerReference(Reference):
    """How a parameter is filled at first: the field type of ``weight_initializer`` and its like."""

    group: ClassVar[str] = "initializers"


def with_suggestions(error: ValidationError, known: Iterable[str]) -> ValidationError:
    """The same error, in which an unknown key at the top says which one may have been meant."""
    lines = [_with_suggestion(line, known) for line in error.errors()]
    return ValidationError.from_exception_data(error.title, lines)


def _with_suggestion(line: ErrorDetails, known: Iterable[str]) -> InitErrorDetails:
    loc, value, kind = line["loc"], line["input"], line["type"]
    if kind == "extra_forbidden" and len(loc) == 1:
        message = {"key": repr(loc[0]), "hint": suggest(str(loc[0]), known)}
        unknown = PydanticCustomError("unknown_key", "unknown key {key}; {hint}", message)
        return InitErrorDetails(type=unknown, loc=loc, input=value)
    if kind in PYDANTIC_ERRORS:
        return InitErrorDetails(type=kind, loc=loc, input=value, ctx=line.get("ctx", {}))
    same = PydanticCustomError(kind, "{message}", {"message": line["msg"]})
    return InitErrorDetails(type=same, loc=loc, input=value)


PYDANTIC_ERRORS = frozenset(get_args(ErrorType))


def suggest(word: str, known: Iterable[str]) -> str:
    """What to say about a word that is not among the known ones."""
    known = sorted(set(known))
    if close := get_close_matches(word, known, n=1, cutoff=0.6):
        return f"did you mean {close[0]!r}?"
    return f"known are {', '.join(known)}" if known else "none is known here"


def _pair(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return (value, value)
    is_pair = isinstance(value, list | tuple) and len(value) == 2
    if is_pair and all(isinstance(v, int) and not isinstance(v, bool) for v in value):
        return tuple(value)
    raise PydanticCustomError("pair", "an integer or two integers [height, width] are expected")


def _positive_pair(value: Any) -> Any:
    pair = _pair(value)
    if min(pair) < 1:
        raise PydanticCustomError("pair", "both integers must be at least 1")
    return pair


PositivePair: TypeAlias = Annotated[
    tuple[int, int],
    BeforeValidator(
        _positive_pair,
        json_schema_input_type=Annotated[int, Field(ge=1)]
        | tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]],
    ),
]
"""(height, width): one integer stands for both."""
