"""Shapes and costs of a network, computed without allocating it."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tinynet.data.data import Data
from tinynet.errors import LocatedError, ShapeError
from tinynet.layer import Costed
from tinynet.layer.build import MAX_PARAMS
from tinynet.network.from_spec import network_from_spec
from tinynet.network.losses import targets_of
from tinynet.network.network import Network
from tinynet.spec.models import Spec
from tinynet.spec.reading import load_spec
from tinynet.training.checks import output_problems
from tinynet.types import Shape


@dataclass(frozen=True)
class Row:
    """A node of a network.

    Attributes:
        name: Its name.
        type: The layer's type.
        inputs: Names of its inputs.
        out_shape: Shape of one sample of its output.
        params: Elements of its parameters; 0 if it shares another node's.
        operations: Floating-point operations of the forward pass of one sample; a multiply-add is
            two.
        activation_bytes: Bytes of one sample of its output.
    """

    name: str
    type: str
    inputs: tuple[str, ...]
    out_shape: Shape
    params: int
    operations: int
    activation_bytes: int


@dataclass(frozen=True)
class Summary:
    """The shapes and costs of a network.

    Attributes:
        name: The spec's name.
        dtype: The network's dtype.
        input_shapes: Shape of one sample of each input.
        rows: The nodes in topological order.
        params: Elements of all parameters.
        trainable_params: Elements of the trainable parameters.
        param_bytes: Bytes of all parameters.
        untrained_outputs: Names of the outputs that have no loss.
    """

    name: str
    dtype: str
    input_shapes: dict[str, Shape]
    rows: list[Row]
    params: int
    trainable_params: int
    param_bytes: int
    untrained_outputs: tuple[str, ...] = ()

    @property
    def operations(self) -> int:
        """Operations of the forward pass of one sample."""
        return sum(row.operations for row in self.rows)

    @property
    def activation_bytes(self) -> int:
        """Bytes of all outputs of one sample."""
        return sum(row.activation_bytes for row in self.rows)

    @property
    def inputs_text(self) -> str:
        """The shape of the input, or of each input by name."""
        shapes = {name: "x".join(map(str, s)) or "1" for name, s in self.input_shapes.items()}
        if len(shapes) == 1:
            return next(iter(shapes.values()))
        return ", ".join(f"{name} {shape}" for name, shape in shapes.items())

    def to_json(self) -> dict[str, Any]:
        """Return the summary as plain data."""
        totals = {"operations": self.operations, "activation_bytes": self.activation_bytes}
        return {**asdict(self), **totals}


def summarize(
    path: str | Path,
    *,
    overrides: Mapping[str, Any] | None = None,
    data_root: str | Path | None = None,
    max_params: int = MAX_PARAMS,
) -> Summary:
    """Return the shapes and costs of the network of a spec, a run or a checkpoint.

    The data are opened only if the spec has no ``input_shape``.

    Args:
        path: A spec, a run's folder, or a checkpoint.
        overrides: JSON values by dotted path.
        data_root: Folder of relative data paths; by default the spec's folder.
        max_params: Most elements of parameters and buffers together.

    Raises:
        SpecError: listing every mistake.
        ShapeError: listing every node whose inputs have a wrong shape.
        DataError: for data that cannot be used for training.
    """
    spec, root = open_spec(path, overrides, data_root)
    try:
        data = None
        if spec.network.input_shape is None and spec.data is not None:
            data = Data(spec.data, root, spec.training.seed)
        network = dry_network(spec, data, max_params)
        require_outputs(spec, network, data)
        return summary_of(spec, network)
    except LocatedError as error:
        raise spec.locate(error) from error


def open_spec(
    path: str | Path,
    overrides: Mapping[str, Any] | None,
    data_root: str | Path | None,
    *,
    reads_data: bool = False,
) -> tuple[Spec, Path]:
    """Return the spec of a file, a run or a checkpoint, and the folder of relative data paths.

    Args:
        path: A spec, a run's folder, or a checkpoint.
        overrides: JSON values by dotted path.
        data_root: Folder of relative data paths; by default the spec's folder.
        reads_data: True if the data are read even if the spec has an ``input_shape``.
    """
    path = Path(path)
    if path.is_dir() or path.suffix == ".msgpack":
        # A spec does not need the imports for checkpoints.
        from tinynet.run.lookup import find_checkpoint
        from tinynet.run.roots import recorded_root

        file, checkpoint = find_checkpoint(path)
        spec = checkpoint.load_spec(overrides)
        root = Path(data_root or checkpoint.data.root)
        if reads_data or spec.network.input_shape is None:
            root = recorded_root({"data_root": data_root}, file, checkpoint, spec)
        return spec, root.resolve()
    spec = load_spec(path, overrides)
    return spec, (Path(data_root) if data_root is not None else spec.folder).resolve()


def dry_network(spec: Spec, data: Data | None, max_params: int) -> Network:
    """Return the network of a spec without memory for its parameters."""
    shapes = None if data is None else data.input_shapes
    return network_from_spec(spec, shapes, dry=True, max_params=max_params)


def require_outputs(spec: Spec, network: Network, data: Data | None) -> None:
    """Require that every output fits its metrics, and its target if the data are known."""
    fields = None
    if data is not None:
        names = targets_of(network.losses, data.targets)
        fields = {output: data.targets[name] for output, name in names.items()}
    if problems := output_problems(spec.training, network, fields):
        raise ShapeError(problems)


def summary_of(spec: Spec, network: Network) -> Summary:
    """Return the shapes and costs of a network."""
    owners = {node.owner: node for node in network.nodes.values()}
    rows = []
    for node in network.nodes.values():
        own = node.layer.params.values() if owners[node.owner] and node.owner == node.name else ()
        operations, activation_bytes = (
            node.layer.cost()
            if isinstance(node.layer, Costed)
            else (0, _bytes(node.out_shape, network))
        )
        rows.append(
            Row(
                node.name,
                node.type.removeprefix("tinynet-core:"),
                node.inputs,
                node.out_shape,
                sum(array.size for array in own),
                operations,
                activation_bytes,
            )
        )
    sizes = {address: array.size for address, array in network.params.items()}
    total = sum(sizes.values())
    return Summary(
        spec.name,
        network.dtype.name,
        network.input_shapes,
        rows,
        total,
        sum(sizes[address] for address in network.trainable),
        total * network.dtype.itemsize,
        tuple(name for name in network.outputs if name not in network.trained_shapes),
    )


def _bytes(shape: Shape, network: Network) -> int:
    return math.prod(shape) * network.dtype.itemsize
