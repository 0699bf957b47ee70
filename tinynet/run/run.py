"""A run: the training loop wired to a folder with its lock, its log and its checkpoints."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict, Unpack

from pydantic import JsonValue

from tinynet.build import MAX_PARAMS
from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.checkpoint.transfer import STRICT, TransferPlan, TransferRules
from tinynet.data.data import Data
from tinynet.data.splits import SplitName
from tinynet.errors import CheckpointError, CheckpointIOError, LocatedError, SpecError
from tinynet.network.engine import Engine
from tinynet.network.network import Network
from tinynet.run.fine_tuning import FineTuning
from tinynet.run.folder import RunFolder, new_folder, next_folder
from tinynet.run.lock import locked
from tinynet.run.log import read_log
from tinynet.run.model import Model, open_model
from tinynet.run.session import Observer, Session
from tinynet.spec.change import compare, require_safe
from tinynet.spec.models import Spec
from tinynet.spec.reading import load_spec
from tinynet.training.evaluation import Figures
from tinynet.training.events import RunEvent, Transferred, Warned
from tinynet.training.trainer import Trainer

EVALUATION_BATCH = 512
"""Samples that are evaluated at a time."""


class Settings(TypedDict, total=False):
    """What whoever runs something may say, whatever the spec says.

    Attributes:
        data_root: Where relative data paths start; by default the spec's folder, or where they
            started when the run began.
        max_params: Elements of parameters and buffers that may be allocated.
        threads: How many threads compute, by default one for each core; the result is the same
            for any number.
        observer: Told of everything that happens; by default warnings are Python's.
    """

    data_root: str | Path | None
    max_params: int
    threads: int | None
    observer: Observer | None


@dataclass(frozen=True)
class Run:
    """A run as its folder has it, after `train` or `resume`.

    Attributes:
        path: Its folder.
        network: The network as it was after the last step.
        step: Updates done.
        epoch: Epochs done.
        finished: Whether nothing is left to do.
        seconds: How long this process trained.
        figures: The last evaluation's: ``train/loss``, ``val/accuracy``, ...
        has_test: Whether there is a test split.
        best: The best checkpoint, where the run keeps one.
    """

    path: Path
    network: Network
    step: int
    epoch: int
    finished: bool
    seconds: float
    figures: dict[str, float]
    has_test: bool
    best: Path | None

    @property
    def checkpoints(self) -> list[Path]:
        """Its checkpoints, oldest first."""
        folder = RunFolder(self.path)
        return [folder.checkpoint(step) for step in folder.steps()]

    @property
    def history(self) -> list[dict[str, Any]]:
        """Its log: one dict for each line."""
        return read_log(RunFolder(self.path).log)

    def evaluate(
        self,
        split: SplitName = "test",
        *,
        checkpoint: str | None = None,
        **settings: Unpack[Settings],
    ) -> "Evaluation":
        """The loss and the metrics of a whole split; see `tinynet.run.run.evaluate`."""
        return evaluate(self.path, split, checkpoint=checkpoint, **settings)


def train(
    spec: Spec | str | Path | Mapping[str, Any],
    run_dir: str | Path | None = None,
    *,
    resume: bool = False,
    overrides: Mapping[str, Any] | None = None,
    source: str | Path | None = None,
    rules: TransferRules = STRICT,
    **settings: Unpack[Settings],
) -> Run:
    """Train what a spec declares.

    Args:
        spec: A spec, its file, or a dict like one.
        run_dir: The run's folder; by default ``runs/<name>-001``, or the next number.
        resume: Go on with the run where ``run_dir`` has one; start it where it has not.
        overrides: JSON values by dotted path; only for a file or a dict.
        source: A run's folder or a checkpoint, whose parameters a new run starts with; of a run
            the best, if it keeps one, else the last. A run that goes on has started already.
        rules: What may happen on the way from there, beside carrying over.
        **settings: See `Settings`.

    Raises:
        SpecError: for a spec that is wrong.
        CheckpointMismatchError: for a source that does not fit, as far as the rules go.
        ShapeError: for layers that do not fit.
        DataError: for data that cannot be trained on.
        PluginError: for a plugin that is missing or broken.
        RunExistsError: if the folder is in use already and ``resume`` is False.
        RunBusyError: if another process holds the run.
        CheckpointError: if the disk fails.
        DivergedError: if the loss is not finite; the last good checkpoint is kept.
        Interrupted: after SIGINT or SIGTERM; the run is saved.
    """
    spec = _read_spec(spec, overrides)
    if resume and run_dir is None:
        raise SpecError("to go on with a run, or start it, its folder must be named (--run)")
    if resume and run_dir is not None and RunFolder(Path(run_dir)).steps():
        return _continue(RunFolder(Path(run_dir)), lambda checkpoint: spec, False, settings)
    trainer, lineage = _new_trainer(spec, source, rules, settings)
    if run_dir is None:
        folder = next_folder(Path("runs"), spec.name)
    else:
        folder = new_folder(Path(run_dir), reuse=resume)
    with locked(folder.lock):
        folder.clean()
        session = Session(folder, trainer, _observer(settings), lineage=lineage)
        return _run(folder, trainer, *session.train())


def plan_fine_tuning(
    spec: Spec | str | Path | Mapping[str, Any],
    source: str | Path,
    *,
    overrides: Mapping[str, Any] | None = None,
    rules: TransferRules = STRICT,
    **settings: Unpack[Settings],
) -> tuple[Path, TransferPlan]:
    """What `train` would take over: the checkpoint's file, and the plan; nothing is written."""
    start, _, plan = _fine_tuning(_read_spec(spec, overrides), source, rules, settings)
    return start.path, plan


