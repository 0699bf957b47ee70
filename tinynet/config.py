"""The options of plugins: frozen, strict pydantic models.

Every type that a spec can name has a nested ``Config``. The description of a field (with its unit)
appears in error messages, ``tinynet layers`` and the JSON Schema.
"""

from collections.abc import Collection, Iterable, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Protocol, Self, TypeAlias

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    ModelWrapValidatorHandler,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    create_model,
    model_serializer,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from tinynet.errors import PluginError
from tinynet.text.mistakes import details, explained, mistake, plugin_fault, refusal
from tinynet.text.wording import closest, format_value, quote

__all__ = ["Config", "Frozen", "InitializerReference", "PositivePair"]


class Configure(Protocol):
    """A function that completes and validates the options of a type."""

    def __call__(
        self,
        group: str,
        name: str,
        options: dict[str, Any],
        reserved: Iterable[str] = (),
        *,
        unavailable: Collection[str] = (),
    ) -> dict[str, Any]:
        """Return the options with their defaults.

        Messages suggest the type's options, except the ``unavailable``, and the ``reserved`` keys.
        """
        ...


NODE_KEYS = frozenset(
    "type name inputs outputs shares trainable block repeat dtype initial regularizer weight"
    " comment when".split()
)
"""Keys of every node, which plugins cannot use; some are reserved for later versions."""


# For its first model pydantic reads the metadata of every distribution for its own plugins, and
# raises an error if one is malformed. It reads them once, so the next model succeeds.
with suppress(Exception):
    create_model("FirstModel")


class Frozen(BaseModel):
    """A pydantic model that is immutable, forbids unknown keys, and converts no values."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Config(Frozen):
    """The base of every nested ``Config``.

    Raises:
        PluginError: when a subclass is defined with a field whose name specs reserve.
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


@dataclass(frozen=True)
class Common:
    """The mark of a field that tinynet applies for every type: ``Annotated[T, Common()]``.

    A subclass that declares the field itself applies it itself.
    """


def is_common(config: type[Any], option: str) -> bool:
    """Return True if tinynet applies the option; False if a plugin does, or if there is none."""
    field = config.model_fields.get(option)
    return field is not None and any(isinstance(mark, Common) for mark in field.metadata)


@dataclass
class Patience:
    """The number of mistakes that are still counted."""

    left: int


class Reference(Frozen):
    """A reference to a plugin: ``"adam"``, or ``{"type": "adam", "learning_rate": 0.01}``.

    It is plain data; the registry finds the class. Fields of a subclass are the keys that the spec
    reserves at that place; all other keys are the plugin's ``options``.

    A validation context may have a function under ``"configure"``: it validates the options by the
    plugin's ``Config`` and adds their defaults, so that errors have their place in the document. It
    may also have `Patience` under ``"patience"``, and under ``"recorded"`` the qualified names that
    a checkpoint recorded, by ``group:name``, which resolve ambiguous names.
    """

    group: ClassVar[str]
    type: str = Field(description="The plugin's name, or 'distribution:name'.")
    options: dict[str, JsonValue] = Field(default_factory=dict)
    _recorded: Mapping[str, str] = PrivateAttr(default_factory=dict)

    @property
    def _lookup_name(self) -> str:
        """Return the name to look up: as a checkpoint recorded it, or else as in the spec."""
        return self._recorded.get(f"{self.group}:{self.type}", self.type)

    def __hash__(self) -> int:
        # Otherwise pydantic deep-copies the default for every node without the option.
        return hash(self.type)

    @model_validator(mode="wrap")
    @classmethod
    def _patiently(
        cls, raw: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo
    ) -> Self:
        if isinstance(raw, cls):
            return handler(raw)
        context = info.context or {}
        patience: Patience | None = context.get("patience")
        if patience is None:
            return cls._split_options(raw, handler, context)
        if patience.left <= 0:
            return handler({"type": "", "options": {}})
        try:
            return cls._split_options(raw, handler, context)
        except ValidationError as error:
            patience.left -= error.error_count()
            raise

    @classmethod
    def _own_keys(cls, raw: Mapping[str, Any], context: Mapping[str, Any]) -> Set[str]:
        """Return the keys that the spec reserves in an object; all others are options."""
        return cls.model_fields.keys() - {"options"}

    @classmethod
    def _split_options(
        cls, raw: Any, handler: ModelWrapValidatorHandler[Self], context: Mapping[str, Any]
    ) -> Self:
        configure: Configure | None = context.get("configure")
        if isinstance(raw, str):
            raw = {"type": raw}
        if not isinstance(raw, Mapping):
            message = "a name or an object with a 'type' is expected"
            raise refusal([mistake("reference", message, value=raw)])
        own = cls._own_keys(raw, context)
        reserved = {key: value for key, value in raw.items() if key in own}
        options = {key: value for key, value in raw.items() if key not in own}
        if "type" not in reserved and (wrong := closest("type", options)):
            message = f"unknown key {quote(wrong)}; did you mean 'type'?"
            raise refusal([mistake("unknown_key", message, wrong)])
        mistakes: list[InitErrorDetails] = []
        if configure is not None and isinstance(reserved.get("type"), str):
            try:
                options = configure(cls.group, reserved["type"], options, own)
            except ValidationError as error:
                mistakes += details(error)
            except PluginError as error:
                mistakes.append(plugin_fault(error, reserved["type"]))
        try:
            made = handler({**reserved, "options": options})
        except ValidationError as error:
            mistakes += details(explained(error, cls.model_fields))
        if mistakes:
            raise refusal(mistakes)
        made._recorded = context.get("recorded", {})
        return made

    @model_serializer(mode="wrap")
    def _merge_options(self, handler: Any) -> dict[str, Any]:
        fields = handler(self)
        options = fields.pop("options")
        kept = {key: value for key, value in fields.items() if value is not None}
        return {**kept, **options}


class InitializerReference(Reference):
    """The initializer of a parameter: the type of the option ``weight_initializer``."""

    group: ClassVar[str] = "initializers"


def _positive_pair(value: Any) -> Any:
    pair = (value, value) if isinstance(value, int) else value
    is_pair = isinstance(pair, list | tuple) and len(pair) == 2
    if not is_pair or not all(isinstance(v, int) and not isinstance(v, bool) for v in pair):
        raise PydanticCustomError("pair", "an integer or two integers [height, width] are expected")
    if min(pair) < 1:
        message = "must be at least 1, not {value}"
        raise PydanticCustomError("pair", message, {"value": format_value(value)})
    return tuple(pair)


PositivePair: TypeAlias = Annotated[
    tuple[int, int],
    BeforeValidator(
        _positive_pair,
        json_schema_input_type=Annotated[int, Field(ge=1)]
        | tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]],
    ),
]
"""(height, width); one integer sets both."""
