"""What happens in a run, told by the loop to whoever logs, saves, or draws a progress bar."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from tinynet.data.sizes import SplitSizes

StopReason: TypeAlias = Literal["epochs", "steps", "early_stopping"]
"""The setting that ended a run: `training.epochs`, `.steps` or `.early_stopping`."""


@dataclass(frozen=True)
class StepDone:
    """An update was made.

    Attributes:
        step: Its number, from 1.
        epoch: The epoch it belongs to, from 1.
        position: Its number in the epoch, from 1.
        loss: Mean loss of its samples, before the update.
        learning_rate: The rate it was made with.
        samples: How many samples it saw.
    """

    step: int
    epoch: int
    position: int
    loss: float
    learning_rate: float
    samples: int


@dataclass(frozen=True)
class Evaluating:
    """A part of the validation split was evaluated."""

    samples: int
    total: int


@dataclass(frozen=True)
class EpochDone:
    """An epoch ended (or the run did) and was evaluated.

    Attributes:
        step: Updates done.
        epoch: Number of the epoch, from 1.
        figures: ``train/loss``, ``val/loss``, ``val/accuracy``, ... and ``learning_rate``.
        improved: Whether it is the best so far by `keep_best`.
    """

    step: int
    epoch: int
    figures: dict[str, float]
    improved: bool


@dataclass(frozen=True)
class BestEvaluation:
    """The best evaluation of a run.

    Attributes:
        metric: The figure that was compared: ``val/loss``.
        value: Its value.
        step: Updates done then.
        epoch: The epoch it was made at the end of, from 1.
    """

    metric: str
    value: float
    step: int
    epoch: int


@dataclass(frozen=True)
class Saved:
    """A checkpoint was made, durably.

    Attributes:
        step: The step it holds.
        path: Its file.
    """

    step: int
    path: Path


@dataclass(frozen=True)
class Started:
    """A run starts or goes on.

    Attributes:
        path: Its folder.
        step: The step it starts from.
        total_steps: The step it goes to.
        steps_per_epoch: Updates in an epoch.
        sizes: The samples in each split.
    """

    path: Path
    step: int
    total_steps: int
    steps_per_epoch: int
    sizes: SplitSizes | None = None


@dataclass(frozen=True)
class StoppedEarly:
    """Early stopping ended a run.

    Attributes:
        metric: The figure that was monitored: ``val/loss``.
        patience: Evaluations without improvement.
        best: The best evaluation by that figure; None if it never was finite.
        kept: Whether the checkpoint of the best evaluation is kept.
    """

    metric: str
    patience: int
    best: BestEvaluation | None
    kept: bool


@dataclass(frozen=True)
class Transferred:
    """A new run starts with tensors of a checkpoint.

    Attributes:
        source: The checkpoint's file.
        summary: How many tensors were carried over, and so on.
        lines: What became of each tensor, and what a user should know beside.
    """

    source: Path
    summary: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Warned:
    """Something a user should know, and the run goes on."""

    message: str


Event: TypeAlias = StepDone | Evaluating | EpochDone
"""What `Trainer.run` tells."""

RunEvent: TypeAlias = Event | Transferred | Started | StoppedEarly | Saved | Warned
"""What a run tells."""
