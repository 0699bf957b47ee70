"""The loss and the metrics of a whole split: exact, whatever the batches."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np

from tinynet import registry
from tinynet.errors import DataError, Problem, ShapeError
from tinynet.metric import Metric, State
from tinynet.network.engine import ShardResult
from tinynet.spec.training_spec import MetricReference
from tinynet.types import Array, Shape


class Figures:
    """The loss and the metrics of the samples seen so far.

    Metrics count every sample alike. In training the loss is what is minimised, class weights and
    sample weights included; in evaluation it is the plain mean.

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
            with self._explaining(label):
                self.states[label] = metric.start(self._out_shape)

    def update(self, results: Sequence[ShardResult], targets: Array) -> None:
        """Count a batch.

        Args:
            results: What the engine made of it.
            targets: (N, *target_shape).
        """
        self.loss += sum(result.loss for result in results)
        self.samples += len(targets)
        if self.metrics:
            self.count(np.concatenate([result.predictions for result in results]), targets)

    def count(self, predictions: Array, targets: Array) -> None:
        """Count a batch into the metrics alone.

        Args:
            predictions: What the loss predicts, (N, *out_shape).
            targets: (N, *target_shape).

        Raises:
            ShapeError: if a metric cannot compare the two.
            DataError: for a target that a metric is not defined for.
        """
        for label, metric in self.metrics.items():
            with self._explaining(label):
                metric.update(self.states[label], predictions, targets)

    @contextmanager
    def _explaining(self, label: str) -> Iterator[None]:
        """Name the metric in its errors."""
        try:
            yield
        except ShapeError as error:
            pointer = f"/training/metrics/{list(self.metrics).index(label)}"
            raise ShapeError([Problem(f"the metric {label!r}: {error}", pointer)]) from error
        except DataError as error:
            raise DataError(f"the metric {label!r}: {error}") from error

    def result(self) -> dict[str, float]:
        """The figures by name: ``loss`` (mean over samples), and each metric by its label."""
        figures = {"loss": self.loss / max(self.samples, 1)}
        for label, metric in self.metrics.items():
            figures[label] = float(metric.result(self.states[label]))
        return figures

    def state(self) -> dict[str, Array]:
        """What was seen, as named arrays."""
        return {_SEEN: np.array([self.loss, self.samples], np.float64), **self._of_metrics()}

    def _of_metrics(self) -> dict[str, Array]:
        return {
            f"{label}/{name}": array
            for label, state in self.states.items()
            for name, array in state.items()
        }

    def load_state(self, arrays: Mapping[str, Array]) -> None:
        """Take back what `state` gave; names, shapes and dtypes are those of this `state`."""
        loss, samples = arrays[_SEEN].tolist()
        self.loss, self.samples = loss, int(samples)
        for address, array in self._of_metrics().items():
            array[...] = arrays[address]


_SEEN = "seen"
"""Name of (loss, samples) among the arrays of the state."""
