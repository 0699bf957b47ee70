"""The protocol of metrics, and every name that the author of a metric imports."""

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
"""The counts or sums of a metric so far: arrays by name, which checkpoints save."""


class MetricConfig(Config):
    """The base of a metric's ``Config``."""

    reserved: ClassVar[frozenset[str]] = frozenset({"type", "name", "output", "comment"})


class Metric(Protocol):
    """A figure of a whole split, exact for any batch size. Constructed as ``Type(config)``.

    A metric of labels that leaves out those with a certain label may have it as ``ignore_label``.
    Its figure is NaN then while its state is that of `start`, and `check` refuses to monitor it on
    a split that has no other label.

    Attributes:
        greater_is_better: True if a greater figure is an improvement for `keep_best` and early
            stopping.
    """

    Config: ClassVar[type[Any]]
    greater_is_better: bool

    def start(self, out_shape: Shape) -> State:
        """Return the initial state, for predictions of ``out_shape``.

        Raises:
            ShapeError: if the metric is not defined for such predictions.
        """
        ...

    def update(self, state: State, predictions: Array, targets: Array) -> None:
        """Count a batch into ``state``, in place; the batch has no samples of weight 0.

        Args:
            state: From `start`.
            predictions: The predictions of the loss, (N, *out_shape).
            targets: (N, *target_shape).

        Raises:
            ShapeError: if the targets' shape does not fit the predictions'.
            DataError: for a target that the metric is not defined for.
        """
        ...

    def merge(self, state: State, other: State) -> None:
        """Add the samples counted in ``other`` to ``state``, in place."""
        ...

    def result(self, state: State) -> float:
        """Return the figure; 0 where it would be 0 / 0."""
        ...
