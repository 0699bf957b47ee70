"""The pydantic models of a spec: what a JSON file may say.

A spec names plugins and numbers, and nothing else. Validation looks up every plugin that is named,
checks its options against its ``Config`` and completes them, so that a `Spec` is resolved: it says
everything, and can be written down and read again.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    JsonValue,
    PrivateAttr,
    ValidationError,
    WithJsonSchema,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError

from tinynet.config import Frozen, Reference
from tinynet.errors import LocatedError
from tinynet.spec.origin import Origin
from tinynet.text.mistakes import explained, mistake, refusal
from tinynet.text.wording import quoted, show


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


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

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
"""What a name is made of: it becomes part of addresses, file names and reports."""

NAME_RULE = "up to 100 letters, digits, '_', '-' or '.', of which the first is a letter or a digit"


def _name(value: str) -> str:
    if not NAME.fullmatch(value):
        message = "{name} cannot be a name; a name is " + NAME_RULE
        raise PydanticCustomError("name", message, {"name": show(value)})
    return value


Name: TypeAlias = Annotated[
    str,
    AfterValidator(_name),
    WithJsonSchema({"type": "string", "pattern": f"^{NAME.pattern}$"}),
]
"""The name of a network, a node, or a figure."""


class SpecModel(Frozen):
    """A part of the spec; an unknown key says which one may have been meant."""

    @model_validator(mode="wrap")
    @classmethod
    def _explain(cls, raw: Any, handler: Any) -> Any:
        try:
            return handler(raw)
        except ValidationError as error:
            raise explained(error, cls.model_fields) from error


class NodeSpec(Reference):
    """One node of the network: a layer's type and parameters beside the graph's own keys."""

    group: ClassVar[str] = "layers"
    type: str = Field(default="", description="The layer's type; left out where it `shares` one.")
    name: Name | None = Field(
        default=None,
        description="The node's name; by default its type and ordinal, such as conv2d_1.",
    )
    inputs: Names | None = Field(
        default=None,
        min_length=1,
        description="Nodes this one follows, or 'input'; by default the one before it.",
    )
    shares: str | None = Field(
        default=None, description="A node whose layer, parameters and all, stands here too."
    )
    trainable: bool = Field(
        default=True,
        description="Whether training changes its parameters; a frozen layer with running"
        " statistics uses them and leaves them as they are.",
    )

    @model_validator(mode="before")
    @classmethod
    def _type_or_shares(cls, raw: Any) -> Any:
        if not isinstance(raw, Mapping) or ("type" in raw) != ("shares" in raw):
            return raw
        if "shares" in raw:
            message = "a node that shares another's layer has no type of its own"
            raise refusal([mistake("shares", message, "type")])
        raise refusal([mistake("missing_key", "'type' is required: which layer is it?", "type")])

    @model_validator(mode="after")
    def _shares_everything(self) -> Self:
        if self.shares is None:
            return self
        keys = (*self.options, *({"trainable"} & self.model_fields_set))
        rule = f"belongs to {quoted(self.shares)}, whose layer this node shares"
        if keys:
            raise refusal([mistake("shares", f"{quoted(key)} {rule}", key) for key in keys])
        return self

    @model_serializer(mode="wrap")
    def _merge_options(self, handler: Any) -> dict[str, Any]:
        fields: dict[str, Any] = super()._merge_options(handler)
        if self.shares is not None:
            del fields["type"], fields["trainable"]
        return fields


class NetworkSpec(SpecModel):
    """The network: nodes, each following the one before it unless it says otherwise."""

    input_shape: (
        Annotated[tuple[Annotated[int, Field(ge=1)], ...], BeforeValidator(_as_tuple)] | None
    ) = Field(default=None, description="Shape of one sample; by default the dataset tells it.")
    dtype: Literal["float32", "float64"] = Field(
        default="float32", description="What parameters are made of and what is computed in."
    )
    layers: Annotated[tuple[NodeSpec, ...], BeforeValidator(_as_tuple)] = Field(
        min_length=1, max_length=10_000, description="The nodes, in any order that names resolve."
    )


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
    transforms: Annotated[tuple[TransformReference, ...], BeforeValidator(_as_tuple)] = Field(
        default=(), description="Changes of the arrays, in order."
    )


class LossReference(Reference):
    """What training minimises."""

    group: ClassVar[str] = "losses"


class OptimizerReference(Reference):
    """How gradients change parameters."""

    group: ClassVar[str] = "optimizers"


class ScheduleReference(Reference):
    """How the learning rate changes."""

    group: ClassVar[str] = "schedules"


class MetricReference(Reference):
    """A figure to report."""

    group: ClassVar[str] = "metrics"
    name: Name | None = Field(default=None, description="By default its type.")

    @property
    def label(self) -> str:
        """What the figure is called in reports."""
        return self.name or self.type.rpartition(":")[2]


class EarlyStoppingSpec(SpecModel):
    """When to stop before the end: no improvement for a while."""

    metric: str = Field(default="val/loss", description="The figure to watch.")
    patience: int = Field(
        default=5, ge=1, description="Evaluations without improvement before training stops."
    )
    min_delta: float = Field(
        default=0.0, ge=0, description="Least change that counts as an improvement."
    )


class KeepBestSpec(SpecModel):
    """Which checkpoint is the best."""

    metric: str = Field(default="val/loss", description="The figure that decides.")


class CheckpointSpec(SpecModel):
    """When to save, and what to keep. The first and the last step are always saved."""

    every_steps: int | None = Field(default=None, ge=1, description="Save at every n-th step.")
    every_epochs: int | None = Field(
        default=None,
        ge=1,
        description="Save at the end of every n-th epoch; 1 where nothing else is said.",
    )
    every_seconds: float | None = Field(
        default=None, gt=0, description="Save when that many seconds have passed since the last."
    )
    keep_last: int = Field(default=3, ge=2, description="How many of the newest are kept.")
    keep_best: KeepBestSpec | None = Field(
        default=None, description="Keep the checkpoint that was best by a figure, too."
    )

    @property
    def epochs_between(self) -> int | None:
        """`every_epochs` with its default."""
        if self.every_epochs is None and self.every_steps is None and self.every_seconds is None:
            return 1
        return self.every_epochs


class TrainingSpec(SpecModel):
    """How the network is trained."""

    epochs: int | None = Field(default=None, ge=1, description="Passes over the training data.")
    steps: int | None = Field(default=None, ge=1, description="Updates; instead of epochs.")
    batch_size: int = Field(default=32, ge=1, description="Samples in a batch.")
    accumulate: int = Field(
        default=1, ge=1, description="Batches whose gradients are summed for one update."
    )
    seed: int = Field(default=0, ge=0, lt=2**63, description="Everything random follows from it.")
    loss: LossReference = Field(description="What training minimises.")
    optimizer: OptimizerReference = Field(description="How gradients change parameters.")
    schedule: ScheduleReference | None = Field(
        default=None, description="How the learning rate changes; by default it does not."
    )
    metrics: Annotated[tuple[MetricReference, ...], BeforeValidator(_as_tuple)] = Field(
        default=(), description="Figures to report beside the loss."
    )
    class_weights: Literal["balanced"] | dict[str, Annotated[float, Field(ge=0)]] | None = Field(
        default=None,
        description="How much a sample of each class counts in the training loss, by the class's"
        " name (1 where it is not named), or 'balanced': samples / (classes * samples of the"
        " class).",
    )
    early_stopping: EarlyStoppingSpec | None = Field(
        default=None, description="When to stop before the end."
    )
    checkpoint: CheckpointSpec = Field(
        default=CheckpointSpec(), description="When to save, and what to keep."
    )
    log_every_steps: int | None = Field(
        default=None, ge=1, description="Log the loss at every n-th step, not only epochs."
    )

    @model_validator(mode="after")
    def _epochs_or_steps(self) -> Self:
        if self.epochs is None and self.steps is None:
            raise PydanticCustomError("length", "'epochs' or 'steps' is required")
        if self.epochs is not None and self.steps is not None:
            raise PydanticCustomError("length", "'epochs' and 'steps' exclude each other")
        return self


def _version(value: Any) -> Any:
    if type(value) is int and value > 1:
        raise PydanticCustomError(
            "version",
            "version {version} of the spec language needs a newer tinynet; this one reads 1",
            {"version": show(value)},
        )
    if type(value) is not int:
        raise PydanticCustomError("version", "the version of the spec language, 1, is expected")
    return value


class Spec(SpecModel):
    """A whole spec."""

    tinynet: Annotated[Literal[1], BeforeValidator(_version)] = Field(
        description="Version of the spec language, which is 1."
    )
    name: Name = Field(description="The network's name; run directories are called after it.")
    data: DataSpec | None = Field(default=None, description="What it learns from.")
    network: NetworkSpec = Field(description="What it is.")
    training: TrainingSpec = Field(description="How it learns.")
    _origin: Origin = PrivateAttr(default_factory=Origin)

    @property
    def folder(self) -> Path:
        """Where relative data paths start unless a data root is given: the spec's own folder."""
        return self._origin.folder or Path.cwd()

    def resolved(self) -> dict[str, JsonValue]:
        """The spec as JSON, every default filled in."""
        return self.model_dump(mode="json", exclude_none=True)

    def locate(self, error: LocatedError) -> LocatedError:
        """The same error, with line and column where the spec was read from a text."""
        return self._origin.place(error)
