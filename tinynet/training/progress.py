"""The position in a run. Together with the arrays of the state, it determines the next step."""

from dataclasses import asdict, dataclass
from typing import Annotated, TypeAlias

from pydantic import Field, JsonValue

Count: TypeAlias = Annotated[int, Field(ge=0, lt=2**63)]
"""An integer of at least 0, which a signed integer of 64 bits can hold."""


@dataclass(frozen=True)
class Best:
    """The best evaluation so far.

    Attributes:
        value: The value of the monitored figure.
        step: Updates done at that evaluation.
    """

    value: float
    step: Count


@dataclass
class Progress:
    """The position in a run.

    Attributes:
        step: Updates done.
        epoch: Epochs done.
        position: Updates done in the current epoch.
        evaluated_step: The step of the last evaluation; -1 before the first.
        best: The best evaluation by `keep_best`.
        best_for_stopping: The best evaluation by `early_stopping`.
        stale: Evaluations since `best_for_stopping`.
        optimizer_start: Updates done when the optimizer's state was initialized.
    """

    step: Count = 0
    epoch: Count = 0
    position: Count = 0
    evaluated_step: Annotated[int, Field(ge=-1, lt=2**63)] = -1
    best: Best | None = None
    best_for_stopping: Best | None = None
    stale: Count = 0
    optimizer_start: Count = 0

    def to_json(self) -> dict[str, JsonValue]:
        """Return the progress as plain data."""
        return asdict(self)
