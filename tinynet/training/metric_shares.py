"""Metrics of samples that several processes have.

A state of whole numbers is added up exactly, so each process counts its own samples. The sums of
other metrics depend on the order of the samples; there every process counts all samples, in order.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tinynet.engine.batch_pass import join_samples
from tinynet.metric import State
from tinynet.text.plugin_errors import PluginErrors
from tinynet.training.evaluation import Figures
from tinynet.training.step_samples import StepSamples
from tinynet.types import Array


class Compared(NamedTuple):
    """Samples that metrics compare.

    Attributes:
        predictions: (n, *out_shape) by output.
        targets: (n, *target_shape) by loss.
        weights: Weight of each sample, (n,), or of each position, (n, T); or None.
    """

    predictions: dict[str, Array]
    targets: dict[str, Array]
    weights: Array | None

    @property
    def samples(self) -> int:
        """Number of samples."""
        return len(next(iter(self.predictions.values()), ()))


class MetricShare(NamedTuple):
    """The addition to the metrics by the samples of one process.

    Attributes:
        states: The states of the metrics that hold only whole numbers, by label.
        batches: The samples of each batch, for the other metrics.
    """

    states: dict[str, State]
    batches: list[Compared]


def share_of(
    figures: Figures, batches: Sequence[tuple[Mapping[str, Array], StepSamples]]
) -> MetricShare:
    """Return what the predictions for some samples, batch by batch, add to the metrics."""
    exact, others = _exact(figures), _others(figures)
    states = {label: figures.new_state(label) for label in exact}
    counted = [_compared(figures, exact, *batch) for batch in batches]
    if exact and any(part.samples for part in counted):
        whole = _joined([part for part in counted if part.samples])
        figures.count(whole.predictions, whole.targets, whole.weights, exact, states)
    sent = [_compared(figures, others, *batch) for batch in batches] if others else []
    return MetricShare(states, sent)


def _compared(
    figures: Figures, labels: Sequence[str], predictions: Mapping[str, Array], samples: StepSamples
) -> Compared:
    """Return the arrays of some samples that some metrics compare."""
    outputs = {figures.outputs[label] for label in labels}
    losses = {figures.targets[label] for label in labels}
    return Compared(
        {name: array for name, array in predictions.items() if name in outputs},
        {name: array for name, array in samples.y.items() if name in losses},
        samples.sample_weights,
    )


def add_shares(figures: Figures, shares: Sequence[MetricShare]) -> None:
    """Count what all processes have, in the order of the processes within each batch."""
    for share in shares:
        for label, state in share.states.items():
            metric = figures.metrics[label]
            with PluginErrors(metric, "merge raised", figures.pointers[label]):
                metric.merge(figures.states[label], state)
    others = _others(figures)
    parts = [
        part
        for of_batch in zip(*[share.batches for share in shares], strict=True)
        for part in of_batch
        if part.samples
    ]
    if others and parts:
        whole = _joined(parts)
        figures.count(whole.predictions, whole.targets, whole.weights, others)


def _exact(figures: Figures) -> list[str]:
    """Return the labels of the metrics whose states hold only whole numbers."""
    return [
        label
        for label, state in figures.states.items()
        if all(array.dtype.kind in "biu" for array in state.values())
    ]


def _others(figures: Figures) -> list[str]:
    exact = _exact(figures)
    return [label for label in figures.states if label not in exact]


def _joined(parts: Sequence[Compared]) -> Compared:
    if len(parts) == 1:
        return parts[0]
    weights = [part.weights for part in parts if part.weights is not None]
    return Compared(
        join_samples([part.predictions for part in parts]),
        join_samples([part.targets for part in parts]),
        np.concatenate(weights) if weights else None,
    )
