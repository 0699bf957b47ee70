"""The interface of the places that show progress: terminals, pipes and notebooks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Position:
    """The position of a run, between two evaluations.

    Attributes:
        step: Updates done.
        epoch: The epoch, of all: ``3/20``.
        loss: Mean loss of the last steps.
        speed: Samples per second, as text.
    """

    step: int
    epoch: str
    loss: float
    speed: str


@dataclass(frozen=True)
class Row:
    """An evaluation.

    Attributes:
        unit: The heading of the label: ``epoch`` or ``step``.
        label: The epoch, ``3/20``, or the step, ``400``.
        figures: The figures by name.
        speed: Samples per second, as text.
        improved: True if it is the best so far.
    """

    unit: str
    label: str
    figures: Mapping[str, float]
    speed: str
    improved: bool


class Surface(Protocol):
    """A place that shows progress. No method raises an exception because output fails."""

    interval: float
    """Seconds between two calls of `position` or `evaluating`."""

    @property
    def width(self) -> int | None:
        """Columns of a terminal; None elsewhere."""

    def message(self, text: str) -> None:
        """Show a warning or another text that is never wrapped; see `message_text`."""

    def prose(self, text: str) -> None:
        """Show a sentence, which may be wrapped between words."""

    def start(self, step: int, total_steps: int) -> None:
        """Show that training starts."""

    def position(self, position: Position) -> None:
        """Show the position of the run."""

    def evaluating(self, share: float) -> None:
        """Show the share of the validation split that is evaluated."""

    def evaluated(self, row: Row) -> None:
        """Show an evaluation."""

    def close(self) -> None:
        """Show the final state; nothing follows."""
