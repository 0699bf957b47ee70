"""The loss and the metrics of a whole split: exact, whatever the batches."""

from collections.abc import Mapping, Sequence

import numpy as np

from tinynet import registry
from tinynet.engine import ShardResult
from tinynet.errors import ShapeError
from tinynet.metric import Metric, State
from tinynet.spec import MetricReference
from tinynet.types import Array, Shape


class Figures:
    """The loss and the metrics of the samples seen so far.

    Attributes:
        loss: Sum of the loss over the samples.
        samples: How many they are.
        metrics: The metrics, by label.
        states: What each metric has seen, by label.
    """

    def __init__(self, references: Sequence[MetricReference], out_shape: Shape) -> None:
        """Start with nothing seen.

        Args:
            references: The spec's metrics.
            out_shape: Shape of one prediction.

        Raises:
            ShapeError: if a metric is not defined for such predictions.
        """
        self.metrics: dict[str, Metric] = {
            reference.label: registry.default().create(reference) for reference in references
        }
        self._out_shape = out_shape
        self.reset()

    def reset(self) -> None:
        """Forget what was seen."""
        self.loss, self.samples = 0.0, 0
        self.states: dict[str, State] = {}
        for label, metric in self.metrics.items():
            try:
                self.states[label] = metric.start(self._out_shape)
            except ShapeError as error:
                raise ShapeError(f"the metric {label!r}: {error}") from error

    def update(self, results: Sequence[ShardResult], targets: Array) -> None:
        """Count a batch.

        Args:
            results: What the engine made of it.
            targets: (N, *target_shape).
        """
        self.loss += sum(result.loss for result in results)
        self.samples += len(targets)
        if not self.metrics:
            return
        predictions = np.concatenate([result.predictions for result in results])
        for label, metric in self.metrics.items():
            metric.update(self.states[label], predictions, targets)

    def result(self) -> dict[str, float]:
        """The figures by name: ``loss`` (mean over samples), and each metric by its label."""
        figures = {"loss": self.loss / max(self.samples, 1)}
        for label, metric in self.metrics.items():
            figures[label] = float(metric.result(self.states[label]))
        return figures

    def state(self) -> dict[str, Array]:
        """What was seen, as named arrays."""
        arrays = {
            f"{label}/{name}": array
            for label, state in self.states.items()
            for name, array in state.items()
        }
        seen = np.array([self.loss, self.samples], np.float64)
        return {"seen": seen, **arrays}

    def load_state(self, arrays: Mapping[str, Array]) -> None:
        """Take back what `state` gave."""
        self.reset()
        for address, array in arrays.items():
            if address == "seen":
                self.loss, self.samples = float(array[0]), int(array[1])
            else:
                label, _, name = address.rpartition("/")
                self.states[label][name] = array.copy()
