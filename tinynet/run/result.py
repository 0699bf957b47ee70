"""The result of training a run."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack

from tinynet.data.data import Data
from tinynet.data.given import GivenData
from tinynet.data.splits import SplitName
from tinynet.network.network import Network
from tinynet.run.arguments import check_arguments
from tinynet.run.ending_together import processes
from tinynet.run.evaluation import Evaluation, evaluate_split
from tinynet.run.folder import RunFolder
from tinynet.run.joined_session import JoinedSession
from tinynet.run.log import last_figures, read_log
from tinynet.run.options import Settings
from tinynet.run.session import Session
from tinynet.training.events import BestEvaluation, StopReason
from tinynet.training.monitor import best_evaluation
from tinynet.training.trainer import Trainer

if TYPE_CHECKING:
    from tinynet.profiling.profile import Profile


@dataclass(frozen=True)
class Run:
    """The result of `train` or `resume`.

    Attributes:
        path: The run folder; in other processes than the first, that of the first.
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
        processes: The number of processes that trained the run together.
        profile: The profile, if one was asked for and a step was recorded.
        data: The opened data, if they are kept; see `Settings`.
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
    processes: int = 1
    profile: "Profile | None" = field(default=None, repr=False)
    data: Data | None = field(default=None, repr=False, compare=False)

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
        arguments = dict(locals())
        with processes("evaluate", settings, arguments) as group:
            check_arguments("evaluate", arguments)
            # A checkpoint that is named may be of another run.
            opened = self.data if checkpoint is None else None
            return evaluate_split(self.path, split, checkpoint, self.given, settings, group, opened)


@dataclass(frozen=True)
class RunEnd:
    """The end of a run that only the process which has its folder knows.

    Attributes:
        path: The run folder.
        figures: See `Run`.
        seconds: See `Run`.
        stop_reason: See `Run`.
        stop_message: See `Run`.
        profile: See `Run`.
    """

    path: Path
    figures: dict[str, float]
    seconds: float
    stop_reason: StopReason | None
    stop_message: str
    profile: "Profile | None"


def train_session(session: Session, settings: Settings, given: GivenData | None) -> Run:
    """Train, and return the result."""
    with _profiled(session, settings) as profiles:
        figures, seconds = session.train()
    path = session.folder.path.resolve()
    figures = figures or last_figures(session.folder.log)
    profile = profiles[0] if profiles else None
    reason, message = session.stop_reason, session.stop_message
    end = RunEnd(path, figures, seconds, reason, message, profile)
    if session.trainer.group is not None:
        session.trainer.group.share(end)
    return _run(session.trainer, end, given, settings)


def train_joined(session: JoinedSession, settings: Settings, given: GivenData | None) -> Run:
    """Train together with the first process, and return the same result."""
    with _profiled(session, settings):
        session.train()
    assert session.trainer.group is not None
    return _run(session.trainer, session.trainer.group.share(), given, settings)


def _profiled(
    session: Session | JoinedSession, settings: Settings
) -> AbstractContextManager[Sequence["Profile"]]:
    if not settings.get("profile"):
        return nullcontext(())
    from tinynet.run.profiled import profiled

    return profiled(session, settings)


def _run(trainer: Trainer, end: RunEnd, given: GivenData | None, settings: Settings) -> Run:
    progress, training = trainer.progress, trainer.spec.training
    stopping, best = training.early_stopping, progress.best
    return Run(
        end.path,
        trainer.evaluated_network,
        progress.step,
        progress.epoch,
        trainer.finished,
        end.seconds,
        end.figures,
        trainer.data.size("test") > 0,
        None if best is None else RunFolder(end.path).checkpoint(best.step),
        end.stop_reason,
        best_evaluation(training, progress, trainer.steps_per_epoch),
        trainer.data.root,
        None if stopping is None else stopping.patience,
        given,
        end.stop_message,
        1 if trainer.group is None else trainer.group.size,
        end.profile,
        # Arrays may have changed when the run is evaluated; opening them again notices that.
        trainer.data if settings.get("keep_data") and given is None else None,
    )
