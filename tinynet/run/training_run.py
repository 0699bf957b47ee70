"""Start and resume runs: the training loop with a folder, its lock, log and checkpoints."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Unpack

from pydantic import JsonValue

from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.checkpoint.continuation import Continuation, ResumeRules
from tinynet.checkpoint.environment import environment
from tinynet.checkpoint.layouts.plan import Layout
from tinynet.checkpoint.plugin_lock import recorded_names
from tinynet.checkpoint.sections import DataFacts
from tinynet.checkpoint.transfer import TransferPlan
from tinynet.checkpoint.transfer_rules import STRICT, TransferRules
from tinynet.data.given import GivenData
from tinynet.data.splits import SplitName
from tinynet.errors import SpecError
from tinynet.files.scan_cache import verifying
from tinynet.layer.build import MAX_PARAMS
from tinynet.network.kernel_choice import choose_kernels
from tinynet.network.network import Network
from tinynet.run.arguments import check_arguments
from tinynet.run.evaluation import Evaluation, evaluate_split
from tinynet.run.fine_tuning import FineTuning, StartRequest, WeightFileStart, open_start
from tinynet.run.folder import RunFolder, new_folder, next_folder
from tinynet.run.length import rate_jump, require_end_not_passed
from tinynet.run.lock import locked
from tinynet.run.log import last_figures, read_log
from tinynet.run.loggers import Loggers
from tinynet.run.observers import StoppableObserver
from tinynet.run.options import Settings, data_root, observer, shown_progress
from tinynet.run.path_errors import no_run
from tinynet.run.roots import recorded_root
from tinynet.run.session import Session, draft_checkpoint, locating_errors
from tinynet.spec.loggers import with_loggers
from tinynet.spec.models import Spec
from tinynet.spec.reading import load_recorded_spec
from tinynet.training.events import BestEvaluation, StopReason, Transferred, Warned
from tinynet.training.monitor import best_evaluation
from tinynet.training.trainer import Trainer


@dataclass(frozen=True)
class Run:
    """The result of `train` or `resume`.

    Attributes:
        path: The run folder.
        network: The network after the last step, with averaged weights if the spec has an average.
        step: Completed steps.
        epoch: Completed epochs.
        finished: True if the run has reached its end; False after `StopTraining`.
        seconds: Seconds of training in this process.
        figures: The last evaluation's: ``train/loss``, ``val/accuracy``, ...
        has_test: True if there is a test split.
        best: The best checkpoint, if the run keeps one.
        stop_reason: ``"epochs"``, ``"steps"`` or ``"early_stopping"``, or ``"observer"`` if an
            observer raised `tinynet.events.StopTraining`.
        best_evaluation: The best by `keep_best`, or else by `early_stopping`; None without both.
        data_root: The folder that relative data paths start in.
        patience: The patience of early stopping, in evaluations; None without it.
        given: The data that were passed, which `evaluate` uses again; None for those of the spec.
        stop_message: The reason that the observer gave for stopping the run; it may be empty.
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
    stop_reason: StopReason | None
    best_evaluation: BestEvaluation | None
    data_root: Path
    patience: int | None
    given: GivenData | None = field(default=None, repr=False, compare=False)
    stop_message: str = ""

    @property
    def checkpoints(self) -> list[Path]:
        """The files of the checkpoints, oldest first."""
        folder = RunFolder(self.path)
        return [folder.checkpoint(step) for step in folder.steps()]

    @property
    def history(self) -> list[dict[str, Any]]:
        """The log: one dict per line."""
        return read_log(RunFolder(self.path).log)

    def evaluate(
        self,
        split: SplitName | Literal["validation"] = "test",
        *,
        checkpoint: str | Path | None = None,
        **settings: Unpack[Settings],
    ) -> Evaluation:
        """Compute the loss and the metrics of a whole split; see `tinynet.evaluate`."""
        if settings.get("data_root") is None:
            settings["data_root"] = self.data_root
        check_arguments("evaluate", locals())
        return evaluate_split(self.path, split, checkpoint, self.given, settings)


