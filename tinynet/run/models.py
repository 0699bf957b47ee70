"""Loading and evaluation of trained networks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, Unpack

from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.checkpoint.plugin_lock import check_types
from tinynet.checkpoint.sections import DataFacts
from tinynet.data.data import Data
from tinynet.data.splits import SplitName
from tinynet.engine.engine import Engine
from tinynet.errors import CheckpointMismatchError
from tinynet.layer.build import MAX_PARAMS
from tinynet.network.kernel_choice import choose_kernels
from tinynet.network.network import Network
from tinynet.prediction.inputs import warn
from tinynet.prediction.model import Model, open_model
from tinynet.run.arguments import checked_arguments
from tinynet.run.lookup import find_checkpoint
from tinynet.run.options import Observer, Settings, observer
from tinynet.run.roots import recorded_root
from tinynet.training.evaluation import Figures
from tinynet.training.events import Warned

EVALUATION_BATCH = 512
"""Samples that are evaluated at a time."""


@checked_arguments
def load(
    path: str | Path,
    checkpoint: str | Path | None = None,
    *,
    max_params: int = MAX_PARAMS,
    strict_finite: bool = False,
    kernels: str | None = None,
) -> Network:
    """Load the network with its losses, so that `Network.predict` returns probabilities.

    It takes preprocessed inputs; `load_model` takes raw ones.

    Args:
        path: A run's folder, or a checkpoint.
        checkpoint: ``"best"``, ``"last"``, or a file; see `find_checkpoint`.
        max_params: Most elements of parameters and buffers together.
        strict_finite: Raise an error for NaN and infinity in parameters and buffers, not a warning.
        kernels: Name of the numerical kernels; by default the installed ones.

    Raises:
        CheckpointError: if it cannot be read, or does not fit the installed plugins.
        PluginError: if a plugin is missing.
    """
    settings: Settings = {
        "max_params": max_params,
        "strict_finite": strict_finite,
        "kernels": kernels,
    }
    model = _load(path, checkpoint, settings)[2]
    transforms = model.spec.data.transforms if model.spec.data is not None else ()
    if transforms:
        names = dict.fromkeys(part.type.removeprefix("tinynet-core:") for part in transforms)
        warn(
            f"tinynet.load leaves out the transforms of the run ({', '.join(names)});"
            f" tinynet.load_model({str(path)!r}).predict(x) applies them to raw inputs"
        )
    return model.network


@checked_arguments
def load_model(
    path: str | Path, checkpoint: str | Path | None = None, **settings: Unpack[Settings]
) -> Model:
    """Load a trained network with its preprocessing: `Model.predict` takes raw inputs.

    Args:
        path: A run's folder, or a checkpoint.
        checkpoint: ``"best"``, ``"last"``, or a file; see `find_checkpoint`.
        **settings: See `Settings`.

    Raises:
        CheckpointError: if it cannot be read, or does not fit the installed plugins.
        PluginError: if a plugin is missing.
    """
    model = _load(path, checkpoint, settings)[2]
    for problem in model.without_labels():
        model.warn(problem)
    return model


def _load(
    path: str | Path, which: str | Path | None, settings: Settings
) -> tuple[Path, Checkpoint, Model]:
    tell_warning = partial(_tell_warning, observer(settings))
    file, found = find_checkpoint(path, which, tell_warning)
    doubts = found.check_finite(strict=settings.get("strict_finite", False))
    for doubt in (*doubts, *check_types(found.types).major):
        tell_warning(doubt)
    kernels = choose_kernels(settings.get("kernels"))
    limit = settings.get("max_params", MAX_PARAMS)
    return file, found, open_model(found, limit, kernels, tell_warning)


def _tell_warning(tell: Observer, text: str) -> None:
    """Report a warning; a module-level function, so that models can be pickled."""
    tell(Warned(text))


@dataclass(frozen=True, eq=False)
class Evaluation(Mapping[str, float]):
    """The figures of a split: a mapping of them by name, ``evaluation["accuracy"]``.

    Attributes:
        checkpoint: The checkpoint that was evaluated.
        step: Its step.
        split: ``"train"``, ``"val"`` or ``"test"``.
        samples: Number of samples in the split.
        metrics: ``loss`` and every metric by its label; with several outputs, also ``kind/loss``.
    """

    checkpoint: Path
    step: int
    split: SplitName
    samples: int
    metrics: dict[str, float]

    def __getitem__(self, name: str) -> float:
        return self.metrics[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.metrics)

    def __len__(self) -> int:
        return len(self.metrics)


@checked_arguments
def evaluate(
    path: str | Path,
    split: SplitName | Literal["validation"] = "test",
    *,
    checkpoint: str | Path | None = None,
    **settings: Unpack[Settings],
) -> Evaluation:
    """Return the loss and the metrics of a whole split.

    Args:
        path: A run's folder, or a checkpoint.
        split: ``"test"``, ``"val"`` (or ``"validation"``) or ``"train"``.
        checkpoint: ``"best"``, ``"last"``, or a file; see `find_checkpoint`.
        **settings: See `Settings`.

    Raises:
        CheckpointError: if the checkpoint cannot be read.
        DataError: if the data cannot be read, or the split is empty.
        PluginError: if a plugin is missing.
    """
    tell = observer(settings)
    name: SplitName = "val" if split == "validation" else split
    file, found, model = _load(path, checkpoint, settings)
    spec = model.spec
    if spec.data is None:
        raise CheckpointMismatchError(f"{file} names no data, so there is nothing to evaluate on")
    root = recorded_root(settings, file, found, spec)
    data = Data(spec.data, root, spec.training.seed, found.transforms)
    data.require(name)
    for change in found.data.changes(DataFacts.of(data)):
        tell(Warned(change))
    data.require_finite(model.network.dtype, name)
    return _evaluate(file, found.progress.step, model, data, name, settings.get("threads"))


def _evaluate(
    file: Path, step: int, model: Model, data: Data, split: SplitName, threads: int | None
) -> Evaluation:
    engine = Engine(model.network.program, threads)
    figures = Figures(model.spec.training.metrics, model.network.trained_shapes)
    for batch in data.batches(split, EVALUATION_BATCH):
        targets = {output: batch.targets[name] for output, name in model.target_names.items()}
        result = engine.evaluate(batch.inputs, targets, batch.weights)
        figures.update([result], targets, batch.weights)
    return Evaluation(file, step, split, figures.samples, figures.result())
