"""The ``training`` part of a spec: losses, optimizer, metrics, stopping and checkpoints."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    model_serializer,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from tinynet import registry
from tinynet.config import Configure, Reference, is_common
from tinynet.spec.average_spec import AverageSpec
from tinynet.spec.network_spec import RegularizerReference
from tinynet.spec.parts import Name, Names, SpecModel, as_tuple, as_tuple_or_none
from tinynet.text.mistakes import details, mistake, refusal
from tinynet.text.wording import closest, quote


class LossReference(Reference):
    """The loss that training minimizes."""

    group: ClassVar[str] = "losses"
    weight: float = Field(default=1.0, ge=0, description="Its factor in the sum over all outputs.")
    target: str | None = Field(
        default=None,
        description="The target of the dataset, or an input: 'input' or 'input:name'; by default"
        " the target with the output's name, or the only one.",
    )


_ONE, _EACH = "(one loss)", "(losses by output)"


def _one_or_each(value: Any) -> str:
    """Return the tag of one loss, or of an object of losses; a guess for an invalid value."""
    if isinstance(value, LossReference | str) or not isinstance(value, Mapping) or not value:
        return _ONE
    is_one = "type" in value or closest("type", value) is not None
    return _ONE if is_one and not all(map(_is_object, value.values())) else _EACH


def _is_object(value: Any) -> bool:
    return isinstance(value, Mapping | LossReference)


Losses: TypeAlias = Annotated[
    Annotated[LossReference, Tag(_ONE)] | Annotated[dict[str, LossReference], Tag(_EACH)],
    Discriminator(_one_or_each),
]
"""The loss of the only output, or losses by the names of outputs."""


class OptimizerGroup(SpecModel):
    """Other options of the optimizer for some parameters."""

    params: Names = Field(
        min_length=1,
        max_length=100,
        description="The parameters, as patterns of their addresses: */bias. Of several that match"
        " the last one decides; those that begin with ! exclude.",
    )
    rate_factor: float = Field(
        default=1.0, ge=0, description="Factor of the learning rate, beside that of the schedule."
    )
    options: dict[str, Any] = Field(default_factory=dict, description="The optimizer's options.")

    @model_validator(mode="before")
    @classmethod
    def _split_options(cls, raw: Any) -> Any:
        if not isinstance(raw, Mapping):
            return raw
        own = cls.model_fields.keys() - {"options"}
        options = {key: value for key, value in raw.items() if key not in own}
        return {**{key: raw[key] for key in raw.keys() & own}, "options": options}

    @model_serializer(mode="wrap")
    def _merge_options(self, handler: Any) -> dict[str, Any]:
        fields: dict[str, Any] = handler(self)
        options = fields.pop("options")
        return {**fields, **options}


class OptimizerReference(Reference):
    """The optimizer."""

    group: ClassVar[str] = "optimizers"
    groups: Annotated[tuple[OptimizerGroup, ...] | None, BeforeValidator(as_tuple_or_none)] = Field(
        default=None,
        description="Other options for some parameters, such as no weight decay for biases. Of"
        " several groups with a parameter the last one decides.",
    )

    @classmethod
    def _split_options(cls, raw: Any, handler: Any, context: Mapping[str, Any]) -> Self:
        made = super()._split_options(raw, handler, context)
        configure: Configure | None = context.get("configure")
        if configure is None or made.groups is None:
            return made
        mistakes: list[InitErrorDetails] = []
        groups = []
        of_all = _OF_ALL
        if is_common(registry.default().load_type(made).Config, "clip_value"):
            of_all |= {"clip_value"}
        for index, group in enumerate(made.groups):
            options = group.options
            mistakes += [_of_all(key, index) for key in sorted(of_all & options.keys())]
            try:
                own_keys = OptimizerGroup.model_fields.keys() - {"options"}
                merged = {**made.options, **options}
                complete = configure(cls.group, made.type, merged, own_keys, unavailable=of_all)
            except ValidationError as error:
                for detail in details(error):
                    detail["loc"] = ("groups", index, *detail.get("loc", ()))
                    mistakes.append(detail)
            else:
                own = {key: complete[key] for key in options}
                groups.append(group.model_copy(update={"options": own}))
        if mistakes:
            raise refusal(mistakes)
        return made.model_copy(update={"groups": tuple(groups)})

    def of_group(self, group: OptimizerGroup) -> "OptimizerReference":
        """Return the optimizer with the options of a group."""
        return self.model_copy(update={"options": {**self.options, **group.options}})


_OF_ALL = frozenset({"learning_rate", "clip_norm"})
"""Options that a group cannot change, besides ``clip_value`` where an optimizer has no own one."""


def _of_all(key: str, index: int) -> InitErrorDetails:
    """Return the mistake of a group that sets an option of all parameters."""
    remedy = 'use "rate_factor"' if key == "learning_rate" else "remove it here"
    message = f"{quote(key)} is the same for all parameters; {remedy}"
    return mistake("group", message, "groups", index, key)


class ScheduleReference(Reference):
    """The schedule of the learning rate."""

    group: ClassVar[str] = "schedules"


class RegularizerSpec(RegularizerReference):
    """A regularizer of some parameters."""

    params: Names | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description="The parameters, as patterns of their addresses: dense_*/weight; those that"
        " begin with ! exclude. By default all that are called weight, or end in _weight.",
    )


class ConstraintSpec(Reference):
    """A constraint of some parameters, which holds after each update."""

    group: ClassVar[str] = "constraints"
    params: Names | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description="The parameters, as patterns of their addresses: dense_*/weight; those that"
        " begin with ! exclude. By default all that are called weight, or end in _weight.",
    )


class LookaheadSpec(SpecModel):
    """Slow weights that the trained ones return to after every few steps (Zhang et al., 2019)."""

    every_steps: int = Field(
        default=5, ge=1, description="Steps of the optimizer for one of the slow weights (k)."
    )
    fraction: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="Part of the way to the trained weights that the slow ones move (alpha).",
    )


class MetricReference(Reference):
    """A figure to report."""

    group: ClassVar[str] = "metrics"
    name: Name | None = Field(
        default=None, description="By default its type, after the output's name if there is one."
    )
    output: str | None = Field(
        default=None, description="The output that it measures; required if several have a loss."
    )

    @property
    def label(self) -> str:
        """The name of the figure in reports: ``accuracy``, or ``kind/accuracy``."""
        short = self.type.rpartition(":")[2]
        return self.name or (short if self.output is None else f"{self.output}/{short}")


class LoggerReference(Reference):
    """A logger, which also records the figures of the run outside of its log."""

    group: ClassVar[str] = "loggers"


def _each_once(loggers: tuple[LoggerReference, ...] | None) -> tuple[LoggerReference, ...] | None:
    """Refuse a logger that is listed twice, since both would write the same files."""
    for index, logger in enumerate(loggers or ()):
        if loggers and logger in loggers[:index]:
            message = "the logger {name} is listed twice; keep one, or give them other options"
            raise PydanticCustomError("logger", message, {"name": quote(logger.type)})
    return loggers


class EarlyStoppingSpec(SpecModel):
    """The rule that stops training early if it no longer improves."""

    metric: str = Field(default="val/loss", description="The monitored figure.")
    patience: int = Field(
        default=5, ge=1, description="Evaluations without improvement before training stops."
    )
    min_delta: float = Field(
        default=0.0, ge=0, description="Least change that counts as an improvement."
    )


class KeepBestSpec(SpecModel):
    """The choice of the best checkpoint."""

    metric: str = Field(default="val/loss", description="The monitored figure.")


class CheckpointSpec(SpecModel):
    """The rule that saves checkpoints; the first and the last step are always saved."""

    every_steps: int | None = Field(default=None, ge=1, description="Save at every n-th step.")
    every_epochs: int | None = Field(
        default=None,
        ge=1,
        description="Save at the end of every n-th epoch; by default 1, without another rule.",
    )
    every_seconds: float | None = Field(
        default=None, gt=0, description="Save after this many seconds since the last checkpoint."
    )
    keep_last: int = Field(default=3, ge=2, description="Number of newest checkpoints to keep.")
    keep_best: KeepBestSpec | None = Field(
        default=None, description="Also keep the best checkpoint by a metric."
    )

    @property
    def epochs_between(self) -> int | None:
        """`every_epochs` with its default."""
        if self.every_epochs is None and self.every_steps is None and self.every_seconds is None:
            return 1
        return self.every_epochs


class TrainingSpec(SpecModel):
    """The training of the network."""

    epochs: int | None = Field(default=None, ge=1, description="Passes over the training data.")
    steps: int | None = Field(default=None, ge=1, description="Updates; instead of epochs.")
    batch_size: int = Field(default=32, ge=1, description="Samples in a batch.")
    accumulate: int = Field(
        default=1, ge=1, description="Batches whose gradients are summed for one update."
    )
    shards: int | None = Field(
        default=None,
        ge=1,
        le=2**16,
        description="Number of parts that a batch is cut into for threads and processes, at most"
        " its samples; their gradients, and with more than 64 parts the statistics of batch"
        " normalization, are then added in pairs. By default it follows from the network and the"
        " kernels, and they are added one after the other. Layers draw random numbers for each"
        " part, such as the masks of dropout.",
    )
    seed: int = Field(default=0, ge=0, lt=2**63, description="Seed of all random numbers.")
    loss: Losses = Field(
        description="The loss to minimize. With several outputs, an object of losses by output, or"
        " by outputs that one loss compares: 'left+right'; outputs without a loss are not trained."
    )
    optimizer: OptimizerReference = Field(description="The update rule of the parameters.")
    schedule: ScheduleReference | None = Field(
        default=None, description="The schedule of the learning rate; by default it is constant."
    )
    metrics: Annotated[tuple[MetricReference, ...], BeforeValidator(as_tuple)] = Field(
        default=(), description="Metrics to report besides the loss."
    )
    regularizers: Annotated[
        tuple[RegularizerSpec, ...] | None, BeforeValidator(as_tuple_or_none)
    ] = Field(
        default=None,
        max_length=100,
        description="The regularizers of parameters. Each adds its penalty, also where several have"
        " the same parameter, or where its node has a regularizer.",
    )
    constraints: Annotated[tuple[ConstraintSpec, ...] | None, BeforeValidator(as_tuple_or_none)] = (
        Field(
            default=None,
            max_length=100,
            description="The constraints of parameters, applied in this order after each update.",
        )
    )
    trainable: Names | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description="The parameters to train, as patterns of their addresses: conv2d_*/weight."
        " Of several that match the last one decides; those that begin with ! exclude. Parameters"
        " that none matches, and those of nodes that are not trainable, stay as they are."
        " Layers without parameters are not affected.",
    )
    class_weights: Literal["balanced"] | dict[str, Annotated[float, Field(ge=0)]] | None = Field(
        default=None,
        description="Weight of the samples of each class in the training loss, by the class's"
        " name (1 where it is not named), or 'balanced': samples / (classes * samples of the"
        " class).",
    )
    average: AverageSpec | None = Field(
        default=None,
        description="An average of the weights, which evaluations and predictions use instead of"
        " the weights; training itself continues from the weights. It cannot change on resuming.",
    )
    lookahead: LookaheadSpec | None = Field(
        default=None,
        description="Slow weights that the trained ones return to. It cannot change on resuming.",
    )
    early_stopping: EarlyStoppingSpec | None = Field(
        default=None, description="When to stop before the end."
    )
    checkpoint: CheckpointSpec = Field(
        default=CheckpointSpec(), description="When to save, and what to keep."
    )
    evaluate_every_steps: int | None = Field(
        default=None,
        ge=1,
        description="Evaluate at every n-th step and at the end, instead of after each epoch.",
    )
    log_every_steps: int | None = Field(
        default=None, ge=1, description="Log the loss at every n-th step, not only epochs."
    )
    log_statistics_every_steps: int | None = Field(
        default=None,
        ge=1,
        description="Log statistics of parameters, gradients and outputs of layers at every n-th"
        " step, for reports and loggers. They do not affect the training.",
    )
    loggers: Annotated[
        tuple[LoggerReference, ...] | None,
        BeforeValidator(as_tuple_or_none),
        AfterValidator(_each_once),
    ] = Field(
        default=None,
        max_length=20,
        description="Loggers, which also record the figures elsewhere: in a table, for"
        " TensorBoard, ... They do not affect the training.",
    )

    def losses(self, outputs: Sequence[str]) -> dict[str, LossReference]:
        """Return the losses by the names of their outputs.

        Args:
            outputs: Names of the network's outputs; a single one if the spec has a single loss.
        """
        if isinstance(self.loss, LossReference):
            return {outputs[0]: self.loss}
        return dict(self.loss)

    @model_validator(mode="after")
    def _epochs_or_steps(self) -> Self:
        if self.epochs is None and self.steps is None:
            raise PydanticCustomError("length", "'epochs' or 'steps' is required")
        if self.epochs is not None and self.steps is not None:
            raise PydanticCustomError(
                "length", "'epochs' and 'steps' are both set; keep one of the two"
            )
        return self
