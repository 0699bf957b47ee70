"""The loss and the metrics of a whole split, exact for any batch size."""

from collections.abc import Iterable, Mapping, Sequence
from numbers import Real

import numpy as np

from tinynet import registry
from tinynet.engine.engine import BatchResult
from tinynet.engine.layer_calls import described
from tinynet.engine.plugin_state import layout, layout_problem, state_problem
from tinynet.engine.tensor_names import FIGURES
from tinynet.errors import DataError, Problem, ShapeError
from tinynet.metric import Metric, State
from tinynet.spec.consistency import loss_figures
from tinynet.spec.training_spec import MetricReference
from tinynet.targets import BadTargetError
from tinynet.text.plugin_errors import PluginErrors, is_row, plugin_error, wrong_row
from tinynet.types import Array, Shape


class Figures:
    """The loss and the metrics of the samples counted so far.

    The loss is weighted by the dataset's sample weights, in training also by class weights; its sum
    is divided by the number of samples, whatever the weights. Metrics leave out samples of weight
    0 and count all others alike.

    Attributes:
        loss: Sum of the loss over the samples: the losses of all outputs, weighted.
        losses: Sum of the loss of each output over the samples, by the output's name, where there
            are several outputs.
        samples: Number of samples.
        metrics: The metrics, by label.
        outputs: The output that each metric measures, by label.
        pointers: The place of each metric in the spec, a JSON pointer, by label.
        states: The state of each metric, by label.
    """

    def __init__(
        self, references: Sequence[MetricReference], out_shapes: Mapping[str, Shape]
    ) -> None:
        """Create the metrics.

        Args:
            references: The spec's metrics.
            out_shapes: Shape of one prediction of each output, by the output's name.

        Raises:
            ShapeError: if a metric is not defined for such predictions.
        """
        only = next(iter(out_shapes))
        self.pointers = {r.label: f"/training/metrics/{i}" for i, r in enumerate(references)}
        self.metrics: dict[str, Metric] = {
            reference.label: registry.default().create(reference, self.pointers[reference.label])
            for reference in references
        }
        self.outputs = {reference.label: reference.output or only for reference in references}
        self._out_shapes = dict(out_shapes)
        self.reset()

    def reset(self) -> None:
        """Start again with no samples."""
        self.loss, self.samples = 0.0, 0
        self.losses = dict.fromkeys(self._out_shapes if len(self._out_shapes) > 1 else (), 0.0)
        self.states: dict[str, State] = {}
        problems: list[Problem] = []
        for label, metric in self.metrics.items():
            try:
                self.states[label] = self._start(label, metric)
            except ShapeError as error:
                problems += error.problems
        if problems:
            raise ShapeError(problems)

    def _start(self, label: str, metric: Metric) -> State:
        """Return the initial state of a metric."""
        pointer = self.pointers[label]
        try:
            with PluginErrors(metric, "start raised", pointer):
                state = metric.start(self._out_shapes[self.outputs[label]])
        except (ShapeError, DataError) as error:
            raise self._with_label(label, error) from error
        group = f"{FIGURES}{label}"
        if problem := state_problem(state, "start", group, finite=True, writable=True):
            raise plugin_error(metric, problem, pointer)
        return state

    def update(
        self,
        results: Sequence[BatchResult],
        targets: Mapping[str, Array],
        weights: Array | None = None,
    ) -> None:
        """Add a batch to the losses and the metrics.

        Args:
            results: The results of the engine.
            targets: The target of each output, (N, *target_shape), by the output's name.
            weights: Weight of each sample, (N,), which ``results`` already include; or None.
        """
        self.loss += sum([result.loss for result in results])
        for output in self.losses:
            self.losses[output] += sum(result.losses[output] for result in results)
        self.samples += len(next(iter(targets.values())))
        measured = dict.fromkeys(self.outputs.values())
        predictions = {
            output: np.concatenate([result.predictions[output] for result in results])
            for output in measured
        }
        if weights is None or np.all(weights):
            self.count(predictions, targets)
        elif np.any(weights):
            counted = np.flatnonzero(weights)
            self.count(_rows(predictions, counted), _rows(targets, counted))

    def count(
        self,
        predictions: Mapping[str, Array],
        targets: Mapping[str, Array],
        labels: Iterable[str] | None = None,
    ) -> None:
        """Add a batch to the metrics, but not to the losses.

        Args:
            predictions: The predictions of the losses, (N, *out_shape), by the output's name.
            targets: (N, *target_shape), likewise.
            labels: The metrics to count into; by default all.

        Raises:
            ShapeError: if a metric cannot compare the two.
            DataError: for a target that a metric is not defined for.
        """
        for label in self.metrics if labels is None else labels:
            metric, output, state = self.metrics[label], self.outputs[label], self.states[label]
            before = layout(state)
            try:
                with PluginErrors(metric, "update raised", self.pointers[label]):
                    metric.update(state, predictions[output], targets[output])
            except (ShapeError, DataError) as error:
                samples = len(targets[output])
                row = getattr(error, "row", None)
                if isinstance(error, BadTargetError) and not is_row(row, samples):
                    message = wrong_row("update", error, samples)
                    raise plugin_error(metric, message, self.pointers[label]) from error
                raise self._with_label(label, error) from error
            if problem := layout_problem(before, state, "update"):
                raise plugin_error(metric, problem, self.pointers[label])

    def _with_label(self, label: str, error: ShapeError | DataError) -> ShapeError | DataError:
        """Return the error of a metric with its label."""
        message = f"the metric {label!r}: {error}"
        if isinstance(error, DataError):
            return DataError(message)
        return ShapeError([Problem(message, self.pointers[label])])

    def result(self) -> dict[str, float]:
        """Return the figures by name: ``loss`` (mean over samples), and each metric by its label.

        With several outputs, they include the unweighted mean loss of each: ``kind/loss``.
        """
        sums = (self.loss, *self.losses.values())
        figures = {
            name: value / max(self.samples, 1)
            for name, value in zip(loss_figures(self._out_shapes), sums, strict=True)
        }
        figures.update({label: self.figure(label) for label in self.metrics})
        return figures

    def figure(self, label: str) -> float:
        """Return the figure of one metric.

        Raises:
            PluginError: if the metric fails, or does not return a number.
        """
        metric = self.metrics[label]
        with PluginErrors(metric, "result raised", self.pointers[label]):
            figure = metric.result(self.states[label])
        # A plugin may return an array of one element, as float() accepts it.
        if isinstance(figure, Real | np.bool_):
            return float(figure)
        if isinstance(figure, np.ndarray) and figure.size == 1 and figure.dtype.kind in "biuf":
            return float(figure.item())
        message = f"result must return a number; it returned {described(figure)}"
        raise plugin_error(metric, message, self.pointers[label])

    def state(self) -> dict[str, Array]:
        """Return the state as named arrays."""
        sums = np.array([self.loss, self.samples, *self.losses.values()], np.float64)
        return {_SUMS: sums, **self._metric_arrays()}

    def _metric_arrays(self) -> dict[str, Array]:
        return {
            f"{label}/{name}": array
            for label, state in self.states.items()
            for name, array in state.items()
        }

    def load_state(self, arrays: Mapping[str, Array]) -> None:
        """Load the arrays of a `state` with the same names, shapes and dtypes."""
        self.loss, samples, *losses = arrays[_SUMS].tolist()
        self.samples = int(samples)
        self.losses = dict(zip(self.losses, losses, strict=True))
        for address, array in self._metric_arrays().items():
            array[...] = arrays[address]


def _rows(arrays: Mapping[str, Array], positions: Array) -> dict[str, Array]:
    return {name: array[positions] for name, array in arrays.items()}


_SUMS = "seen"
"""Name of (loss, samples, loss of each of several outputs) among the arrays of the state.

It is part of the format of checkpoints.
"""
