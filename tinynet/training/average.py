"""Averages of a network's weights during training: exponential, and stochastic (SWA)."""

from collections.abc import Mapping

import numpy as np

from tinynet.engine.tensor_names import AVERAGE, in_group, named_weights
from tinynet.network.network import Network
from tinynet.spec.average_spec import AverageSpec, EmaSpec
from tinynet.types import Array


class WeightAverage:
    """A second network, whose parameters and buffers are averages of those of the trained one.

    Evaluations use it as it is: no weights are exchanged, so that an interrupt within an
    evaluation leaves the trained ones as they are. Averages have the dtype of the weights.
    Running statistics (of batch_norm, for example) are averaged too; `torch.optim.swa_utils`
    computes them again from the training data, unless it is made with ``use_buffers``.

    Attributes:
        network: The network with the averages.
    """

    def __init__(self, spec: AverageSpec, trained: Network, network: Network) -> None:
        """Start with the weights of the trained network.

        Args:
            spec: The kind of the average.
            trained: The network in training.
            network: Another network of the same spec, which becomes the average.
        """
        self.network = network
        self._spec = spec
        self._trained = named_weights(trained.params, trained.buffers)
        self._averages = named_weights(network.params, network.buffers)
        self._trainable = trained.trainable
        self.update(0)

    def state(self) -> dict[str, Array]:
        """Return the averages by their names in a checkpoint; the arrays are live."""
        return in_group(AVERAGE, self._averages)

    def update(self, step: int) -> None:
        """Add the weights after a step to the averages; at step 0 the averages become equal.

        Parametrized parameters are computed from the averages of their arrays; those of iterations
        are iterated once more, as an average of unit vectors is shorter than 1.
        """
        if not (fraction := fraction_of(self._spec, step)):
            return
        blend(self._averages, self._trained, fraction)
        if fraction == 1.0:
            self.network.refresh()
        else:
            self.network.parametrizations.advance(self._trainable)


def fraction_of(spec: AverageSpec, step: int) -> float:
    """Return the part of the weights after a step in the new average, from 0 to 1.

    Args:
        spec: The kind of the average.
        step: Number of updates done.
    """
    if isinstance(spec, EmaSpec):
        return 1.0 if step <= 1 else 1.0 - spec.decay
    if step <= spec.start_step:
        return 1.0
    earlier, rest = divmod(step - spec.start_step, spec.every_steps)
    return 0.0 if rest else 1.0 / (earlier + 1)


def blend(averages: Mapping[str, Array], values: Mapping[str, Array], fraction: float) -> None:
    """Move each average by a fraction of its distance to a value, in place.

    Arrays of integers, such as counts, and all arrays at fraction 1, are copied.
    """
    for name, average in averages.items():
        value = values[name]
        if fraction == 1.0 or average.dtype.kind != "f":
            np.copyto(average, value)
        else:
            average += fraction * (value - average)
