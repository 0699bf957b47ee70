"""The summary of a spec, a run or a checkpoint, without memory for parameters."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tinynet.data.data import Data
from tinynet.data.given import is_given
from tinynet.errors import LocatedError, ShapeError
from tinynet.layer.build import MAX_PARAMS
from tinynet.network.from_spec import network_from_spec
from tinynet.network.losses import targets_of
from tinynet.network.network import Network
from tinynet.network.summary import Summary, summary_of
from tinynet.spec.models import Spec
from tinynet.spec.reading import load_spec
from tinynet.training.checks import output_problems


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
    if _holds_shapes(Path(path), spec) and not overrides:
        from tinynet.run.models import open_run

        _, _, model = open_run(path, None, {"max_params": max_params}, lambda event: None)
        return model.summary()
    try:
        data = None
        if spec.network.input_shape is None and spec.data is not None:
            data = Data(spec.data, root, spec.training.seed)
        network = dry_network(spec, data, max_params)
        require_outputs(spec, network, data)
        return summary_of(network, spec.name)
    except LocatedError as error:
        raise spec.locate(error) from error


def _holds_shapes(path: Path, spec: Spec) -> bool:
    """Return True for a run or checkpoint whose data no command can open."""
    in_memory = spec.data is not None and is_given(spec.data)
    return in_memory and (path.is_dir() or path.suffix == ".msgpack")


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