def resume(
    run_dir: str | Path,
    *,
    overrides: Mapping[str, Any] | None = None,
    allow_data_change: bool = False,
    **settings: Unpack[Settings],
) -> Run:
    """Go on with a run from its newest good checkpoint to the end its spec names.

    Args:
        run_dir: The run's folder.
        overrides: Changes of its spec, JSON values by dotted path: ``{"training.epochs": 40}``.
        allow_data_change: Go on although the data are not those of the run any more.
        **settings: See `Settings`.

    Raises:
        CheckpointError: if there is no checkpoint that can be used.
        RunBusyError: if another process holds the run.
        PluginError: if a type it needs is not installed any more.
        CheckpointMismatchError: for changes that its state cannot survive.
        Interrupted: after SIGINT or SIGTERM; the run is saved.
    """
    return _continue(
        RunFolder(Path(run_dir)),
        lambda checkpoint: checkpoint.load_spec(overrides),
        allow_data_change,
        settings,
    )


def _continue(
    folder: RunFolder,
    choose_spec: Callable[[Checkpoint], Spec],
    allow_data_change: bool,
    settings: Settings,
) -> Run:
    tell = _observer(settings)
    if not folder.steps():
        raise CheckpointIOError(f"{folder.path} holds no checkpoint to resume from; is it a run?")
    with locked(folder.lock):
        folder.clean()
        checkpoint = folder.newest(lambda text: tell(Warned(text)), set_aside=True)
        if folder.spec_was_edited(checkpoint.spec):
            tell(Warned(f"{folder.spec} was edited; the run goes on with the checkpoint's spec"))
        spec = choose_spec(checkpoint)
        changes = compare(checkpoint.spec, spec.resolved())
        require_safe(changes)
        trainer = _trainer(spec, Path(checkpoint.data.root), settings, checkpoint.transforms)
        if not allow_data_change:
            checkpoint.check_data(trainer.data.fingerprints)
        trainer.load_state(checkpoint.tensors, checkpoint.progress)
        session = Session(folder, trainer, tell, checkpoint, changes)
        return _run(folder, trainer, *session.train())


def _read_spec(
    spec: Spec | str | Path | Mapping[str, Any], overrides: Mapping[str, Any] | None
) -> Spec:
    if not isinstance(spec, Spec):
        return load_spec(spec, overrides)
    if overrides:
        raise SpecError("overrides apply to a file or a dict, not to a spec that was read already")
    return spec


def _new_trainer(
    spec: Spec, source: str | Path | None, rules: TransferRules, settings: Settings
) -> tuple[Trainer, tuple[dict[str, JsonValue], ...]]:
    """A trainer at step 0, and the lineage of its run."""
    if source is None:
        return _trainer(spec, spec.folder, settings), ()
    start, trainer, plan = _fine_tuning(spec, source, rules, settings)
    start.apply(plan, trainer)
    _observer(settings)(Transferred(start.path, plan.summary, plan.lines))
    return trainer, start.lineage(plan)


def _fine_tuning(
    spec: Spec, source: str | Path, rules: TransferRules, settings: Settings
) -> tuple[FineTuning, Trainer, TransferPlan]:
    tell = _observer(settings)
    path, checkpoint = find_checkpoint(source, warn=lambda text: tell(Warned(text)))
    start = FineTuning(path, checkpoint, rules)
    trainer = _trainer(spec, spec.folder, settings, start.fitted(spec))
    return start, trainer, start.plan(trainer)


def _trainer(
    spec: Spec, root: Path, settings: Settings, fitted: Mapping[str, Any] | None = None
) -> Trainer:
    """A trainer that was checked as far as it can be before the first step."""
    try:
        trainer = Trainer(
            spec,
            root=_root(settings, root),
            fitted=fitted,
            max_params=settings.get("max_params", MAX_PARAMS),
            threads=settings.get("threads"),
        )
        trainer.check()
    except LocatedError as error:
        raise spec.locate(error) from None
    return trainer


def _run(folder: RunFolder, trainer: Trainer, figures: dict[str, float], seconds: float) -> Run:
    progress = trainer.progress
    path = folder.path.resolve()
    best = None if progress.best is None else RunFolder(path).checkpoint(progress.best.step)
    return Run(
        path,
        trainer.network,
        progress.step,
        progress.epoch,
        trainer.finished,
        seconds,
        figures or _last_figures(folder),
        trainer.data.size("test") > 0,
        best,
    )


