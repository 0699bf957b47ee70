"""The events of a run, for logs, checkpoints and progress bars. Their dicts are read-only."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from tinynet.training.read_only import ReadOnlyDict

if TYPE_CHECKING:
    from tinynet.data.sizes import SplitSizes
    from tinynet.profiling.profile import Profile
    from tinynet.training.exchange import Requests

StopReason: TypeAlias = Literal["epochs", "steps", "early_stopping", "observer"]
"""The setting that ended a run, `training.epochs`, `.steps` or `.early_stopping`, or an observer.

An observer that raised `StopTraining` leaves a run that is not finished.
"""


Summary: TypeAlias = dict[str, float]
"""Statistics of an array: ``mean``, ``std``, ``min``, ``max``, and ``zeros``, the share of zeros.

They may be NaN or infinite.
"""


@dataclass(frozen=True)
class Statistics:
    """Statistics of a step, where a spec has ``log_statistics_every_steps``.

    Attributes:
        step: Number of the update, from 1.
        epoch: Number of its epoch, from 1.
        parameters: Summaries of the parameters after the update, by address.
        gradients: Summaries of their mean gradients, before they are clipped, by address.
        outputs: Summaries of the main output of each layer, by name: after the update, in
            evaluation mode, for the first samples of the step.
    """

    step: int
    epoch: int
    parameters: dict[str, Summary]
    gradients: dict[str, Summary]
    outputs: dict[str, Summary]

    def __post_init__(self) -> None:
        for name in ("parameters", "gradients", "outputs"):
            summaries = {key: ReadOnlyDict(part) for key, part in getattr(self, name).items()}
            object.__setattr__(self, name, ReadOnlyDict(summaries))


@dataclass(frozen=True)
class StepDone:
    """An update was made.

    Attributes:
        step: Number of the update, from 1.
        epoch: Number of its epoch, from 1.
        position: Number of the update in the epoch, from 1.
        loss: Mean loss of its samples, before the update.
        learning_rate: Its learning rate.
        samples: Number of samples.
        statistics: Its statistics, which are also the next event of a run; None without them.
    """

    step: int
    epoch: int
    position: int
    loss: float
    learning_rate: float
    samples: int
    statistics: Statistics | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Evaluating:
    """A part of the validation split was evaluated."""

    samples: int
    total: int


@dataclass(frozen=True)
class Evaluated:
    """The network was evaluated: at the end of an epoch or of the run, or at an n-th step.

    Attributes:
        step: Updates done.
        epoch: Number of the epoch, from 1.
        figures: ``train/loss``, ``val/loss``, ``val/accuracy``, ... and ``learning_rate``.
        improved: True if it is the best so far by `keep_best`.
        epoch_ended: True if it was the last step of the epoch.
    """

    step: int
    epoch: int
    figures: dict[str, float]
    improved: bool
    epoch_ended: bool

    def __post_init__(self) -> None:
        object.__setattr__(self, "figures", ReadOnlyDict(self.figures))


@dataclass(frozen=True)
class BestEvaluation:
    """The best evaluation of a run.

    Attributes:
        metric: The monitored figure: ``val/loss``.
        value: Its value.
        step: Updates done at the evaluation.
        epoch: Number of the epoch that it ended, from 1.
    """

    metric: str
    value: float
    step: int
    epoch: int


@dataclass(frozen=True)
class Saved:
    """A checkpoint was saved, durably.

    Attributes:
        step: Updates done in its state.
        path: Its file.
    """

    step: int
    path: Path


@dataclass(frozen=True)
class Processes:
    """The processes that train a run together.

    Attributes:
        count: Their number.
        hosts: The name of the machine of each.
        shards: The parts that a batch is divided into.
    """

    count: int
    hosts: tuple[str, ...]
    shards: int

    @property
    def idle(self) -> int:
        """The number of processes that have no part of a batch to compute."""
        return max(self.count - self.shards, 0)

    def __str__(self) -> str:
        machines = len(set(self.hosts))
        where = f"{machines} machines" if machines > 1 else "1 machine"
        parts = f"{self.shards:,} shard{'s' if self.shards > 1 else ''} in a batch"
        text = f"{self.count:,} processes on {where}, {parts}"
        if not self.idle:
            return text
        idle = "1 process has" if self.idle == 1 else f"{self.idle:,} processes have"
        return f"{text}: {idle} nothing to do (training.shards gives each one)"


@dataclass(frozen=True)
class Started:
    """A run started or resumed.

    Attributes:
        path: Its folder.
        step: Updates done at the start.
        total_steps: Updates done at its end.
        steps_per_epoch: Updates in an epoch.
        sizes: The samples in each split.
        evaluates_by_step: True if evaluations come at every n-th step and not after each epoch.
        processes: The processes that train it; None for one process.
    """

    path: Path
    step: int
    total_steps: int
    steps_per_epoch: int
    sizes: "SplitSizes | None" = None
    evaluates_by_step: bool = False
    processes: Processes | None = None


@dataclass(frozen=True)
class StoppedEarly:
    """Early stopping ended a run.

    Attributes:
        metric: The figure that was monitored: ``val/loss``.
        patience: Evaluations without improvement.
        best: The best evaluation by that figure; None if it never was finite.
        kept: True if the checkpoint of the best evaluation is kept.
    """

    metric: str
    patience: int
    best: BestEvaluation | None
    kept: bool


@dataclass(frozen=True)
class Ended:
    """Training ended, and the run is saved.

    Attributes:
        step: Updates done.
        epoch: Epochs done.
        stop_reason: The reason.
        message: The reason that an observer gave; empty for other reasons.
        best: The best evaluation by `keep_best`, or else by `early_stopping`; None without both.
        best_path: The checkpoint of the best evaluation, if the run keeps it.
    """

    step: int
    epoch: int
    stop_reason: StopReason
    message: str
    best: BestEvaluation | None
    best_path: Path | None


@dataclass(frozen=True)
class Profiled:
    """The profile of a run that was asked for; the last event, also of an interrupted run.

    Attributes:
        profile: The profile; as text, a table.
        path: Its file; None if it could not be saved.
        trace: The file that Perfetto opens; None if it could not be saved.
    """

    profile: "Profile"
    path: Path | None
    trace: Path | None


@dataclass(frozen=True)
class Transferred:
    """A new run started with tensors of a checkpoint.

    Attributes:
        source: The checkpoint's file.
        summary: The number of tensors that were transferred, initialized, and so on.
        lines: The action for each tensor, and notes for the user.
    """

    source: Path
    summary: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Warned:
    """A warning; the run continues."""

    message: str


@dataclass(frozen=True)
class Stopping:
    """All processes agreed to stop before the next step; the last event of `Trainer.run`."""

    requests: "Requests"


Event: TypeAlias = StepDone | Evaluating | Evaluated | Stopping
"""The events of `Trainer.run`."""

RunEvent: TypeAlias = (
    Event | Statistics | Transferred | Started | StoppedEarly | Saved | Ended | Profiled | Warned
)
"""The events of a run."""
