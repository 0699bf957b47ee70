"""Evaluation of trained networks: loss and metrics of a split, or of new samples."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias, Unpack

from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.checkpoint.sections import DataFacts
from tinynet.data.data import Data
from tinynet.data.given import GivenData
from tinynet.data.splits import SplitName
from tinynet.engine.engine import Engine
from tinynet.engine.process_group import ProcessGroup
from tinynet.errors import CheckpointMismatchError, UsageError
from tinynet.files.scan_cache import verifying
from tinynet.prediction.model import Model
from tinynet.run.arguments import check_arguments
from tinynet.run.ending_together import processes
from tinynet.run.evaluation_log import append_evaluation
from tinynet.run.loggers import log_test
from tinynet.run.options import Settings, observer, threads
from tinynet.run.roots import recorded_root
from tinynet.run.shared_model import open_data_together, open_run_together
from tinynet.training.checks import require_weights_taken
from tinynet.training.evaluation import Figures
from tinynet.training.evaluation_rounds import SplitBatches, evaluate_in_rounds
from tinynet.training.events import Warned
from tinynet.training.exchange import Exchange

EVALUATION_BATCH = 512
"""Samples that are evaluated at a time."""

SplitOrAlias: TypeAlias = SplitName | Literal["validation"]
"""The name of a split, in full too."""


@dataclass(frozen=True, eq=False)
class Evaluation(Mapping[str, float]):
    """The figures of a split, by name: ``evaluation["accuracy"]``.

    Attributes:
        checkpoint: The checkpoint that was evaluated.
        step: Its step.
        split: ``"train"``, ``"val"`` or ``"test"``; ``"data"`` for new samples.
        samples: The number of samples.
        metrics: ``loss`` and every metric by its label; with several outputs ``kind/loss`` and so
            on.
    """

    checkpoint: Path
    step: int
    split: str
    samples: int
    metrics: dict[str, float]

    def __getitem__(self, name: str) -> float:
        return self.metrics[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.metrics)

    def __len__(self) -> int:
        return len(self.metrics)


def evaluate(
    path: str | Path,
    split: SplitOrAlias | None = None,
    *,
    data: Any = None,
    validation: Any = None,
    test: Any = None,
    checkpoint: str | Path | None = None,
    **settings: Unpack[Settings],
) -> Evaluation:
    """Compute the loss and the metrics of a whole split, or of new samples.

    Args:
        path: A run folder, or a checkpoint.
        split: ``"test"``, ``"val"`` (or ``"validation"``) or ``"train"``; by default the test split
            of the run's data, or all of ``data``.
        data: New samples with their targets: the path of a file or folder, which takes the place of
            the one in the run's spec (of several there: a folder with the same names in it, or a
            table of images), a pattern of paths, or a list of these; or samples in memory, in any
            form that `tinynet.train` takes. With ``split``, the data in memory that the run was
            trained on.
        validation: The samples in memory for validation that the run was trained with.
        test: Those for the test.
        checkpoint: ``"best"``, ``"last"``, or a file; see `find_checkpoint`.
        **settings: See `Settings`.

    Raises:
        CheckpointError: if the checkpoint cannot be read.
        DataError: if the data cannot be read, or the split is empty, or nothing in it counts for a
            loss; for new samples with other arrays or classes than the training data.
        PluginError: if a type that it needs is not installed.
        CheckpointMismatchError: for a split of data that the run was not trained on.
    """
    arguments = dict(locals())
    with processes("evaluate", settings, arguments) as group:
        check_arguments("evaluate", arguments)
        further = validation is not None or test is not None
        if (data is None and not further) or isinstance(data, GivenData):
            return evaluate_split(path, split or "test", checkpoint, data, settings, group)
        if split is not None or further:
            if isinstance(data, str | os.PathLike):
                raise UsageError(
                    f"split={split!r} names a part of the run's own data; leave it out, to evaluate"
                    f" on all of {os.fspath(data)!r}"
                )
            given = GivenData.of(data, validation, test)
            return evaluate_split(path, split or "test", checkpoint, given, settings, group)
        return _evaluate_new(path, checkpoint, data, settings, group)


def _evaluate_new(
    path: str | Path,
    checkpoint: str | Path | None,
    data: Any,
    settings: Settings,
    group: ProcessGroup | None,
) -> Evaluation:
    """Evaluate on new samples; see `evaluate`."""
    loaded = open_run_together(path, checkpoint, settings, group)
    file, state, model = loaded
    spec = model.spec
    if spec.data is None:
        raise CheckpointMismatchError(f"{file} names no data, so new ones cannot be read alike")
    # Imported here: it needs the readers of tables.
    from tinynet.data.new_samples import TrainingFields, open_new_samples

    report = observer(settings)
    trained = TrainingFields(model.inputs, model.targets)
    fitted, seed = state.transforms, spec.training.seed

    def warn(text: str) -> None:
        report(Warned(text))

    def opened(root: Callable[[], Path]) -> Data:
        assert spec.data is not None
        return open_new_samples(spec.data, trained, data, seed, fitted, warn, root)

    with verifying(settings.get("verify_data", False)):
        own_root = partial(recorded_root, settings, file, state, spec)
        samples = open_data_together(opened, own_root, settings, group)
    return _evaluate(loaded, samples, "train", "data", settings, group)


def evaluate_split(
    path: str | Path,
    split: SplitOrAlias,
    checkpoint: str | Path | None,
    given: GivenData | None,
    settings: Settings,
    group: ProcessGroup | None,
    trained_on: Data | None = None,
) -> Evaluation:
    """Evaluate a split of the run's data, or of those given in their place; see `evaluate`.

    ``trained_on`` are the data of the run if they are open; otherwise they are opened here.
    The result is also appended to the run's ``evaluations.jsonl``, and that of the test split
    recorded by its loggers, unless the data have changed. Of several processes, the first does so.
    """
    name: SplitName = "val" if split == "validation" else split
    file, state, model = open_run_together(path, checkpoint, settings, group)
    report = observer(settings)
    spec = model.spec
    if spec.data is None:
        raise CheckpointMismatchError(f"{file} names no data to evaluate on")
    datasets = None
    if given is not None:
        given.require_memory(spec)
        datasets = given.datasets(spec)

    def opened(root: Callable[[], Path]) -> Data:
        assert spec.data is not None
        if trained_on is not None:
            return trained_on
        return Data(spec.data, root(), spec.training.seed, state.transforms, datasets)

    with verifying(settings.get("verify_data", False)):
        own_root = partial(recorded_root, settings, file, state, spec)
        data = open_data_together(opened, own_root, settings, group)
    data.require(name)
    changes = state.data.changes(DataFacts.of(data))
    if changes and given is not None:
        remedy = (
            "to evaluate all samples of other data, leave out the split:"
            " tinynet.evaluate(run, data=...)"
        )
        raise CheckpointMismatchError("\n  ".join([*changes, remedy]))
    for change in changes:
        report(Warned(change))
    result = _evaluate((file, state, model), data, name, name, settings, group)
    if not changes and (group is None or group.first):
        is_new = append_evaluation(file, result.step, name, result.samples, result.metrics)
        if is_new and name == "test":
            log_test(file.parent.parent, state, spec, result.metrics, lambda t: report(Warned(t)))
    return result


def _evaluate(
    loaded: tuple[Path, Checkpoint, Model],
    data: Data,
    split: SplitName,
    shown: str,
    settings: Settings,
    group: ProcessGroup | None,
) -> Evaluation:
    """Evaluate a split of opened data; ``shown`` is its name in the result."""
    file, state, model = loaded
    spec = model.spec
    require_weights_taken(spec, model.network, data, evaluation=True)
    data.require_finite(model.network.dtype, split)
    engine = Engine(model.network.program, threads(settings, group))
    figures = Figures(spec.training.metrics, model.network)
    batches = SplitBatches(data, split, EVALUATION_BATCH, model.target_names)
    for _ in evaluate_in_rounds(figures, engine, batches, Exchange(group)):
        pass
    return Evaluation(file, state.progress.step, shown, figures.samples, figures.result())
