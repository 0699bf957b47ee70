"""A spec in parts, before it is complete: the network depends on the opened data."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tinynet.data.data import Data

Part: TypeAlias = dict[str, Any]
"""A part of a spec, as JSON values."""


@dataclass(frozen=True)
class Draft:
    """The parts of a new spec.

    Attributes:
        name: The spec's name.
        comment: A sentence about the spec.
        data: The ``data`` part.
        complete: Returns the parts ``network`` and ``training`` for the opened data.
        notes: Remarks for the user about choices that may surprise, a line each.
    """

    name: str
    comment: str
    data: Part
    complete: Callable[[Data], tuple[Part, Part]]
    notes: list[str] = field(default_factory=list)

    def spec(self, data: Data) -> Part:
        """Return the whole spec."""
        network, training = self.complete(data)
        return {
            "tinynet": 1,
            "name": self.name,
            "comment": self.comment,
            "data": {**({"comment": "; ".join(self.notes)} if self.notes else {}), **self.data},
            "network": network,
            "training": training,
        }


def classes_of(data: Data, target: str = "target") -> int:
    """Return the number of classes of a target."""
    return len(data.preprocessing.classes(target) or ())


STOPPING: Part = {
    "early_stopping": {"metric": "val/loss", "patience": 20},
    "checkpoint": {"every_epochs": 10, "keep_best": {"metric": "val/loss"}},
}
"""Training until the loss of validation no longer improves; the best checkpoint is kept."""

CLASSIFICATION: Part = {
    "loss": "softmax_cross_entropy",
    "metrics": ["accuracy", {"type": "f1", "average": "macro"}],
}
"""Loss and metrics of classes."""

REGRESSION: Part = {"loss": "mse", "metrics": ["mae", "r2"]}
"""Loss and metrics of quantities."""
