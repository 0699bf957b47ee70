"""Losses of errors relative to the size of the target."""

import numpy as np
from pydantic import Field

from tinynet.builtin.losses._elementwise import Elementwise
from tinynet.builtin.losses._positions import PositionsConfig
from tinynet.targets import Bad, first_bad
from tinynet.types import Array, Shape


class MAPE(Elementwise):
    """Mean absolute percentage error: 100 |output - target| / max(|target|, epsilon).

    Outputs (N, ...), targets (N, ...).  The gradient is 0 where both are equal.
    """

    family = "regression"
    name = "mape"

    class Config(PositionsConfig):
        """Parameters of `mape`."""

        epsilon: float = Field(
            default=1e-7, gt=0, description="Least size of a target that errors are divided by."
        )

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.epsilon = config.epsilon

    def values(self, outputs: Array, targets: Array) -> Array:
        values: Array = 100 * np.abs(outputs - targets) / self._sizes(targets)
        return values

    def slopes(self, outputs: Array, targets: Array, out: Array) -> None:
        np.subtract(outputs, targets, out=out)
        np.sign(out, out=out)
        out *= 100 / self._sizes(targets)

    def _sizes(self, targets: Array) -> Array:
        sizes: Array = np.maximum(np.abs(targets), self.epsilon)
        return sizes


class MSLE(Elementwise):
    """Mean squared logarithmic error: (log(1 + max(output, 0)) - log(1 + target))^2.

    Outputs (N, ...), targets (N, ...) of at least 0.  An output below 0 counts as 0 and has no
    gradient; a layer such as softplus at the end of the network prevents that.
    """

    family = "regression"
    name = "msle"

    def values(self, outputs: Array, targets: Array) -> Array:
        values: Array = np.square(np.log1p(np.maximum(outputs, 0)) - np.log1p(targets))
        return values

    def slopes(self, outputs: Array, targets: Array, out: Array) -> None:
        positive = np.maximum(outputs, 0)
        np.log1p(positive, out=out)
        out -= np.log1p(targets)
        out *= 2 / (1 + positive)
        out *= outputs > 0

    def bad_target(self, out_shape: Shape, targets: Array) -> Bad | None:
        good = np.isfinite(targets) & (targets >= 0)
        return first_bad(targets, good, "a finite number of at least 0")
