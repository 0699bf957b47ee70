"""Shapes and costs of the layers of a network."""

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tinynet.layer import Costed
from tinynet.types import Shape

if TYPE_CHECKING:
    from tinynet.network.network import Network


def shape_text(shape: Shape) -> str:
    """Return a shape as text: ``28x28x1``."""
    return "x".join(map(str, shape)) or "1"


@dataclass(frozen=True)
class Row:
    """A node of a network."""

    name: str
    type: str
    inputs: tuple[str, ...]  # names of the nodes and inputs that feed it
    out_shape: Shape  # of one sample
    params: int  # elements of its parameters; 0 if it shares another node's
    operations: int  # floating-point operations of one sample, forward; a multiply-add is two
    activation_bytes: int  # of one sample of the output


@dataclass(frozen=True, repr=False)
class Summary:
    """The shapes and costs of a network."""

    name: str  # of the spec
    dtype: str  # of the parameters
    input_shapes: dict[str, Shape]  # of one sample
    rows: list[Row]  # the nodes in topological order
    params: int  # elements of all parameters
    trainable_params: int  # elements of the trainable ones
    param_bytes: int
    untrained_outputs: tuple[str, ...] = ()  # the outputs without a loss

    @property
    def operations(self) -> int:
        """The operations of one sample, forward."""
        return sum(row.operations for row in self.rows)

    @property
    def activation_bytes(self) -> int:
        """The bytes of all outputs of one sample."""
        return sum(row.activation_bytes for row in self.rows)

    @property
    def inputs_text(self) -> str:
        """The shape of the input, or of each input after its name."""
        shapes = {name: shape_text(s) for name, s in self.input_shapes.items()}
        if len(shapes) == 1:
            return next(iter(shapes.values()))
        return ", ".join(f"{name} {shape}" for name, shape in shapes.items())

    def __str__(self) -> str:
        """The layers as a table."""
        rows = [
            (r.name, r.type, ", ".join(r.inputs), shape_text(r.out_shape), f"{r.params:,}")
            for r in self.rows
        ]
        table = [("node", "type", "inputs", "output", "parameters"), *rows]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = []
        for *texts, number in table:
            cells = [cell.ljust(size) for cell, size in zip(texts, widths, strict=False)]
            lines.append("  ".join([*cells, number.rjust(widths[-1])]))
        frozen = self.params - self.trainable_params
        total = f"{self.params:,} parameters" + (
            f", {frozen:,} of them not trained" if frozen else ""
        )
        return "\n".join([f"{self.name}: input {self.inputs_text}, {self.dtype}", *lines, total])

    __repr__ = __str__

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        totals = {"operations": self.operations, "activation_bytes": self.activation_bytes}
        return {**asdict(self), **totals}


def summary_of(network: "Network", name: str = "network") -> Summary:
    """Return the shapes and costs of a network; ``name`` is that of its spec."""
    rows = []
    for node in network.nodes.values():
        params = sum(array.size for array in network.params_of(node.name).values())
        cost = 0, math.prod(node.out_shape) * network.dtype.itemsize
        if isinstance(node.layer, Costed):
            cost = node.layer.cost()
        kind = node.type.removeprefix("tinynet-core:")
        rows.append(Row(node.name, kind, node.inputs, node.out_shape, params, *cost))
    sizes = {address: array.size for address, array in network.params.items()}
    total = sum(sizes.values())
    return Summary(
        name,
        network.dtype.name,
        network.input_shapes,
        rows,
        total,
        sum(sizes[address] for address in network.trainable),
        total * network.dtype.itemsize,
        tuple(name for name in network.outputs if name not in network.trained_shapes),
    )