def train(
    spec: Spec | str | Path | Mapping[str, Any],
    run_dir: str | Path | None = None,
    *,
    data: Any = None,
    validation: Any = None,
    test: Any = None,
    resume: bool = False,
    exact: bool = False,
    overrides: Mapping[str, Any] | None = None,
    source: str | Path | None = None,
    rules: TransferRules = STRICT,
    layout: Layout | None = None,
    progress: bool = False,
    **settings: Unpack[Settings],
) -> Run:
    """Train the network of a spec.

    Args:
        spec: A spec, its file, or a dict of its content.
        run_dir: The run folder; by default ``runs/<name>-001``, or the next number.
        data: Samples in memory, in place of the spec's data, whose splits and transforms stay:
            (x, y) or (x, y, weights), each an array or a dict of arrays by name; a dict of all
            arrays; the inputs alone; or an object with the protocol of a dataset. The spec may
            leave out ``data``, or their ``type``; the resolved spec has the type ``memory``.
        validation: Samples for validation, likewise, with ``data``.
        test: Samples for the test, likewise, with ``data``.
        resume: Resume the run if ``run_dir`` has one; otherwise start it.
        exact: With ``resume``: see `resume`.
        overrides: JSON values by dotted path; only for a file or a dict.
        source: A run folder, a checkpoint or a file of weights (.npz, .safetensors) whose
            parameters a new run starts with; of a run, the best checkpoint if it keeps one, else
            the last. A resumed run ignores it.
        rules: The allowed differences from the network of ``source``.
        layout: The framework whose layout a file of weights has, ``"torch"`` or ``"keras"``: its
            names and axes are converted. By default that of `tinynet export`.
        progress: Show the progress: in a notebook as a table and a bar, else on stderr.
        **settings: See `Settings`.

    Raises:
        SpecError: for a spec that is wrong.
        CheckpointMismatchError: for a ``source`` that does not fit under the rules.
        ShapeError: for layers that do not fit.
        DataError: for data that cannot be used for training.
        PluginError: for a plugin that is missing or broken.
        RunExistsError: if the folder is in use and ``resume`` is False.
        RunBusyError: if another process trains the run.
        CheckpointError: if a checkpoint cannot be read or saved.
        DivergedError: if the loss is not finite; the last good checkpoint is kept.
        Interrupted: after SIGINT, SIGTERM or SIGHUP; the run is saved.
    """
    check_arguments("train", locals())
    if resume and run_dir is None:
        raise SpecError("resume=True (--resume) needs the run folder: add run_dir (--run FOLDER)")
    given = GivenData.of(data, validation, test)
    folder = None if run_dir is None else RunFolder(Path(run_dir))
    with shown_progress(progress, settings):
        if resume and folder is not None and folder.steps():
            return _continue(
                folder,
                lambda state: _read_spec(spec, overrides, given, recorded_names(state.types)),
                ResumeRules(exact=exact),
                settings,
                given,
            )
        new = _read_spec(spec, overrides, given)
        start = StartRequest(source, rules, layout)
        return _start(new, folder, start, settings, given, reuse=resume)


def _start(
    spec: Spec,
    folder: RunFolder | None,
    request: StartRequest,
    settings: Settings,
    given: GivenData | None,
    *,
    reuse: bool,
) -> Run:
    """Start a run in a new folder; with ``reuse``, in that of a process killed before its save."""
    tell = _stoppable(settings)
    spec = with_loggers(spec, settings.get("loggers", ()))
    loggers = Loggers.of(spec)
    lineage: tuple[dict[str, JsonValue], ...] = ()
    if request.source is None:
        trainer = _trainer(spec, spec.folder, settings, given=given)
    else:
        start, trainer, plan = _fine_tuning(spec, request, settings, given)
        start.apply(plan, trainer)
        tell(Transferred(start.path, plan.summary, plan.lines))
        for warning in plan.warnings:
            tell(Warned(warning))
        lineage = start.lineage(plan)
    for problem in trainer.advice():
        tell(Warned(str(spec.locate(SpecError([problem])))))
    with locating_errors(spec):
        draft = draft_checkpoint(trainer, lineage)
    if folder is None:
        folder = next_folder(Path("runs"), spec.name)
    else:
        folder = new_folder(folder.path, reuse=reuse)
    with locked(folder.lock, required=settings.get("lock", True)):
        folder.require_unused()
        folder.clean()
        return _run(Session(folder, trainer, tell, draft, loggers=loggers), given)


