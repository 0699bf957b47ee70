"""The checks of `train` before its first step, without training or writing anything."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tinynet.commands.summary import dry_network, open_spec, require_outputs
from tinynet.commands.tune.probe import check_section
from tinynet.data.data import Data
from tinynet.data.sizes import SplitSizes
from tinynet.errors import DataError, LocatedError, Problem, ShapeError, SpecError
from tinynet.layer.build import MAX_PARAMS
from tinynet.network.losses import targets_of
from tinynet.network.network import Network
from tinynet.network.summary import Summary, summary_of
from tinynet.run.locating import locating_errors
from tinynet.run.session import draft_checkpoint
from tinynet.spec.models import Spec
from tinynet.text.shell import shell_path
from tinynet.training.advice import advice
from tinynet.training.checks import check_training, require_weights_taken, shape_problems
from tinynet.training.trainer import Trainer

TRIED_PARAMS = 1 << 26
"""Parameters of the largest network whose first step is tried (256 MiB in float32)."""


@dataclass(frozen=True)
class Checked:
    """A spec without errors."""

    summary: Summary
    warnings: list[Problem]  # valid but suspicious parts of the spec, with their places
    source: str | None  # the file of the warnings
    splits: SplitSizes | None  # None if the data were not read
    tried: bool  # True if the first step was tried
    description: tuple[str, ...] = ()  # of the data, a line each
    has_data: bool = True
    fingerprints: Mapping[str, str] = field(default_factory=dict)  # of the datasets

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        keys = ("message", "pointer", "line", "column")
        return {
            **self.summary.to_json(),
            "warnings": [{key: getattr(warning, key) for key in keys} for warning in self.warnings],
            "splits": None if self.splits is None else asdict(self.splits),
            "data": list(self.description),
            "first_step_tried": self.tried,
        }


def check_spec(
    path: str | Path,
    *,
    overrides: Mapping[str, Any] | None = None,
    data_root: str | Path | None = None,
    max_params: int = MAX_PARAMS,
    read_data: bool = True,
    read_tuning: bool = True,
) -> Checked:
    """Check a spec and its data as `train` would before the first step.

    The path is that of a spec, a run folder or a checkpoint. Without ``read_data`` the spec alone
    is checked; without ``read_tuning`` its section ``tuning`` is
    ignored. The other arguments are those of `tinynet.train`.

    Raises:
        SpecError: listing every mistake.
        ShapeError: listing every node, loss and metric with wrong shapes.
        DataError: for data that cannot be used for training.
        PluginError: for a plugin that is missing or broken.
    """
    spec, root = open_spec(path, overrides, data_root, reads_data=read_data)
    if read_tuning:
        check_section(path, spec, overrides or {})
    with locating_errors(spec):
        if spec.data is None or not read_data:
            return _check_network(spec, max_params)
        data = _open_data(spec, root, path, overrides or {})
        network = dry_network(spec, data, max_params)
        names = targets_of(network.losses, data.targets, data.inputs)
        if problems := shape_problems(spec.training, network, data, names):
            raise ShapeError(problems)
        tried = sum(array.size for array in network.params.values()) <= TRIED_PARAMS
        if tried:
            trainer = Trainer(spec, root=root, data=data, max_params=max_params, threads=1)
            trainer.check()
            draft_checkpoint(trainer)
        else:
            check_training(spec, network, data, names)
        warnings, source = _located(spec, advice(spec, network, data, names))
        sizes = SplitSizes.of(spec.data, data)
        summary, lines = summary_of(network, spec.name), tuple(data.description())
        prints = data.fingerprints
        return Checked(summary, warnings, source, sizes, tried, lines, fingerprints=prints)


def _located(spec: Spec, problems: list[Problem]) -> tuple[list[Problem], str | None]:
    """Return problems with line and column where the spec has them, and the spec's file.

    The notes about overrides come first, without line and column.
    """
    notes = [Problem(note) for note in spec.origin.notes]
    if not problems:
        return notes, None
    error = spec.locate(SpecError(problems))
    return [*notes, *error.problems], error.source


def _check_network(spec: Spec, max_params: int) -> Checked:
    if spec.network.input_shape is None and spec.data is not None:
        message = (
            "the shape of the input is not in the spec and must come from the data; add"
            ' "input_shape", or leave out --no-data'
        )
        raise SpecError([Problem(message, "/network")])
    network: Network = dry_network(spec, None, max_params)
    require_outputs(spec, network, None)
    require_weights_taken(spec, network, None)
    warnings, source = _located(spec, advice(spec, network, None, {}))
    has_data = spec.data is not None
    return Checked(summary_of(network, spec.name), warnings, source, None, False, has_data=has_data)


def _open_data(spec: Spec, root: Path, path: str | Path, overrides: Mapping[str, Any]) -> Data:
    assert spec.data is not None
    try:
        return Data(spec.data, root, spec.training.seed)
    except DataError as error:
        if isinstance(error, LocatedError) or spec.network.input_shape is None:
            raise
        changes = [f"--set {shlex.quote(f'{k}={json.dumps(v)}')}" for k, v in overrides.items()]
        command = " ".join(["tinynet check", shell_path(path), "--no-data", *changes])
        raise DataError(f"{error}\n  to check the spec alone: {command}") from error
