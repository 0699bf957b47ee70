"""The ``network`` part of a spec: nodes and their connections."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self, TypeAlias

from pydantic import BeforeValidator, Field, model_serializer, model_validator
from pydantic_core import PydanticCustomError

from tinynet.config import Reference
from tinynet.spec.parts import Name, Names, SpecModel, as_tuple, as_tuple_or_none
from tinynet.text.mistakes import mistake, refusal
from tinynet.text.wording import quote


class SharedParam(NamedTuple):
    """A parameter of another node: ``embedding_1/weight``, or its transpose with ``.T`` after it.

    Attributes:
        node: The node that owns it.
        param: Its name in that node's layer.
        transposed: True for the transpose.
    """

    node: str
    param: str
    transposed: bool

    @classmethod
    def parse(cls, text: str) -> "SharedParam":
        """Parse an address as a spec has it."""
        node, _, param = text.removesuffix(TRANSPOSED).rpartition("/")
        return cls(node, param, text.endswith(TRANSPOSED))

    def __str__(self) -> str:
        return f"{self.node}/{self.param}{TRANSPOSED if self.transposed else ''}"


TRANSPOSED = ".T"
"""The end of an address that means the transpose of a parameter, as in NumPy."""


def _as_shares(value: Any) -> Any:
    if isinstance(value, str):
        return value
    if not isinstance(value, Mapping) or not value:
        message = "a node, or an object of parameters of other nodes, is expected"
        raise PydanticCustomError("shares", message)
    for name, address in value.items():
        if not isinstance(address, str) or not all(SharedParam.parse(address)[:2]):
            example = f'{{{quote(name)}: "embedding_1/weight"}}'.replace("'", '"')
            message = "the address of a parameter is expected, such as {example}"
            raise PydanticCustomError("shares", message, {"example": example})
    return dict(value)


class RegularizerReference(Reference):
    """A penalty of parameters that training minimizes beside the loss."""

    group: ClassVar[str] = "regularizers"


class ParametrizationReference(Reference):
    """A parametrization of some parameters: they are computed from other arrays."""

    group: ClassVar[str] = "parametrizations"
    params: Names | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description="The parameters, as patterns of their addresses: dense_*/weight; those that"
        " begin with ! exclude. By default all that are called weight, or end in _weight.",
    )


class NodeSpec(Reference):
    """A node of the network: a layer's type and options, and the keys of every node."""

    group: ClassVar[str] = "layers"
    type: str = Field(default="", description="The layer's type; omitted if it `shares` one.")
    name: Name | None = Field(
        default=None,
        description="The node's name; by default its type and ordinal, such as conv2d_1.",
    )
    inputs: Names | None = Field(
        default=None,
        min_length=1,
        description="The nodes whose outputs it reads, or 'input'; 'node:output' for another than"
        " the main output of a node; by default the node before.",
    )
    shares: Annotated[str | dict[str, str], BeforeValidator(_as_shares)] | None = Field(
        default=None,
        description="A node whose layer, with its parameters, is used here, too; or, for a layer of"
        " its own type, the parameters of other nodes that it uses as its own:"
        " {'weight': 'embedding_1/weight.T'}, where .T means the transpose.",
    )
    trainable: bool = Field(
        default=True,
        description="True if training changes its parameters. If false, the layer also computes"
        " in training as it does in evaluation: dropout drops nothing, and batch norm uses its"
        " running statistics and leaves them as they are.",
    )
    regularizer: RegularizerReference | None = Field(
        default=None,
        description="The regularizer of its weights: of its own parameters that are called weight,"
        " or end in _weight.",
    )

    @model_validator(mode="before")
    @classmethod
    def _type_or_shares(cls, raw: Any) -> Any:
        if not isinstance(raw, Mapping):
            return raw
        shares = raw.get("shares")
        wrong = "shares" in raw and "type" not in raw and not isinstance(shares, Mapping)
        whole = isinstance(shares, str) or wrong
        if ("type" in raw) != whole:
            return raw
        if whole:
            message = "a node that shares another's layer has no type of its own"
            raise refusal([mistake("shares", message, "type")])
        raise refusal(
            [mistake("missing_key", "'type' is required (the layer, such as 'dense')", "type")]
        )

    @model_validator(mode="after")
    def _shares_everything(self) -> Self:
        if self.shared_node is None:
            return self
        keys = (*self.options, *sorted({"trainable", "regularizer"} & self.model_fields_set))
        rule = f"belongs to {quote(self.shared_node)}, whose layer this node shares; remove it here"
        if keys:
            raise refusal([mistake("shares", f"{quote(key)} {rule}", key) for key in keys])
        return self

    @model_serializer(mode="wrap")
    def _merge_options(self, handler: Any) -> dict[str, Any]:
        fields: dict[str, Any] = super()._merge_options(handler)
        if self.shared_node is not None:
            del fields["type"], fields["trainable"]
        return fields

    @property
    def shared_node(self) -> str | None:
        """The node whose whole layer it shares."""
        return self.shares if isinstance(self.shares, str) else None

    @property
    def shared_params(self) -> dict[str, SharedParam]:
        """The parameters of other nodes that its own layer uses, by their names in this layer."""
        declared = self.shares if isinstance(self.shares, dict) else {}
        return {name: SharedParam.parse(address) for name, address in declared.items()}


SampleShape: TypeAlias = Annotated[
    tuple[Annotated[int, Field(ge=1)], ...], BeforeValidator(as_tuple)
]
"""Shape of one sample."""

InputShapes: TypeAlias = Annotated[dict[str, SampleShape], Field(min_length=1)]
"""Shape of one sample of each input, by name."""

OUTPUT = "output"
"""The name of a network's only output, unless the spec names it."""


def _as_outputs(value: Any) -> Any:
    if isinstance(value, str):
        return {value: value}
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        if len(set(value)) < len(value):
            raise PydanticCustomError("outputs", "an output is named twice")
        return {name: name for name in value}
    if isinstance(value, Mapping):
        return value
    message = "a node, a list of nodes, or an object of outputs and their nodes is expected"
    raise PydanticCustomError("outputs", message)


Outputs: TypeAlias = Annotated[
    dict[Name, str],
    BeforeValidator(_as_outputs, json_schema_input_type=str | tuple[str, ...] | dict[Name, str]),
]
"""The node of each output, by the output's name."""


class NetworkSpec(SpecModel):
    """The network: a list of nodes; by default, each follows the one before it."""

    written = ("blocks",)

    input_shape: SampleShape | InputShapes | None = Field(
        default=None,
        description="Shape of one sample, or of each input by name; by default the dataset's.",
    )
    dtype: Literal["float32", "float64"] = Field(
        default="float32", description="The dtype of parameters and of computation."
    )
    layers: Annotated[tuple[NodeSpec, ...], BeforeValidator(as_tuple)] = Field(
        min_length=1, max_length=10_000, description="The nodes; names may refer to later nodes."
    )
    outputs: Outputs | None = Field(
        default=None,
        min_length=1,
        description="The nodes that are the network's outputs, by the outputs' names; by default"
        " the last node.",
    )
    parametrizations: Annotated[
        tuple[ParametrizationReference, ...] | None, BeforeValidator(as_tuple_or_none)
    ] = Field(
        default=None,
        max_length=100,
        description="The parametrizations of parameters, such as weight_norm. A parameter has at"
        " most one.",
    )

    @property
    def output_names(self) -> tuple[str, ...]:
        """The names of the outputs."""
        return (OUTPUT,) if self.outputs is None else tuple(self.outputs)