def plan_fine_tuning(
    spec: Spec | str | Path | Mapping[str, Any],
    source: str | Path,
    *,
    overrides: Mapping[str, Any] | None = None,
    rules: TransferRules = STRICT,
    layout: Layout | None = None,
    **settings: Unpack[Settings],
) -> tuple[Path, TransferPlan]:
    """Return the source checkpoint's file and the transfer that `train` would make."""
    check_arguments("plan_fine_tuning", locals(), required="source")
    request = StartRequest(source, rules, layout)
    start, _, plan = _fine_tuning(_read_spec(spec, overrides), request, settings)
    return start.path, plan


def resume(
    run_dir: str | Path,
    *,
    data: Any = None,
    validation: Any = None,
    test: Any = None,
    overrides: Mapping[str, Any] | None = None,
    exact: bool = False,
    allow_data_change: bool = False,
    allow_reset: bool = False,
    progress: bool = False,
    **settings: Unpack[Settings],
) -> Run:
    """Resume a run from its newest intact checkpoint and finish training.

    Args:
        run_dir: The run folder.
        data: The samples in memory that the run was started with; see `train`.
        validation: Those for validation.
        test: Those for the test.
        overrides: Changes of its spec, JSON values by dotted path: ``{"training.epochs": 40}``.
        exact: Refuse to resume unless the result is bit-identical to an uninterrupted run: if the
            software or the data have changed. Otherwise that is a warning.
        allow_data_change: Resume although the data have changed.
        allow_reset: Allow changes that reset part of the state, such as a new optimizer.
        progress: Show the progress; see `train`.
        **settings: See `Settings`.

    Raises:
        CheckpointError: if there is no usable checkpoint.
        DataError: if the run's data are arrays in memory, and ``data`` is missing.
        RunBusyError: if another process trains the run.
        PluginError: if a type that it needs is not installed.
        CheckpointMismatchError: for changes that do not fit the state.
        SpecError: for overrides that are wrong, or end the run before the step it has reached.
        Interrupted: after SIGINT, SIGTERM or SIGHUP; the run is saved.
    """
    check_arguments("resume", locals(), required="run_dir")
    with shown_progress(progress, settings):
        return _continue(
            RunFolder(Path(run_dir)),
            lambda checkpoint: _changed_spec(checkpoint, overrides),
            ResumeRules(exact, allow_data_change, allow_reset),
            settings,
            GivenData.of(data, validation, test),
        )


def _continue(
    folder: RunFolder,
    choose_spec: Callable[[Checkpoint], Spec],
    rules: ResumeRules,
    settings: Settings,
    given: GivenData | None,
) -> Run:
    tell = _stoppable(settings)
    if not folder.steps():
        raise no_run(folder.path)
    with locked(folder.lock, required=settings.get("lock", True)):
        folder.clean()
        checkpoint = folder.newest(lambda text: tell(Warned(text)), set_aside=True)
        if folder.spec_was_edited(checkpoint.spec):
            tell(Warned(f"{folder.spec} was edited, but the run uses the spec in its checkpoint"))
        spec = with_loggers(choose_spec(checkpoint), settings.get("loggers", ()))
        loggers = Loggers.of(spec)
        spec = _with_recorded_inferences(spec, checkpoint)
        if given is not None:
            given.require_memory(spec)
        continuation = Continuation(checkpoint, spec, rules)
        file = folder.checkpoint(checkpoint.progress.step)
        # The folder of a spec that the user named may be read.
        root = recorded_root(settings, file, checkpoint, spec, [spec.folder])
        trainer = _trainer(spec, root, settings, checkpoint.transforms, given)
        data = trainer.data
        here = environment(trainer.network.kernels)
        continuation.check(here, DataFacts.of(data), weighted=data.weighted)
        trainer.load_state(continuation.tensors(trainer.state()), continuation.progress)
        if continuation.resets_optimizer:
            trainer.renew_slots()
        require_end_not_passed(trainer)
        if not trainer.finished:
            jump = rate_jump(trainer, checkpoint, continuation.changes)
            for warning in (*continuation.warnings, *filter(None, [jump])):
                tell(Warned(warning))
        with locating_errors(spec):
            draft = draft_checkpoint(trainer, continuation.lineage, checkpoint.run_id)
        return _run(Session(folder, trainer, tell, draft, checkpoint, loggers), given)


