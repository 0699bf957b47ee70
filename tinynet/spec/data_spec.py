"""The ``data`` part of a spec: the dataset, its splits and its transforms."""

from collections.abc import Mapping, Set
from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Discriminator, Field, JsonValue, Tag, model_validator
from pydantic_core import PydanticCustomError

from tinynet import registry
from tinynet.config import Config, Reference
from tinynet.errors import PluginError
from tinynet.spec.parts import Names, SpecModel, as_tuple
from tinynet.spec.windows_spec import WindowsSpec
from tinynet.text.mistakes import mistake, refusal

INFERRED = "inferred"
"""The option of a dataset for what it inferred from the data."""

LATER_KEYS = frozenset({"order", "windows"})
"""Keys that older datasets may have as options of their own, which keep their meaning."""


class DatasetReference(Reference):
    """A separate dataset for validation or test."""

    group: ClassVar[str] = "datasets"


class TransformReference(Reference):
    """A change of one or more arrays between dataset and network."""

    group: ClassVar[str] = "transforms"
    on: Names = Field(
        default=("input",), min_length=1, description="Names of the arrays to transform."
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


class SortedOrder(SpecModel):
    """The order of samples by a column, such as a date."""

    by: str = Field(
        min_length=1,
        description="The column to sort by: numbers, or dates (as text: ISO 8601). Equal values"
        " keep the order of the data.",
    )


_AS_IS, _SORTED = "(as it is)", "(sorted)"


def _order_tag(value: Any) -> str:
    return _SORTED if isinstance(value, Mapping | SortedOrder) else _AS_IS


Order: TypeAlias = Annotated[
    Annotated[Literal["as_is"], Tag(_AS_IS)] | Annotated[SortedOrder, Tag(_SORTED)],
    Discriminator(_order_tag),
]
"""The order of an ordered split."""


class SplitSpec(SpecModel):
    """The split of a dataset; samples in neither validation nor test are for training."""

    validation: Part | None = Field(
        default=None,
        description="Samples held out for validation; a fraction or a number."
        " By default 0.1, or 0 if `data.validation` is a separate dataset.",
    )
    test: Part | None = Field(
        default=None,
        description="Samples held out for the test; a fraction or a number."
        " By default 0.1, or 0 if `data.test` is a separate dataset.",
    )
    stratify: bool = Field(
        default=False, description="True to split every class in the same proportion."
    )
    seed: int | None = Field(
        default=None, ge=0, description="Seed of the split; by default that of the training."
    )
    by: str | None = Field(
        default=None,
        min_length=1,
        description="A column, such as a patient: all samples with the same value are in the same"
        " split. The sizes of the splits are approached with whole groups.",
    )
    order: Order | None = Field(
        default=None,
        description="'as_is': the first samples are for training, then come those for validation,"
        ' then those for the test. {"by": column}: the same, once the samples are sorted by a'
        " column. By default each split is a random choice.",
    )
    gap: int | None = Field(
        default=None,
        ge=0,
        description="Samples left out between two splits in an `order`, so that overlapping"
        " windows of a sequence have nothing in common.",
    )

    @property
    def uses_columns(self) -> bool:
        """True if the split depends on a column of the dataset."""
        return self.by is not None or isinstance(self.order, SortedOrder)

    @model_validator(mode="after")
    def _fits_the_order(self) -> Self:
        order = '"order": "as_is"' if self.order == "as_is" else 'an "order"'
        if self.order is not None and self.stratify:
            raise PydanticCustomError(
                "stratify", f"a split with {order} cannot be stratified; remove one of them"
            )
        if self.order is not None and self.seed is not None:
            raise PydanticCustomError(
                "seed", f"a split with {order} is not random; remove its seed"
            )
        if self.by is not None and self.stratify:
            raise PydanticCustomError(
                "stratify",
                'a split with "by" keeps groups whole and cannot be stratified; set "stratify" to'
                ' false, or remove "by"',
            )
        return self

    @model_validator(mode="after")
    def _leaves_some_for_training(self) -> Self:
        held_out = [part for part in (self.validation, self.test) if part is not None and part < 1]
        if sum(held_out) >= 1:
            raise PydanticCustomError(
                "split", "validation and test together leave no sample for training"
            )
        return self


class ShuffleSpec(SpecModel):
    """Samples in random order, another one in each epoch."""

    type: Literal["shuffle"] = Field(description="The kind of the order.")


class BlocksSpec(SpecModel):
    """Blocks of neighboring samples in random order, shuffled in windows of blocks.

    For data larger than memory: consecutive steps read few parts of a file, and neither time nor
    memory depends on the number of samples. A random split consists of blocks, too.
    """

    type: Literal["blocks"] = Field(description="The kind of the order.")
    block: int = Field(default=256, ge=1, description="Neighboring samples in a block.")
    window: int = Field(
        default=64, ge=1, description="Blocks in a window, within which samples are shuffled."
    )


def _as_order(value: Any) -> Any:
    return {"type": value} if isinstance(value, str) else value


OrderSpec: TypeAlias = Annotated[
    Annotated[ShuffleSpec | BlocksSpec, Field(discriminator="type")],
    BeforeValidator(
        _as_order, json_schema_input_type=Literal["shuffle", "blocks"] | ShuffleSpec | BlocksSpec
    ),
]
"""The order of the training samples in an epoch."""


class DataSpec(Reference):
    """The dataset, its splits, and the transforms before the network."""

    group: ClassVar[str] = "datasets"
    split: SplitSpec = Field(default=SplitSpec(), description="The split of the dataset.")
    validation: DatasetReference | None = Field(
        default=None, description="A separate dataset for validation."
    )
    test: DatasetReference | None = Field(
        default=None, description="A separate dataset for the test."
    )
    transforms: Annotated[tuple[TransformReference, ...], BeforeValidator(as_tuple)] = Field(
        default=(), description="Transforms of the arrays, in order."
    )
    order: OrderSpec | None = Field(
        default=None,
        description="The order of the training samples in an epoch; by default 'shuffle'.",
    )
    windows: WindowsSpec | None = Field(
        default=None,
        description="Windows of consecutive samples, cut after the split. Without a `split.by` the"
        " split is then in order.",
    )

    @classmethod
    def _own_keys(cls, raw: Mapping[str, Any], context: Mapping[str, Any]) -> Set[str]:
        own = super()._own_keys(raw, context)
        name = raw.get("type")
        if not LATER_KEYS & raw.keys() or not isinstance(name, str):
            return own
        recorded = context.get("recorded", {}).get(f"{cls.group}:{name}", name)
        try:
            config: type[Config] = registry.default().load(cls.group, recorded).Config
        except PluginError:
            return own
        return own - (LATER_KEYS & config.model_fields.keys())

    @classmethod
    def _split_options(cls, raw: Any, handler: Any, context: Mapping[str, Any]) -> Self:
        made = super()._split_options(raw, handler, context)
        ordered = made if made.windows is None else made._ordered(made.windows)
        if ordered.split.order is None and ordered.split.gap is not None:
            raise refusal([mistake("gap", 'a gap needs "order": "as_is"', "split")])
        return ordered

    def _ordered(self, windows: WindowsSpec) -> Self:
        """Return the same data with the order of the split, and the series, that windows imply."""
        split = self.split
        if split.by is not None:
            by = windows.by or split.by
            return self.model_copy(update={"windows": windows.model_copy(update={"by": by})})
        if split.order is not None:
            return self
        for key, is_set in (("stratify", split.stratify), ("seed", split.seed is not None)):
            if is_set:
                message = (
                    "windows are cut from a split in order, which is not random; remove it, or name"
                    ' a column of groups to choose at random: "by"'
                )
                raise refusal([mistake(key, message, "split", key)])
        return self.model_copy(update={"split": split.model_copy(update={"order": "as_is"})})

    def inferred(self) -> dict[str, Mapping[str, JsonValue]]:
        """Return what datasets inferred, by the part of the spec that names each."""
        parts = {"data": self, "data.validation": self.validation, "data.test": self.test}
        options = {place: part.options.get(INFERRED) for place, part in parts.items() if part}
        return {place: value for place, value in options.items() if isinstance(value, Mapping)}

    def with_inferred(self, part: str, values: Mapping[str, JsonValue]) -> Self:
        """Return the same data with ``values`` as inferred by the dataset at ``part``.

        The part is ``"validation"``, ``"test"``, or ``""`` for the main dataset.
        """
        reference = getattr(self, part) if part else self
        if reference is None or reference.options.get(INFERRED, values) is not None:
            return self
        options = {**reference.options, INFERRED: dict(values)}
        if not part:
            return self.model_copy(update={"options": options})
        return self.model_copy(update={part: reference.model_copy(update={"options": options})})
