"""Shapes and costs of a network, computed without memory for its parameters."""

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
    """A node of a network."""

    name: str
    type: str
    inputs: tuple[str, ...]  # names of the nodes and inputs that feed it
    out_shape: Shape  # of one sample
    params: int  # elements of its parameters; 0 if it shares another node's
    operations: int  # floating-point operations of one sample, forward; a multiply-add is two
    activation_bytes: int  # of one sample of the output


@dataclass(frozen=True)
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
        shapes = {name: "x".join(map(str, s)) or "1" for name, s in self.input_shapes.items()}
        if len(shapes) == 1:
            return next(iter(shapes.values()))
        return ", ".join(f"{name} {shape}" for name, shape in shapes.items())

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
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

    The data are opened only if the spec has no ``input_shape``. Arguments as of `check_spec`.

    Raises:
        SpecError: listing every mistake.
        ShapeError: listing every node whose inputs do not fit.
        DataError: for data that cannot be trained on.
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
    """Return the spec of a file, a run or a checkpoint, and its data root.

    The root that a run recorded is checked if the data will be read: with ``reads_data``, or if
    the spec has no ``input_shape``.
    """
    path = Path(path)
    if path.is_dir() or path.suffix == ".msgpack":
        # Imported here: only checkpoints need these modules.
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
    """Require that every output fits its metrics, and its target if there are data."""
    fields = None
    if data is not None:
        names = targets_of(network.losses, data.targets, data.inputs)
        fields = {loss: data.target_field(name) for loss, name in names.items()}
    if problems := output_problems(spec.training, network, fields):
        raise ShapeError(problems)


def summary_of(spec: Spec, network: Network) -> Summary:
    """Return the shapes and costs of a network."""
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
        spec.name,
        network.dtype.name,
        network.input_shapes,
        rows,
        total,
        sum(sizes[address] for address in network.trainable),
        total * network.dtype.itemsize,
        tuple(name for name in network.outputs if name not in network.trained_shapes),
    )