def _stoppable(settings: Settings) -> StoppableObserver:
    """Return the observer of a run, which is also called with what happens before training."""
    stoppable = StoppableObserver(observer(settings))
    settings["observer"] = stoppable
    return stoppable


def _changed_spec(checkpoint: Checkpoint, overrides: Mapping[str, Any] | None) -> Spec:
    if not any(path.startswith("training.loggers") for path in overrides or ()):
        checkpoint.require_loggers()
    return checkpoint.load_spec(overrides)


def _read_spec(
    spec: Spec | str | Path | Mapping[str, Any],
    overrides: Mapping[str, Any] | None,
    given: GivenData | None = None,
    recorded: Mapping[str, str] | None = None,
) -> Spec:
    if isinstance(spec, Spec) and overrides:
        raise SpecError("overrides apply to a file or a dict, not to a loaded spec")
    if given is not None:
        return given.in_spec(spec, overrides, recorded)
    return spec if isinstance(spec, Spec) else load_recorded_spec(spec, overrides, recorded)


def _with_recorded_inferences(spec: Spec, checkpoint: Checkpoint) -> Spec:
    """Return a spec whose datasets read the data as the run read them."""
    recorded = checkpoint.load_spec().data
    return spec if recorded is None else spec.with_inferred(recorded.inferred())


def _fine_tuning(
    spec: Spec,
    request: StartRequest,
    settings: Settings,
    given: GivenData | None = None,
) -> tuple[FineTuning | WeightFileStart, Trainer, TransferPlan]:
    tell = observer(settings)
    start = open_start(request, lambda text: tell(Warned(text)))
    trainer = _trainer(spec, spec.folder, settings, start.fitted(spec), given)
    return start, trainer, start.plan(trainer)


def _trainer(
    spec: Spec,
    root: Path,
    settings: Settings,
    fitted: Mapping[str, Any] | None = None,
    given: GivenData | None = None,
) -> Trainer:
    """Return a trainer that has passed every check before the first step."""
    for note in spec.origin.notes:
        observer(settings)(Warned(note))
    with locating_errors(spec), verifying(settings.get("verify_data", False)):
        trainer = Trainer(
            spec,
            root=data_root(settings, root),
            fitted=fitted,
            data=given,
            max_params=settings.get("max_params", MAX_PARAMS),
            threads=settings.get("threads"),
            kernels=choose_kernels(settings.get("kernels")),
        )
        trainer.check()
    return trainer


def _run(session: Session, given: GivenData | None) -> Run:
    """Train, and return the result."""
    figures, seconds = session.train()
    folder, trainer = session.folder, session.trainer
    progress, stopping = trainer.progress, trainer.spec.training.early_stopping
    path = folder.path.resolve()
    best = None if progress.best is None else RunFolder(path).checkpoint(progress.best.step)
    return Run(
        path,
        trainer.evaluated_network,
        progress.step,
        progress.epoch,
        trainer.finished,
        seconds,
        figures or last_figures(folder.log),
        trainer.data.size("test") > 0,
        best,
        session.stop_reason,
        best_evaluation(trainer.spec.training, progress, trainer.steps_per_epoch),
        trainer.data.root,
        None if stopping is None else stopping.patience,
        given,
        session.stop_message,
    )
