"""The preparation of a run: its spec, trainer, lock and checkpoint, all checked before training."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.checkpoint.continuation import Continuation, ResumeRules
from tinynet.checkpoint.environment import environment
from tinynet.checkpoint.sections import DataFacts
from tinynet.data.given import GivenData
from tinynet.engine.process_group import ProcessGroup
from tinynet.errors import SpecError
from tinynet.files.scan_cache import verifying
from tinynet.layer.build import MAX_PARAMS
from tinynet.network.kernel_choice import choose_kernels
from tinynet.run.folder import RunFolder, new_folder, next_folder
from tinynet.run.joining import share_start
from tinynet.run.length import rate_jump, require_end_not_passed
from tinynet.run.locating import locating_errors
from tinynet.run.lock import locked
from tinynet.run.loggers import Loggers
from tinynet.run.observers import StoppableObserver
from tinynet.run.options import Settings, data_root, observer, threads
from tinynet.run.path_errors import no_run
from tinynet.run.roots import recorded_root
from tinynet.run.session import Session, draft_checkpoint
from tinynet.run.start_request import StartRequest
from tinynet.spec.loggers import with_loggers
from tinynet.spec.models import Spec
from tinynet.spec.reading import load_recorded_spec
from tinynet.training.events import Transferred, Warned
from tinynet.training.trainer import Trainer

if TYPE_CHECKING:
    from tinynet.checkpoint.transfer import TransferPlan
    from tinynet.run.fine_tuning import FineTuning, WeightFileStart


@contextmanager
def new_session(
    spec: Spec,
    folder: RunFolder | None,
    request: StartRequest,
    settings: Settings,
    given: GivenData | None,
    group: ProcessGroup | None,
    *,
    reuse: bool,
) -> Iterator[Session]:
    """Prepare a new run, and hold the lock of its folder.

    Args:
        spec: The spec.
        folder: The folder of the run; None for the next free one in ``runs``.
        request: The source of its parameters.
        settings: See `Settings`.
        given: The data that were passed.
        group: The processes that train the run, of which this is the first; None for one.
        reuse: Accept a folder of a process that was killed before its first save.
    """
    tell = _stoppable(settings)
    spec = with_loggers(spec, settings.get("loggers", ()))
    loggers = Loggers.of(spec)
    lineage: tuple[dict[str, JsonValue], ...] = ()
    if request.source is None:
        trainer = checked_trainer(spec, spec.folder, settings, given=given, group=group)
    else:
        start, trainer, plan = plan_start(spec, request, settings, given, group)
        start.apply(plan, trainer)
        tell(Transferred(start.path, plan.summary, plan.lines))
        for warning in plan.warnings:
            tell(Warned(warning))
        lineage = start.lineage(plan)
    for problem in trainer.advice():
        tell(Warned(str(spec.locate(SpecError([problem])))))
    with locating_errors(spec):
        draft = draft_checkpoint(trainer, lineage)
    share_start(trainer, draft, settings, is_new=True)
    if folder is None:
        folder = next_folder(Path("runs"), spec.name)
    else:
        folder = new_folder(folder.path, reuse=reuse)
    with locked(folder.lock, required=settings.get("lock", True)):
        folder.require_unused()
        folder.clean()
        yield Session(folder, trainer, tell, draft, loggers=loggers)


@contextmanager
def resumed_session(
    folder: RunFolder,
    choose_spec: Callable[[Checkpoint], Spec],
    rules: ResumeRules,
    settings: Settings,
    given: GivenData | None,
    group: ProcessGroup | None,
) -> Iterator[Session]:
    """Prepare a run to be resumed from its newest intact checkpoint, and hold its lock.

    Args:
        folder: The folder of the run.
        choose_spec: Function that returns the spec to continue with.
        rules: The changes that are allowed.
        settings: See `Settings`.
        given: The data that were passed.
        group: The processes that train the run, of which this is the first; None for one.
    """
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
        trainer = checked_trainer(spec, root, settings, checkpoint.transforms, given, group)
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
        share_start(trainer, draft, settings, is_new=False)
        yield Session(folder, trainer, tell, draft, checkpoint, loggers)


def _stoppable(settings: Settings) -> StoppableObserver:
    """Return the observer of a run, which is also called with what happens before training."""
    stoppable = StoppableObserver(observer(settings))
    settings["observer"] = stoppable
    return stoppable


def changed_spec(checkpoint: Checkpoint, overrides: Mapping[str, Any] | None) -> Spec:
    """Return the spec of a checkpoint, with overrides by dotted path."""
    if not any(path.startswith("training.loggers") for path in overrides or ()):
        checkpoint.require_loggers()
    return checkpoint.load_spec(overrides)


def read_spec(
    spec: Spec | str | Path | Mapping[str, Any],
    overrides: Mapping[str, Any] | None,
    given: GivenData | None = None,
    recorded: Mapping[str, str] | None = None,
) -> Spec:
    """Return the spec of a file or dict, with overrides, and with the data that were passed."""
    if isinstance(spec, Spec) and overrides:
        raise SpecError("overrides apply to a file or a dict, not to a loaded spec")
    if given is not None:
        return given.in_spec(spec, overrides, recorded)
    return spec if isinstance(spec, Spec) else load_recorded_spec(spec, overrides, recorded)


def _with_recorded_inferences(spec: Spec, checkpoint: Checkpoint) -> Spec:
    """Return a spec whose datasets read the data as the run read them."""
    recorded = checkpoint.load_spec().data
    return spec if recorded is None else spec.with_inferred(recorded.inferred())


def plan_start(
    spec: Spec,
    request: StartRequest,
    settings: Settings,
    given: GivenData | None = None,
    group: ProcessGroup | None = None,
) -> tuple["FineTuning | WeightFileStart", Trainer, "TransferPlan"]:
    """Return the start of a new run from another one, its trainer and the transfer to it."""
    from tinynet.run.fine_tuning import open_start

    start = open_start(request, lambda text: observer(settings)(Warned(text)))
    trainer = checked_trainer(spec, spec.folder, settings, start.fitted(spec), given, group)
    return start, trainer, start.plan(trainer)


def checked_trainer(
    spec: Spec,
    root: Path,
    settings: Settings,
    fitted: Mapping[str, Any] | None = None,
    given: GivenData | None = None,
    group: ProcessGroup | None = None,
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
            threads=threads(settings, group),
            kernels=choose_kernels(settings.get("kernels")),
            group=group,
        )
        trainer.check()
    return trainer
