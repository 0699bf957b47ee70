"""The loss and the metrics of a whole split, exact for any batch size."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from numbers import Real
from typing import NamedTuple

import numpy as np

from tinynet import registry
from tinynet.engine.engine import Engine
from tinynet.engine.layer_calls import described
from tinynet.engine.losses import OutputLoss, count
from tinynet.engine.plugin_state import layout, layout_problem, state_problem
from tinynet.engine.results import BatchResult
from tinynet.engine.tensor_names import FIGURES
from tinynet.errors import DataError, Problem, ShapeError
from tinynet.metric import Metric, State
from tinynet.network.network import Network
from tinynet.spec.consistency import PENALTY, loss_figures
from tinynet.spec.training_spec import MetricReference
from tinynet.targets import BadTargetError
from tinynet.text.plugin_errors import PluginErrors, is_row, plugin_error, wrong_row
from tinynet.training.counted import CountedTargets
from tinynet.training.step_samples import StepSamples
from tinynet.types import Array


class LossSums(NamedTuple):
    """The losses of some samples.

    Attributes:
        loss: Sum over the samples of the weighted losses that are means over samples.
        losses: Sum of each loss, by its name.
        counts: Positions of each loss that is a mean over positions, by its name.
        samples: Number of samples.
    """

    loss: float
    losses: dict[str, float]
    counts: dict[str, float]
    samples: int

    @classmethod
    def of(
        cls, results: Sequence[BatchResult], samples: int, counts: dict[str, float]
    ) -> "LossSums":
        """Return the sums of the results of an engine."""
        first, *others = results
        loss, losses = first.loss, first.losses
        for result in others:
            loss += result.loss
            losses = {name: value + result.losses[name] for name, value in losses.items()}
        return cls(loss, losses, counts, samples)


class Figures:
    """The loss and the metrics of the samples counted so far.

    The loss is weighted by the dataset's sample weights, in training also by class weights; its sum
    is divided by the number of samples, whatever the weights, or by the number of positions that
    count if it is a mean over positions. Metrics leave out samples and positions of weight 0 and
    count all others alike.

    Attributes:
        loss: Sum over the samples of the weighted losses that are means over samples.
        losses: Sum of each loss, by its name, where there are several or one is counted.
        counts: Positions of each loss that is a mean over positions, by its name.
        samples: Number of samples.
        penalty: Sum over the samples of the penalty of their step; None without regularizers.
        metrics: The metrics, by label.
        outputs: The output that each metric measures, by label.
        targets: The loss whose target each metric compares with, by label.
        pointers: The place of each metric in the spec, a JSON pointer, by label.
        states: The state of each metric, by label.
        loss_parts: The losses.
    """

    def __init__(
        self, references: Sequence[MetricReference], network: Network, *, penalized: bool = False
    ) -> None:
        """Create the metrics.

        Args:
            references: The spec's metrics.
            network: The network, with its losses.
            penalized: True to report the penalty of regularizers.

        Raises:
            ShapeError: if a metric is not defined for the predictions of its output.
        """
        out_shapes, self.loss_parts = network.trained_shapes, network.losses
        only = next(iter(out_shapes))
        self.pointers = {r.label: f"/training/metrics/{i}" for i, r in enumerate(references)}
        self.metrics: dict[str, Metric] = {
            reference.label: registry.default().create(reference, self.pointers[reference.label])
            for reference in references
        }
        self.outputs = {reference.label: reference.output or only for reference in references}
        self._out_shapes = dict(out_shapes)
        self._counted = [part for part in self.loss_parts if part.counted is not None]
        by_name = {part.name: part for part in self.loss_parts}
        self.targets = {label: self._compared(label) for label in self.metrics}
        self._losses = {label: by_name[name] for label, name in self.targets.items()}
        self._penalized = penalized
        self.reset()

    def reset(self) -> None:
        """Start again with no samples."""
        self.loss, self.samples = 0.0, 0
        self.penalty = 0.0 if self._penalized else None
        several = len(self.loss_parts) > 1 or self._counted
        self.losses = {part.name: 0.0 for part in self.loss_parts if several}
        self.counts = {part.name: 0.0 for part in self._counted}
        self.states: dict[str, State] = {}
        problems: list[Problem] = []
        for label in self.metrics:
            try:
                self.states[label] = self.new_state(label)
            except ShapeError as error:
                problems += error.problems
        if problems:
            raise ShapeError(problems)

    def _compared(self, label: str) -> str:
        """Return the name of the loss that has the target of a metric: its output's own, if any."""
        output = self.outputs[label]
        names = [
            part.name for part in self.loss_parts if part.takes_target and output in part.outputs
        ]
        if not names:
            message = f"the loss of the output {output!r} has no target to compare it with"
            raise ShapeError([Problem(message, self.pointers[label])])
        return output if output in names else names[0]

    def new_state(self, label: str) -> State:
        """Return the initial state of a metric."""
        metric, pointer = self.metrics[label], self.pointers[label]
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
        self, results: Sequence[BatchResult], samples: StepSamples, penalty: float = 0.0
    ) -> None:
        """Add samples to the losses and the metrics.

        Args:
            results: The results of the engine, of all batches of the samples.
            samples: The samples.
            penalty: The penalty of regularizers.
        """
        sums = LossSums.of(results, len(samples), self.count_positions(samples))
        self.add_losses(sums, penalty)
        self.count_results(results, samples)

    def count_results(self, results: Sequence[BatchResult], samples: StepSamples) -> None:
        """Add samples to the metrics alone; the arguments are those of `update`."""
        if not self.metrics:
            return
        measured = dict.fromkeys(self.outputs.values())
        predictions = {
            output: np.concatenate([result.predictions[output] for result in results])
            for output in measured
        }
        self.count(predictions, samples.y, samples.sample_weights)

    def count_positions(self, samples: StepSamples) -> dict[str, float]:
        """Return the positions that count for each loss that is a mean over positions."""
        return {
            part.name: count(part, samples.y.get(part.name), samples.weights)
            for part in self._counted
        }

    def add_losses(self, sums: "LossSums", penalty: float = 0.0) -> None:
        """Add samples to the losses alone; ``penalty`` is that of regularizers."""
        if self.penalty is not None:
            self.penalty += penalty * sums.samples
        self.loss += sums.loss
        for name in self.losses:
            self.losses[name] += sums.losses[name]
        for name, counted in sums.counts.items():
            self.counts[name] += counted
        self.samples += sums.samples

    def evaluate(self, engine: Engine, batches: Iterable[StepSamples], split: str) -> Iterator[int]:
        """Evaluate a split, and yield the number of samples after each batch.

        Args:
            engine: The engine of the network.
            batches: All samples of the split.
            split: The name of the split, for messages.

        Raises:
            TargetError: listing the losses for which nothing in the split counts.
        """
        counted = CountedTargets(self.loss_parts)
        for samples in batches:
            result = engine.evaluate(samples.x, samples.y, samples.weights)
            counted.add(samples.y, samples.weights, len(samples))
            self.update([result], samples)
            yield self.samples
        counted.require(split)

    def count(
        self,
        predictions: Mapping[str, Array],
        targets: Mapping[str, Array],
        weights: Array | None = None,
        labels: Iterable[str] | None = None,
        states: Mapping[str, State] | None = None,
    ) -> None:
        """Add a batch to the metrics, but not to the losses.

        Args:
            predictions: The predictions of the losses, (N, *out_shape), by the output's name.
            targets: (N, *target_shape), by the loss's name.
            weights: Weight of each sample, (N,), or of each position, (N, T); or None.
            labels: The metrics to count into; by default all.
            states: The states to count into, by label; by default those of the figures.

        Raises:
            ShapeError: if a metric cannot compare the two.
            DataError: for a target that a metric is not defined for.
        """
        for label in self.metrics if labels is None else labels:
            metric, state = self.metrics[label], (states or self.states)[label]
            predicted, compared = predictions[self.outputs[label]], targets[self.targets[label]]
            own = self._losses[label].own_weights(weights, compared)
            if own is not None and not np.all(own):
                if not np.any(own):
                    continue
                predicted, compared = _weighted(predicted, own), _weighted(compared, own)
            before, samples = layout(state), len(compared)
            try:
                with PluginErrors(metric, "update raised", self.pointers[label]):
                    metric.update(state, predicted, compared)
            except (ShapeError, DataError) as error:
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
        output, loss = self.outputs[label], self.targets[label]
        if output != loss:
            message += f" (it compares {output!r} with the target of the loss {loss!r})"
        if isinstance(error, DataError):
            return DataError(message)
        return ShapeError([Problem(message, self.pointers[label])])

    def result(self) -> dict[str, float]:
        """Return the figures by name: the mean ``loss``, and each metric by its label.

        With regularizers, they include their mean ``penalty``, which the loss does not contain.
        With several losses, they include the unweighted mean of each: ``kind/loss``. The mean over
        no position, in a part of an epoch, is NaN, and so is a metric that ignored every label.
        """
        samples = max(self.samples, 1)
        means = {
            name: value / self.counts.get(name, samples) if self.counts.get(name, 1) else math.nan
            for name, value in self.losses.items()
        }
        counted = [part.weight * means[part.name] for part in self._counted if part.weight]
        loss = self.loss / samples + sum(counted)
        names = loss_figures(part.name for part in self.loss_parts)
        figures = dict(zip(names, (loss, *means.values()), strict=False))
        if self.penalty is not None:
            figures[PENALTY] = self.penalty / samples
        figures.update({label: self.figure(label) for label in self.metrics})
        return figures

    def counts_any(self, label: str, targets: Mapping[str, Array], weights: Array | None) -> bool:
        """Return True if the targets of a batch have one that a metric does not ignore.

        The arguments are those of `count`.
        """
        ignored, compared = ignored_label(self.metrics[label]), targets[self.targets[label]]
        own = self._losses[label].own_weights(weights, compared)
        if own is not None:
            compared = _weighted(compared, own)
        return bool(np.any(compared != ignored)) if ignored is not None else compared.size > 0

    def figure(self, label: str) -> float:
        """Return the figure of one metric; NaN if it ignored every label.

        Raises:
            PluginError: if the metric fails, or does not return a number.
        """
        metric = self.metrics[label]
        # A figure of nothing, such as a perplexity of 0, would be the best of all.
        if ignored_label(metric) is not None and self._is_unchanged(label):
            return math.nan
        with PluginErrors(metric, "result raised", self.pointers[label]):
            figure = metric.result(self.states[label])
        # A plugin may return an array of one element, as float() accepts it.
        if isinstance(figure, Real | np.bool_):
            return float(figure)
        if isinstance(figure, np.ndarray) and figure.size == 1 and figure.dtype.kind in "biuf":
            return float(figure.item())
        message = f"result must return a number; it returned {described(figure)}"
        raise plugin_error(metric, message, self.pointers[label])

    def _is_unchanged(self, label: str) -> bool:
        """Return True if the state of a metric is the initial one."""
        initial, state = self.new_state(label), self.states[label]
        return all(np.array_equal(state[name], array) for name, array in initial.items())

    def state(self) -> dict[str, Array]:
        """Return the state as named arrays."""
        values = [self.loss, self.samples, *self.losses.values(), *self.counts.values()]
        if self.penalty is not None:
            values.append(self.penalty)
        return {_SUMS: np.array(values, np.float64), **self._metric_arrays()}

    def _metric_arrays(self) -> dict[str, Array]:
        return {
            f"{label}/{name}": array
            for label, state in self.states.items()
            for name, array in state.items()
        }

    def load_state(self, arrays: Mapping[str, Array]) -> None:
        """Load the arrays of a `state` with the same names, shapes and dtypes."""
        self.loss, samples, *sums = arrays[_SUMS].tolist()
        self.samples = int(samples)
        if self.penalty is not None:
            self.penalty = sums.pop()
        self.losses = dict(zip(self.losses, sums, strict=False))
        self.counts = dict(zip(self.counts, sums[len(self.losses) :], strict=True))
        for address, array in self._metric_arrays().items():
            array[...] = arrays[address]


def ignored_label(metric: Metric) -> int | None:
    """Return the label of targets that a metric does not count; None if it counts every target."""
    label = getattr(metric, "ignore_label", None)
    return int(label) if isinstance(label, int | np.integer) else None


def mean_loss(
    losses: Sequence[OutputLoss],
    results: Sequence[BatchResult],
    samples: int,
    divisors: Mapping[str, float],
) -> float:
    """Return the minimized value of a step.

    Args:
        losses: The losses of the network.
        results: The results of the step's batches.
        samples: Number of samples in the step.
        divisors: Divisor of the sum of each loss, by its name.
    """
    mean = sum([result.loss for result in results]) / samples
    for part in losses:
        if part.counted is not None:
            total = sum([result.losses[part.name] for result in results])
            mean += part.weight * total / divisors[part.name]
    return mean


def _weighted(array: Array, weights: Array) -> Array:
    """Return the samples of a weight above 0, or such positions as samples of one position."""
    axes = weights.ndim
    positions: Array = array[weights != 0]
    return positions.reshape(-1, *[1] * (axes - 1), *array.shape[axes:])


_SUMS = "seen"
"""Name of the loss, samples, each loss, each count and the penalty in the state's arrays.

It is part of the format of checkpoints.
"""
