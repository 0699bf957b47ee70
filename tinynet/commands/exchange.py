"""Export of the weights of a checkpoint for other tools, and import into a new checkpoint.

An exported file holds every parameter and buffer under its address (``conv2d_1/weight``), channels
last, or every tensor of the checkpoint under its full name (``params/conv2d_1/weight``,
``slots/conv2d_1/weight/first_moment``). Its note (see `tinynet.files.weights`) records the origin.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import JsonValue
from pydantic_core import to_jsonable_python

from tinynet import __version__
from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.checkpoint.layouts.names import Layout
from tinynet.checkpoint.layouts.recognition import layout_advice
from tinynet.checkpoint.transfer import TransferPlan
from tinynet.checkpoint.transfer_rules import STRICT, TransferRules
from tinynet.checkpoint.trial import require_loadable
from tinynet.engine.tensor_names import WEIGHTS, of_group, require_match
from tinynet.errors import (
    CheckpointError,
    CheckpointMismatchError,
    DataError,
    LocatedError,
    RunExistsError,
)
from tinynet.files.weights import is_weight_file, open_weights, refuse_foreign
from tinynet.layer.build import MAX_PARAMS
from tinynet.run.fine_tuning import WeightFileStart, file_origin, require_finite_arrays
from tinynet.run.lookup import find_checkpoint
from tinynet.spec.models import Spec
from tinynet.spec.reading import load_spec
from tinynet.training.trainer import Trainer
from tinynet.types import Array

LAYOUT = (
    "channels last; a convolution's weight is (kernel_height, kernel_width, in_channels / groups,"
    " filters), a dense layer's (in, units)"
)
"""The layout of the arrays, for the note."""


@dataclass(frozen=True)
class Exported:
    """The result of an export: the files, and the number and size of the arrays."""

    path: Path
    checkpoint: Path
    step: int
    arrays: int
    bytes: int


def export_weights(
    source: str | Path,
    path: str | Path,
    *,
    checkpoint: str | None = None,
    everything: bool = False,
    warn: Callable[[str], None] = lambda text: None,
) -> Exported:
    """Write the weights of a checkpoint to a .npz or .safetensors file; no plugin is imported.

    `tinynet.run.lookup.find_checkpoint` explains ``source`` and ``checkpoint``. A file at
    ``path`` is replaced atomically. With ``everything``, every tensor is written under its full
    name, not only parameters and buffers. ``warn`` is called for a run that lacks its last save.

    Raises:
        CheckpointError: if the checkpoint cannot be read, or the file cannot be written.
        DataError: for another ending, or if the package for it is not installed.
    """
    if not is_weight_file(Path(path)):
        raise DataError(
            f"{path}: a model is exported to a .onnx file, weights to .npz or .safetensors"
        )
    target = open_weights(Path(path))
    file, state = find_checkpoint(source, checkpoint, warn)
    arrays = state.arrays if everything else _weights(file, state)
    target.write(arrays, _note(state))
    size = sum(array.nbytes for array in arrays.values())
    return Exported(Path(path), file, state.progress.step, len(arrays), size)


def _weights(file: Path, checkpoint: Checkpoint) -> dict[str, Array]:
    params, buffers = (of_group(group, checkpoint.weights) for group in WEIGHTS)
    if twice := sorted(params.keys() & buffers.keys()):
        raise CheckpointError(
            f"{file}: {twice[0]!r} is both a parameter and a buffer; --all keeps them apart"
        )
    return {**params, **buffers}


def _note(checkpoint: Checkpoint) -> dict[str, JsonValue]:
    data: dict[str, Any] = to_jsonable_python(asdict(checkpoint.data))
    return {
        "tinynet": __version__,
        "run_id": checkpoint.run_id,
        "step": checkpoint.progress.step,
        "layout": LAYOUT,
        "spec": checkpoint.spec,
        "inputs": data["inputs"],
        "targets": data["targets"],
    }


@dataclass(frozen=True)
class Imported:
    """The result of an import: the files, and the number of arrays and of their elements.

    ``warnings`` has the reasons why the network may compute other outputs than the model that the
    file comes from.
    """

    path: Path
    checkpoint: Path
    arrays: int
    elements: int
    warnings: tuple[str, ...] = ()


def import_weights(
    path: str | Path,
    spec: Spec | str | Path | Mapping[str, Any],
    checkpoint: str | Path,
    *,
    layout: Layout | None = None,
    rules: TransferRules = STRICT,
    overrides: Mapping[str, Any] | None = None,
    data_root: str | Path | None = None,
    max_params: int = MAX_PARAMS,
) -> Imported:
    """Create a checkpoint of a spec at step 0 with the weights of a file.

    Without a ``layout`` and rules, the file ``path`` (.npz or .safetensors) must hold exactly the
    parameters and buffers of the network, by address and with equal shape and dtype; this is
    checked before they are read. With a ``layout`` its arrays are converted from that of another
    framework. The preprocessing is fitted to the data. Further arguments as of `tinynet.train`.

    Raises:
        DataError: for a file that cannot be read, or holds a NaN or an infinity; for data that
            cannot be trained on.
        CheckpointMismatchError: listing every array that is missing, unexpected, or of another
            shape or dtype.
        RunExistsError: if ``checkpoint`` exists.
        SpecError: for a spec that is wrong.
        ShapeError: for layers that do not fit.
        PluginError: for a plugin that is missing or broken.
        CheckpointIOError: if the checkpoint cannot be written.
    """
    path, target = Path(path), Path(checkpoint)
    if os.path.lexists(target):
        raise RunExistsError(f"{target} already exists; choose another name")
    trainer = _trainer(spec, overrides, data_root, max_params)
    own = {**trainer.network.params, **trainer.network.buffers}
    warnings: tuple[str, ...] = ()
    if layout is None and rules == STRICT:
        for name, array in _read(path, own).items():
            np.copyto(own[name], array)
        trainer.renew_slots()
        taken, origin = set(own), file_origin(path)
    else:
        start = WeightFileStart.open(path, rules, layout)
        plan = start.plan(trainer)
        start.apply(plan, trainer)
        origin, warnings = start.record(plan), plan.warnings
        taken = {move.target.address for move in plan.moves if move.source and move.target}
    first = Checkpoint.of(trainer, ({"imported": origin},))
    require_loadable(first)
    first.write(target)
    size = sum(own[name].size for name in taken if name in own)
    return Imported(path, target, len(taken), size, warnings)


def plan_import(
    path: str | Path,
    spec: Spec | str | Path | Mapping[str, Any],
    *,
    layout: Layout | None = None,
    rules: TransferRules = STRICT,
    overrides: Mapping[str, Any] | None = None,
    data_root: str | Path | None = None,
    max_params: int = MAX_PARAMS,
) -> TransferPlan:
    """Return the transfer that `import_weights` would make; the same arguments and errors."""
    trainer = _trainer(spec, overrides, data_root, max_params)
    return WeightFileStart.open(Path(path), rules, layout).plan(trainer)


def _trainer(
    spec: Spec | str | Path | Mapping[str, Any],
    overrides: Mapping[str, Any] | None,
    data_root: str | Path | None,
    max_params: int,
) -> Trainer:
    """Return a trainer of a spec."""
    if not isinstance(spec, Spec):
        spec = load_spec(spec, overrides)
    root = spec.folder if data_root is None else Path(data_root).resolve()
    try:
        return Trainer(spec, root=root, max_params=max_params)
    except LocatedError as error:
        raise spec.locate(error) from error


def _read(path: Path, own: Mapping[str, Array]) -> dict[str, Array]:
    """Read the arrays of a file, which must match the network's own."""
    refuse_foreign(path)
    file = open_weights(path)
    headers = file.headers()
    if own.keys() <= {name.partition("/")[2] for name in headers}:
        raise CheckpointMismatchError(
            f"{path} was exported with --all, but only parameters and buffers can be imported;"
            " export it again without --all"
        )
    if advice := layout_advice(headers, None):
        raise CheckpointMismatchError(f"{path}: {advice}")
    require_match(own, headers, path)
    arrays = file.read(own)
    require_finite_arrays(path, arrays)
    return arrays