def _last_figures(folder: RunFolder) -> dict[str, float]:
    for record in reversed(read_log(folder.log)):
        if "train/loss" in record:
            return {k: v for k, v in record.items() if k not in ("step", "epoch", "wall")}
    return {}


def _root(settings: Settings, default: Path) -> Path:
    root = settings.get("data_root")
    return default if root is None else Path(root).resolve()


def _observer(settings: Settings) -> Observer:
    return settings.get("observer") or _warn


def _warn(event: RunEvent) -> None:
    if isinstance(event, Warned):
        warnings.warn(event.message, stacklevel=4)


# What is done with a checkpoint --------------------------------------------------------------


def find_checkpoint(
    path: str | Path, which: str | None = None, warn: Callable[[str], None] = warnings.warn
) -> tuple[Path, Checkpoint]:
    """The checkpoint that is meant by a run's folder or a checkpoint's file.

    Args:
        path: A run's folder, or a checkpoint.
        which: ``"best"``, ``"last"``, or a file (of the run's, a name is enough); by default the
            best if the run keeps one, else the last.
        warn: Told of damaged checkpoints that were skipped.

    Raises:
        CheckpointError: if it cannot be read; a file that was named is never replaced by another.
    """
    folder = RunFolder(Path(path))
    if which not in (None, "best", "last"):
        inside = folder.checkpoints / which
        path = inside if inside.exists() else which
    if which not in (None, "best", "last") or not folder.path.is_dir():
        return Path(path), Checkpoint.read(Path(path))
    newest = folder.newest(warn, set_aside=False)
    best = newest.progress.best
    if which == "best" and best is None:
        raise CheckpointError(
            f"{path} keeps no best checkpoint; training.checkpoint.keep_best makes it do so"
        )
    if which == "last" or best is None or best.step == newest.progress.step:
        return folder.checkpoint(newest.progress.step), newest
    chosen = folder.checkpoint(best.step)
    return chosen, Checkpoint.read(chosen)


def load(
    path: str | Path, checkpoint: str | None = None, *, max_params: int = MAX_PARAMS
) -> Network:
    """A trained network, its loss included, so that `Network.predict` gives probabilities.

    Args:
        path: A run's folder, or a checkpoint.
        checkpoint: ``"best"``, ``"last"``, or a file; see `find_checkpoint`.
        max_params: Elements of parameters and buffers that may be allocated.

    Raises:
        CheckpointError: if it cannot be read.
        PluginError: if a type it needs is not installed any more.
    """
    return load_model(path, checkpoint, max_params=max_params).network


def load_model(
    path: str | Path, checkpoint: str | None = None, *, max_params: int = MAX_PARAMS
) -> Model:
    """A trained network with its preprocessing: it takes raw inputs; see `load`."""
    return open_model(find_checkpoint(path, checkpoint)[1], max_params)


@dataclass(frozen=True)
class Evaluation:
    """The figures of a split.

    Attributes:
        checkpoint: The checkpoint that was evaluated.
        step: Its step.
        split: ``"train"``, ``"val"`` or ``"test"``.
        samples: How many samples the split has.
        metrics: ``loss`` and every metric by its label.
    """

    checkpoint: Path
    step: int
    split: SplitName
    samples: int
    metrics: dict[str, float]


def evaluate(
    path: str | Path,
    split: SplitName = "test",
    *,
    checkpoint: str | None = None,
    **settings: Unpack[Settings],
) -> Evaluation:
    """The loss and the metrics of a whole split.

    Args:
        path: A run's folder, or a checkpoint.
        split: ``"test"``, ``"val"`` or ``"train"``.
        checkpoint: ``"best"``, ``"last"``, or a file; see `find_checkpoint`.
        **settings: See `Settings`.

    Raises:
        CheckpointError: if the checkpoint cannot be read.
        DataError: if the data cannot be, or the split is empty.
        PluginError: if a type it needs is not installed any more.
    """
    tell = _observer(settings)
    file, found = find_checkpoint(path, checkpoint, lambda text: tell(Warned(text)))
    model = open_model(found, settings.get("max_params", MAX_PARAMS))
    spec = model.spec
    assert spec.data is not None
    root = _root(settings, Path(found.data.root))
    data = Data(spec.data, root, spec.training.seed, found.transforms)
    data.require(split)
    for part, fingerprint in data.fingerprints.items():
        if found.data.fingerprints.get(part) != fingerprint:
            tell(Warned(f"the dataset {part!r} has changed since the checkpoint was made"))
    return _evaluate(file, found.progress.step, model, data, split, settings.get("threads"))


def _evaluate(
    file: Path, step: int, model: Model, data: Data, split: SplitName, threads: int | None
) -> Evaluation:
    engine = Engine(model.network, threads)
    figures = Figures(model.spec.training.metrics, model.network.out_shape)
    for batch in data.batches(split, EVALUATION_BATCH):
        targets = next(iter(batch.targets.values()))
        figures.update(engine.evaluate(batch.inputs, targets), targets)
    return Evaluation(file, step, split, figures.samples, figures.result())
