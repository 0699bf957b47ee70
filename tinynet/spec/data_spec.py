"""The ``data`` part of a spec: the dataset, its splits, and what happens to its arrays."""

from typing import Annotated, Any, ClassVar, Self, TypeAlias

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from tinynet.config import Reference
from tinynet.spec.parts import Names, SpecModel, as_tuple


class DatasetReference(Reference):
    """A dataset of its own for validation or test."""

    group: ClassVar[str] = "datasets"


class TransformReference(Reference):
    """A change of one or more arrays between dataset and network."""

    group: ClassVar[str] = "transforms"
    on: Names = Field(
        default=("input",), min_length=1, description="Names of the arrays it changes."
    )


def _part(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise PydanticCustomError(
            "part", "a fraction below 1, or a whole number of samples, is expected"
        )
    if value >= 1 and value != int(value):
        raise PydanticCustomError("part", "a number of samples must be whole")
    return value


Part: TypeAlias = Annotated[
    float, BeforeValidator(_part, json_schema_input_type=Annotated[float, Field(ge=0)])
]
"""Part of a dataset: a fraction below 1, or a number of samples."""


class SplitSpec(SpecModel):
    """How one dataset becomes three; what is neither validation nor test is for training."""

    validation: Part | None = Field(
        default=None,
        description="Samples held out for validation; a fraction or a number."
        " By default 0.1, or 0 where `data.validation` is a dataset of its own.",
    )
    test: Part | None = Field(
        default=None,
        description="Samples held out for the test; a fraction or a number."
        " By default 0.1, or 0 where `data.test` is a dataset of its own.",
    )
    stratify: bool = Field(
        default=False, description="Whether every class is split in the same proportion."
    )
    seed: int | None = Field(
        default=None, ge=0, description="Seed of the split; by default that of the training."
    )

    @model_validator(mode="after")
    def _leaves_some_for_training(self) -> Self:
        held_out = [part for part in (self.validation, self.test) if part is not None and part < 1]
        if sum(held_out) >= 1:
            raise PydanticCustomError(
                "split", "validation and test together leave no sample for training"
            )
        return self


class DataSpec(Reference):
    """The dataset, how it is split, and what happens to it before the network sees it."""

    group: ClassVar[str] = "datasets"
    split: SplitSpec = Field(default=SplitSpec(), description="How the dataset is split.")
    validation: DatasetReference | None = Field(
        default=None, description="A dataset of its own for validation."
    )
    test: DatasetReference | None = Field(
        default=None, description="A dataset of its own for the test."
    )
    transforms: Annotated[tuple[TransformReference, ...], BeforeValidator(as_tuple)] = Field(
        default=(), description="Changes of the arrays, in order."
    )
