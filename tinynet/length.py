"""Lengths of time in a run: a number of steps, or of epochs, which become steps with the data.

In a spec a length is ``100`` (steps) or ``{"epochs": 2.5}``. A config with lengths in epochs is
validated twice: as it is in the spec, and with whole steps before anything is made of it.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias, TypeVar

from pydantic import (
    BaseModel,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema, to_json

from tinynet.config import Frozen
from tinynet.errors import Problem, SpecError
from tinynet.text.mistakes import explained, problems

_STEPS_PER_EPOCH = "steps_per_epoch"
"""Key of the serialization context with which epochs are written as steps."""

_STEPS, _EPOCHS = "(steps)", "(epochs)"

Path: TypeAlias = tuple[int | str, ...]
Model = TypeVar("Model", bound=Frozen)


class Epochs(Frozen):
    """A number of epochs, ``{"epochs": 2.5}``, which is rounded to whole steps."""

    epochs: float = Field(gt=0, description="Passes over the training data.")

    def steps(self, steps_per_epoch: int) -> int:
        """Return the nearest whole number of steps, at most 2^53; a half is rounded up."""
        return math.floor(min(self.epochs * steps_per_epoch + 0.5, 2.0**53))

    @model_validator(mode="wrap")
    @classmethod
    def _explain(cls, raw: Any, handler: Any) -> Any:
        try:
            return handler(raw)
        except ValidationError as error:
            raise explained(error, cls.model_fields) from error

    @model_serializer(mode="wrap")
    def _as_written(self, handler: SerializerFunctionWrapHandler, info: SerializationInfo) -> Any:
        per_epoch = (info.context or {}).get(_STEPS_PER_EPOCH)
        return handler(self) if per_epoch is None else self.steps(per_epoch)


@dataclass(frozen=True)
class _StepsOrEpochs:
    """The mark of a field that takes steps or epochs, with the least number of steps."""

    least: int

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        choices = {
            _STEPS: core_schema.int_schema(ge=self.least),
            _EPOCHS: handler.generate_schema(Epochs),
        }
        return core_schema.tagged_union_schema(choices, discriminator=_kind)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"anyOf": handler(schema)["oneOf"]}


def _kind(value: Any) -> str:
    return _EPOCHS if isinstance(value, Mapping | Epochs) else _STEPS


Length: TypeAlias = Annotated[int, _StepsOrEpochs(1)]
"""A length of at least 1 step, which a spec may give in epochs."""

LengthOrZero: TypeAlias = Annotated[int, _StepsOrEpochs(0)]
"""A length of at least 0 steps, which a spec may give in epochs."""


def has_epochs(value: Any) -> bool:
    """Return True if a value, or anything in it, is a length in epochs.

    A validator that compares lengths of a config skips them then: it runs again with whole steps.

    Args:
        value: A length, a list or dict of values, or a config.
    """
    return next(paths_of_epochs(value), None) is not None


def paths_of_epochs(value: Any) -> Iterator[Path]:
    """Yield the path to each length in epochs within a value; see `has_epochs`."""
    if isinstance(value, Epochs):
        yield ()
        return
    parts: Iterator[tuple[int | str, Any]] = iter(())
    if isinstance(value, BaseModel):
        parts = iter(value)
    elif isinstance(value, Mapping):
        parts = iter(value.items())
    elif isinstance(value, list | tuple):
        parts = iter(enumerate(value))
    for key, part in parts:
        yield from ((key, *path) for path in paths_of_epochs(part))


def in_steps(config: Model, steps_per_epoch: int, pointer: str) -> Model:
    """Return a config with whole steps in place of epochs.

    Args:
        config: The config, with lengths in epochs.
        steps_per_epoch: Steps in an epoch.
        pointer: JSON pointer to the config in the spec, for errors.

    Raises:
        SpecError: listing the lengths that are too short in steps, or that do not fit each other.
    """
    document = config.model_dump(mode="json", context={_STEPS_PER_EPOCH: steps_per_epoch})
    try:
        # Through JSON, since strict validation of Python values refuses a list for a tuple.
        return type(config).model_validate_json(to_json(document))
    except ValidationError as error:
        note = f"(in steps: an epoch has {steps_per_epoch:,})"
        listed = problems(error, document)
        raise SpecError(
            [Problem(f"{p.message} {note}", pointer + p.pointer) for p in listed]
        ) from error
