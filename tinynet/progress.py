"""Where in a run we are: with the arrays, everything that the next step depends on."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import JsonValue


@dataclass(frozen=True)
class Best:
    """The best evaluation so far.

    Attributes:
        value: The figure.
        step: The step it was reached at.
    """

    value: float
    step: int


@dataclass
class Progress:
    """Where in the run we are.

    Attributes:
        step: Updates done.
        epoch: Epochs done.
        position: Updates done in the current epoch.
        evaluated_step: The step of the last evaluation; -1 before the first.
        best: The best evaluation by `keep_best`.
        best_for_stopping: The best evaluation by `early_stopping`.
        stale: Evaluations since `best_for_stopping`.
    """

    step: int = 0
    epoch: int = 0
    position: int = 0
    evaluated_step: int = -1
    best: Best | None = None
    best_for_stopping: Best | None = None
    stale: int = 0

    def to_json(self) -> dict[str, JsonValue]:
        """As plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Progress":
        """The inverse of `to_json`."""
        bests = {
            key: None if value[key] is None else Best(**value[key])
            for key in ("best", "best_for_stopping")
        }
        return cls(**{**value, **bests})
