"""The negative log-likelihood of counts."""

import math

import numpy as np
from pydantic import Field

from tinynet.builtin.losses._elementwise import Elementwise
from tinynet.builtin.losses._positions import PositionsConfig
from tinynet.loss import OnnxGraph
from tinynet.targets import Bad, first_bad
from tinynet.types import Array, Shape


class Poisson(Elementwise):
    """Negative log-likelihood of counts z, from logarithms x of rates: exp(x) - z x.

    The term log(z!), which has no gradient, is left out. With ``log_input`` false the outputs are
    the rates themselves: x - z log(x + epsilon). They must be at least 0, as softplus or
    exponential at the end of the network makes them; a negative one has no likelihood (NaN).

    Outputs (N, ...), targets (N, ...) of at least 0. Predictions are rates.

    With ``full`` the loss has Stirling's approximation of log(z!) for each z > 1:
    z log(z) - z + log(2 pi z) / 2.
    """

    family = "regression"
    name = "poisson"

    # Moderate numbers: the exponential of an output of 10,000 is infinite.
    examples = (
        {
            "out_shape": [2],
            "targets": [[0.0, 3.0], [1.0, 2.0]],
            "outputs": [[0.5, -1.2], [0.3, 2.0]],
        },
    )

    class Config(PositionsConfig):
        """Parameters of `poisson`."""

        log_input: bool = Field(
            default=True, description="True: outputs are logarithms of rates. False: rates."
        )
        full: bool = Field(
            default=False,
            description="Add an approximation of log(target!), which has no gradient.",
        )
        epsilon: float = Field(
            default=1e-8, gt=0, description="Added to rates before the logarithm is taken."
        )

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.log_input, self.full, self.epsilon = config.log_input, config.full, config.epsilon

    def values(self, outputs: Array, targets: Array) -> Array:
        if self.log_input:
            values: Array = np.exp(outputs) - targets * outputs
        else:
            with np.errstate(invalid="ignore"):
                values = outputs - targets * np.log(outputs + self.epsilon)
        return values + _log_factorial(targets) if self.full else values

    def slopes(self, outputs: Array, targets: Array, out: Array) -> None:
        if self.log_input:
            np.exp(outputs, out=out)
            out -= targets
        else:
            np.divide(targets, outputs + self.epsilon, out=out)
            np.subtract(1, out, out=out)

    def predict(self, outputs: Array) -> Array:
        """Rates, in the shape of ``outputs``."""
        rates: Array = np.exp(outputs) if self.log_input else outputs
        return rates

    def bad_target(self, out_shape: Shape, targets: Array) -> Bad | None:
        good = np.isfinite(targets) & (targets >= 0)
        return first_bad(targets, good, "a finite number of at least 0")

    def to_onnx(self, graph: OnnxGraph, outputs: str) -> str:
        return graph.node("Exp", outputs) if self.log_input else outputs


def _log_factorial(counts: Array) -> Array:
    """Return Stirling's approximation of log(count!), and 0 for counts up to 1."""
    large = np.maximum(counts, 1)
    values = large * np.log(large) - large + np.log(2 * math.pi * large) / 2
    return np.where(counts > 1, values, 0).astype(counts.dtype)
