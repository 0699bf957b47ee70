"""The result of training a run."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Unpack

from tinynet.data.given import GivenData
from tinynet.data.splits import SplitName
from tinynet.network.network import Network
from tinynet.run.arguments import check_arguments
from tinynet.run.evaluation import Evaluation, evaluate_split
from tinynet.run.folder import RunFolder
from tinynet.run.log import last_figures, read_log
from tinynet.run.options import Settings
from tinynet.run.session import Session
from tinynet.training.events import BestEvaluation, StopReason
from tinynet.training.monitor import best_evaluation


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


def train_session(session: Session, given: GivenData | None) -> Run:
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
