"""A run: the training loop wired to a folder with its lock, its log and its checkpoints."""

import math
import secrets
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from tinynet.build import MAX_PARAMS
from tinynet.checkpoint import Checkpoint, DataFacts, environment, types_of
from tinynet.data import Data, SplitName
from tinynet.errors import CheckpointError, CheckpointIOError, SpecError
from tinynet.evaluation import Figures, evaluate_batch
from tinynet.events import EpochDone, Event, RunEvent, Saved, Started, StepDone, Warned
from tinynet.interrupts import Interrupted, Interrupts, held
from tinynet.model import Model, open_model
from tinynet.network import Network
from tinynet.run_folder import RunFolder, new_folder, next_folder
from tinynet.run_lock import locked
from tinynet.run_log import RunLog, read_log
from tinynet.spec import CheckpointSpec, Spec
from tinynet.spec_change import compare, require_safe
from tinynet.spec_file import load_spec
from tinynet.training import Trainer

Observer = Callable[[RunEvent], None]


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
    """

    path: Path
    network: Network
    step: int
    epoch: int
    finished: bool
    seconds: float
    figures: dict[str, float] = field(default_factory=dict)

    @property
    def checkpoints(self) -> list[Path]:
        """Its checkpoints, oldest first."""
        folder = RunFolder(self.path)
        return [folder.checkpoint(step) for step in folder.steps()]

    @property
    def history(self) -> list[dict[str, Any]]:
        """Its log: one dict for each line."""
        return read_log(RunFolder(self.path).log)

    def evaluate(self, split: SplitName = "test", **options: Any) -> Evaluation:
        """Evaluate a checkpoint of the run; see `evaluate`."""
        return evaluate(self.path, split, **options)


def train(
    spec: Spec | str | Path | Mapping[str, Any],
    run_dir: str | Path | None = None,
    *,
    resume: bool = False,
    overrides: Mapping[str, Any] | None = None,
    data_root: str | Path | None = None,
    max_params: int = MAX_PARAMS,
    observer: Observer | None = None,
) -> Run:
    """Train what a spec declares.

    Args:
        spec: A spec, its file, or a dict like one.
        run_dir: The run's folder; by default ``runs/<name>-001``, or the next number.
        resume: Go on with the run where ``run_dir`` has one; start it where it has not.
        overrides: JSON values by dotted path; only for a file or a dict.
        data_root: Where relative data paths start; by default the spec's folder.
        max_params: Elements of parameters and buffers that may be allocated.
        observer: Told of everything that happens.

    Raises:
        SpecError: for a spec that is wrong.
        ShapeError: for layers that do not fit.
        DataError: for data that cannot be trained on.
        PluginError: for a plugin that is missing or broken.
        RunExistsError: if the folder is in use already and ``resume`` is False.
        RunBusyError: if another process holds the run.
        CheckpointError: if the disk fails.
        DivergedError: if the loss is not finite; the last good checkpoint is kept.
        Interrupted: after SIGINT or SIGTERM; the run is saved.
    """
    if not isinstance(spec, Spec):
        spec = load_spec(spec, overrides)
    elif overrides:
        raise SpecError("overrides apply to a file or a dict, not to a spec that was read already")
    if resume and run_dir is None:
        raise SpecError("to go on with a run, or start it, its folder must be named (--run)")
    if resume and run_dir is not None and RunFolder(Path(run_dir)).steps():
        return _continue(RunFolder(Path(run_dir)), spec, None, data_root, max_params, observer)
    trainer = _trainer(spec, _root(data_root, spec.folder), max_params)
    if run_dir is None:
        folder = next_folder(Path("runs"), spec.name)
    else:
        folder = new_folder(Path(run_dir), reuse=resume)
    with locked(folder.lock):
        folder.clean()
        return _Session(folder, trainer, secrets.token_hex(8), observer, ()).train()


def resume(
    run_dir: str | Path,
    *,
    overrides: Mapping[str, Any] | None = None,
    data_root: str | Path | None = None,
    allow_data_change: bool = False,
    max_params: int = MAX_PARAMS,
    observer: Observer | None = None,
) -> Run:
    """Go on with a run from its newest good checkpoint to the end its spec names.

    Args:
        run_dir: The run's folder.
        overrides: Changes of its spec, JSON values by dotted path: ``{"training.epochs": 40}``.
        data_root: Where relative data paths start, if the data have moved.
        allow_data_change: Go on although the data are not those of the run any more.
        max_params: Elements of parameters and buffers that may be allocated.
        observer: Told of everything that happens.

    Raises:
        CheckpointError: if there is no checkpoint that can be used.
        RunBusyError: if another process holds the run.
        PluginError: if a type it needs is not installed any more.
        CheckpointMismatchError: for changes that its state cannot survive.
        Interrupted: after SIGINT or SIGTERM; the run is saved.
    """
    folder = RunFolder(Path(run_dir))
    return _continue(folder, None, overrides, data_root, max_params, observer, allow_data_change)


def _continue(
    folder: RunFolder,
    spec: Spec | None,
    overrides: Mapping[str, Any] | None,
    data_root: str | Path | None,
    max_params: int,
    observer: Observer | None,
    allow_data_change: bool = False,
) -> Run:
    tell = observer or _warn
    if not folder.steps():
        raise CheckpointIOError(f"{folder.path} holds no checkpoint to resume from; is it a run?")
    with locked(folder.lock):
        folder.clean()
        checkpoint = folder.newest(lambda text: tell(Warned(text)), set_aside=True)
        if folder.spec_was_edited(checkpoint.spec):
            tell(Warned(f"{folder.spec} was edited; the run goes on with the checkpoint's spec"))
        if spec is None:
            spec = checkpoint.load_spec(overrides)
        changes = compare(checkpoint.spec, spec.resolved())
        require_safe(changes)
        trainer = _trainer(
            spec, _root(data_root, Path(checkpoint.data.root)), max_params, checkpoint.transforms
        )
        if not allow_data_change:
            checkpoint.check_data(trainer.data.fingerprints)
        trainer.load_state(checkpoint.tensors, checkpoint.progress)
        origin: dict[str, JsonValue] = {
            "run_id": checkpoint.run_id,
            "step": checkpoint.progress.step,
            "changes": {change.pointer: [change.old, change.new] for change in changes},
        }
        session = _Session(
            folder, trainer, checkpoint.run_id, observer, (*checkpoint.lineage, origin), checkpoint
        )
        return session.train()


def _trainer(
    spec: Spec, root: Path, max_params: int, fitted: Mapping[str, Any] | None = None
) -> Trainer:
    """A trainer that was checked as far as it can be before the first step."""
    trainer = Trainer(spec, root=root, fitted=fitted, max_params=max_params)
    trainer.check()
    return trainer


def _root(data_root: str | Path | None, default: Path) -> Path:
    return Path(data_root).resolve() if data_root is not None else default


def _warn(event: RunEvent) -> None:
    if isinstance(event, Warned):
        warnings.warn(event.message, stacklevel=4)


class _Session:
    """One process training one run: logs and saves between the steps of the loop."""

    def __init__(
        self,
        folder: RunFolder,
        trainer: Trainer,
        run_id: str,
        observer: Observer | None,
        lineage: tuple[dict[str, JsonValue], ...],
        resumed: Checkpoint | None = None,
    ) -> None:
        self._folder = folder
        self._trainer = trainer
        self._run_id = run_id
        self._tell = observer or _warn
        self._lineage = lineage
        self._resumed = resumed
        self._spec = trainer.spec.resolved()
        self._types = types_of(trainer.spec)
        self._environment = environment()
        self._facts = _facts(trainer.data)
        self._saved_at = time.monotonic()

    def train(self) -> Run:
        """Train to the end, or to a signal."""
        trainer, resumed = self._trainer, self._resumed
        started = time.monotonic()
        figures: dict[str, float] = {}
        mark = resumed.log if resumed is not None else None
        with RunLog(self._folder.log, mark) as log, held() as interrupts:
            self._log = log
            self._tell(
                Started(
                    self._folder.path, trainer.step, trainer.total_steps, trainer.steps_per_epoch
                )
            )
            if resumed is None:
                self._save()
            if not trainer.finished or resumed is None:
                self._folder.write_spec(self._spec)
            with closing(trainer.run()) as events:
                for event in self._until_interrupted(events, interrupts):
                    self._tell(event)
                    if isinstance(event, EpochDone):
                        figures = event.figures
                    self._record(event, time.monotonic() - started)
        seconds = time.monotonic() - started
        progress = trainer.progress
        return Run(
            self._folder.path.resolve(),
            trainer.network,
            progress.step,
            progress.epoch,
            trainer.finished,
            seconds,
            figures or _last_figures(self._folder),
        )

    def _until_interrupted(
        self, events: Iterator[Event], interrupts: Interrupts
    ) -> Iterator[Event]:
        for event in events:
            yield event
            if interrupts.received is not None and not self._trainer.finished:
                self._save()
                raise Interrupted(
                    f"stopped after step {self._trainer.step}; it is saved:"
                    f" tinynet resume {self._folder.path}",
                    interrupts.received,
                )

    def _record(self, event: Event, seconds: float) -> None:
        """Log an event and save after it, as the spec says."""
        training = self._trainer.spec.training
        wall: dict[str, JsonValue] = {
            "seconds": round(seconds, 3),
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        if isinstance(event, StepDone):
            every = training.log_every_steps
            if every is not None and event.step % every == 0:
                figures = {"loss": event.loss, "learning_rate": event.learning_rate}
                self._append(event.step, event.epoch, figures, wall)
        elif isinstance(event, EpochDone):
            self._append(event.step, event.epoch, event.figures, wall)
        if self._due(event, training.checkpoint):
            self._save()

    def _append(
        self, step: int, epoch: int, figures: Mapping[str, float], wall: dict[str, JsonValue]
    ) -> None:
        finite = {n: value if math.isfinite(value) else None for n, value in figures.items()}
        self._log.append({"step": step, "epoch": epoch, **finite, "wall": wall})

    def _due(self, event: Event, policy: CheckpointSpec) -> bool:
        if isinstance(event, StepDone):
            return (policy.every_steps is not None and event.step % policy.every_steps == 0) or (
                policy.every_seconds is not None
                and time.monotonic() - self._saved_at >= policy.every_seconds
            )
        if isinstance(event, EpochDone):
            every = policy.epochs_between
            scheduled = every is not None and event.epoch % every == 0
            return scheduled or event.improved or self._trainer.finished
        return False

    def _save(self) -> None:
        trainer, folder = self._trainer, self._folder
        checkpoint = Checkpoint(
            run_id=self._run_id,
            spec=self._spec,
            progress=trainer.progress,
            tensors=trainer.state(),
            transforms=trainer.data.preprocessing.state(),
            data=self._facts,
            log=self._log.mark(),
            lineage=self._lineage,
            environment=self._environment,
            types=self._types,
        )
        path = folder.checkpoint(trainer.step)
        checkpoint.write(path)
        self._saved_at = time.monotonic()
        protected = [self._resumed.progress.step] if self._resumed is not None else []
        if trainer.progress.best is not None:
            protected.append(trainer.progress.best.step)
        folder.prune(self._run_id, trainer.spec.training.checkpoint.keep_last, protected)
        self._tell(Saved(trainer.step, path))


def _facts(data: Data) -> DataFacts:
    raw = data.raw
    return DataFacts(
        str(data.root),
        data.fingerprints,
        {name: raw[name] for name in data.inputs},
        {name: raw[name] for name in data.targets},
    )


def _last_figures(folder: RunFolder) -> dict[str, float]:
    for record in reversed(read_log(folder.log)):
        if "train/loss" in record:
            return {k: v for k, v in record.items() if k not in ("step", "epoch", "wall")}
    return {}


# What is done with a checkpoint --------------------------------------------------------------


def find_checkpoint(
    path: str | Path, which: str | None = None, warn: Callable[[str], None] = warnings.warn
) -> tuple[Path, Checkpoint]:
    """The checkpoint that is meant by a run's folder or a checkpoint's file.

    Args:
        path: A run's folder, or a checkpoint.
        which: ``"best"``, ``"last"``, or a file; by default the best if the run keeps one, else
            the last.
        warn: Told of damaged checkpoints that were skipped.

    Raises:
        CheckpointError: if it cannot be read; a file that was named is never replaced by another.
    """
    path = Path(path)
    if which not in (None, "best", "last"):
        named = Path(which)
        path = (
            named
            if named.exists() or not (path / "checkpoints" / named).exists()
            else (path / "checkpoints" / named)
        )
        which = None
    if not path.is_dir():
        return path, Checkpoint.read(path)
    folder = RunFolder(path)
    newest = folder.newest(warn, set_aside=False)
    best = newest.progress.best
    if which == "best" and best is None:
        raise CheckpointError(
            f"{path} keeps no best checkpoint; training.checkpoint.keep_best makes it do so"
        )
    if which == "last" or best is None:
        return folder.checkpoint(newest.progress.step), newest
    chosen = folder.checkpoint(best.step)
    return chosen, newest if best.step == newest.progress.step else Checkpoint.read(chosen)


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
    return open_model(find_checkpoint(path, checkpoint)[1], max_params).network


def load_model(
    path: str | Path, checkpoint: str | None = None, *, max_params: int = MAX_PARAMS
) -> Model:
    """A trained network with its preprocessing: it takes raw inputs; see `load`."""
    return open_model(find_checkpoint(path, checkpoint)[1], max_params)


def evaluate(
    path: str | Path,
    split: SplitName = "test",
    *,
    checkpoint: str | None = None,
    data_root: str | Path | None = None,
    max_params: int = MAX_PARAMS,
    observer: Observer | None = None,
) -> Evaluation:
    """The loss and the metrics of a whole split.

    Args:
        path: A run's folder, or a checkpoint.
        split: ``"test"``, ``"val"`` or ``"train"``.
        checkpoint: ``"best"``, ``"last"``, or a file; see `find_checkpoint`.
        data_root: Where relative data paths start, if the data have moved.
        max_params: Elements of parameters and buffers that may be allocated.
        observer: Told of warnings.

    Raises:
        CheckpointError: if the checkpoint cannot be read.
        DataError: if the data cannot be, or the split is empty.
        PluginError: if a type it needs is not installed any more.
    """
    tell = observer or _warn
    file, found = find_checkpoint(path, checkpoint, lambda text: tell(Warned(text)))
    model = open_model(found, max_params)
    spec = model.spec
    assert spec.data is not None
    root = _root(data_root, Path(found.data.root))
    data = Data(spec.data, root, spec.training.seed, found.transforms)
    data.require(split)
    for part, fingerprint in data.fingerprints.items():
        if found.data.fingerprints.get(part) != fingerprint:
            tell(Warned(f"the dataset {part!r} has changed since the checkpoint was made"))
    network = model.network
    assert network.loss is not None
    figures = Figures(spec.training.metrics, network.out_shape)
    for batch in data.batches(split, spec.training.batch_size):
        targets = next(iter(batch.targets.values()))
        evaluate_batch(network, network.loss, figures, batch.inputs, targets)
    return Evaluation(file, found.progress.step, split, figures.samples, figures.result())
