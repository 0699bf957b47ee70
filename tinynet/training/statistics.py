"""Statistics of parameters, gradients and outputs of layers, at every n-th step.

They read what training computes, and change nothing.
"""

from collections.abc import Callable, Mapping

import numpy as np

from tinynet.engine.node import Node
from tinynet.engine.numeric_context import in_numeric_context
from tinynet.engine.shard_pass import Observer
from tinynet.network.network import Network
from tinynet.training.events import Statistics, Summary
from tinynet.training.step_samples import StepSamples
from tinynet.types import Array

_SAMPLES = 32
"""The samples of a step that outputs are computed of once more."""


class StepStatistics:
    """The statistics of the steps of a network; nothing is computed if ``every`` is None."""

    def __init__(self, every: int | None, network: Network) -> None:
        self._every, self._network = every, network
        self._gradients: dict[str, Summary] = {}

    def record_gradients(self, gradients: Mapping[str, Array], step: int) -> None:
        """Summarize the gradients of a step, which are valid until the next one."""
        if self._every is not None and self._is_due(step):
            self._gradients = _summaries(gradients)

    def of_step(
        self, step: int, epoch: int, samples: Callable[[], StepSamples]
    ) -> Statistics | None:
        """Return the statistics after a step, whose gradients are recorded; None if none are due.

        ``samples`` returns the samples of the step.
        """
        if not self._is_due(step):
            return None
        parameters = _summaries(self._network.params)
        return Statistics(step, epoch, parameters, self._gradients, self._outputs(samples()))

    def _is_due(self, step: int) -> bool:
        return self._every is not None and step % self._every == 0

    def _outputs(self, samples: StepSamples) -> dict[str, Summary]:
        """Summarize the output of each layer for the first samples, in evaluation mode."""
        network, summaries = self._network, dict[str, Summary]()
        few = samples.rows(slice(0, _SAMPLES)) if len(samples) > _SAMPLES else samples

        def observe(node: Node, y: Array) -> None:
            # The first output of a layer is the main one.
            summaries.setdefault(node.name, summarize(y))

        def forward(observe: Observer) -> None:
            network.forward(few.x, observe=observe)

        in_numeric_context(network.kernels, 1, forward, observe)
        return summaries


def summarize(array: Array) -> Summary:
    """Return mean, standard deviation, extremes and the share of zeros of an array."""
    if not array.size:
        return {}
    with np.errstate(all="ignore"):
        values = array.astype(np.float64, copy=False)
        return {
            "mean": float(values.mean()),
            "std": float(values.std()),
            "min": float(values.min()),
            "max": float(values.max()),
            "zeros": 1 - np.count_nonzero(array) / array.size,
        }


def _summaries(arrays: Mapping[str, Array]) -> dict[str, Summary]:
    return {name: summarize(array) for name, array in sorted(arrays.items())}
