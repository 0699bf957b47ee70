"""A spec in parts, before it is complete: the network depends on the opened data."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

from tinynet.data.data import Data

Part: TypeAlias = dict[str, Any]
"""A part of a spec, as JSON values."""


Repair: TypeAlias = tuple[Part, str]
"""Options of the datasets that are tried if they cannot be opened, and a remark about them."""


@dataclass(frozen=True)
class Draft:
    """The parts of a new spec.

    Attributes:
        name: The spec's name.
        comment: A sentence about the spec.
        data: The ``data`` part.
        complete: Returns the parts ``network`` and ``training`` for the opened data.
        notes: Remarks for the user about choices that may surprise, a line each.
        repairs: The settings to try if the data cannot be opened.
    """

    name: str
    comment: str
    data: Part
    complete: Callable[[Data], tuple[Part, Part]]
    notes: list[str] = field(default_factory=list)
    repairs: tuple[Repair, ...] = ()

    def repaired(self, repair: Repair) -> "Draft":
        """Return the draft with other options of all its datasets."""
        options, note = repair
        data = {**self.data, **options}
        for part in ("validation", "test"):
            if part in data:
                data[part] = {**data[part], **options}
        return replace(self, data=data, notes=[*self.notes, note])

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


def spec_name(source: Path) -> str:
    """Return a name for the spec of some data: theirs without endings and unusual characters."""
    stem = source.absolute().name.split(".")[0]
    return re.sub("[^A-Za-z0-9_-]+", "_", stem).strip("_-")[:100] or "data"


def classes_of(data: Data, target: str = "target") -> int:
    """Return the number of classes of a target."""
    return len(data.preprocessing.classes(target) or ())


SAVING: Part = {"every_seconds": 10}
"""The rule of saves: a killed run loses seconds, and a run of a second is not saved ten times."""

STOPPING: Part = {
    "early_stopping": {"metric": "val/loss", "patience": 20},
    "checkpoint": {**SAVING, "keep_best": {"metric": "val/loss"}},
}
"""Training until the loss of validation no longer improves; the best checkpoint is kept."""

CLASSIFICATION: Part = {
    "loss": "softmax_cross_entropy",
    "metrics": ["accuracy", {"type": "f1", "average": "macro"}],
}
"""Loss and metrics of classes."""

REGRESSION: Part = {"loss": "mse", "metrics": ["mae", "r2"]}
"""Loss and metrics of quantities."""
