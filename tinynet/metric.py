"""The protocol of metrics, and everything the author of one imports."""

from typing import Any, ClassVar, Protocol, TypeAlias

from tinynet.config import Config
from tinynet.errors import DataError, ShapeError
from tinynet.types import Array, Shape

__all__ = [
    "Array",
    "DataError",
    "Metric",
    "MetricConfig",
    "Shape",
    "ShapeError",
    "State",
]

State: TypeAlias = dict[str, Array]
"""What a metric has seen so far: named arrays, checkpointed like everything else."""


class MetricConfig(Config):
    """The base of a metric's ``Config``."""

    reserved: ClassVar[frozenset[str]] = frozenset({"type", "name", "output", "comment"})


class Metric(Protocol):
    """A figure of a whole split, exact and never a mean of batch means. Made as ``Type(config)``.

    Attributes:
        greater_is_better: Which direction `keep_best` and early stopping call an improvement.
    """

    Config: ClassVar[type[Any]]
    greater_is_better: bool

    def start(self, out_shape: Shape) -> State:
        """Return the state before anything was seen, for predictions of ``out_shape``.

        Raises:
            ShapeError: if the metric is not defined for such predictions.
        """
        ...

    def update(self, state: State, predictions: Array, targets: Array) -> None:
        """Count a batch into ``state``, in place; samples of weight 0 are left out of it.

        Args:
            state: From `start`.
            predictions: What the loss predicts, (N, *out_shape).
            targets: (N, *target_shape).

        Raises:
            ShapeError: if the targets' shape does not fit the predictions'.
            DataError: for a target that the metric is not defined for.
        """
        ...

    def merge(self, state: State, other: State) -> None:
        """Count into ``state``, in place, what ``other`` has seen."""
        ...

    def result(self, state: State) -> float:
        """Return the figure. A metric of nothing (0 / 0) is 0."""
        ...
