"""A penalty on the size of an output."""

from typing import Any, ClassVar, Self

import numpy as np
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from tinynet.builtin.losses._positions import check_weights, expand
from tinynet.loss import Context, LossConfig
from tinynet.types import Array


class ActivityRegularization:
    """Penalty of an output x: l1 * sum |x| + l2 * sum x^2 over the elements of a sample.

    Outputs (N, ...); it has no target. The gradient of |x| at 0 is 0. The sum over
    samples is taken in float64.
    """

    family = "regularization"
    example: ClassVar = {"l1": 0.001}
    per_sample = True
    takes_target = False
    examples = ({"options": {"l1": 0.1, "l2": 0.01}, "out_shape": [3]},)

    class Config(LossConfig):
        """Parameters of `activity_regularization`."""

        l1: float = Field(default=0.0, ge=0, description="Factor of the sum of absolute values.")
        l2: float = Field(default=0.0, ge=0, description="Factor of the sum of squares.")

        @model_validator(mode="after")
        def _penalizes_something(self) -> Self:
            if not self.model_fields_set & {"l1", "l2"}:
                raise PydanticCustomError("factors", 'without a factor it is 0; set "l1" or "l2"')
            return self

    def __init__(self, config: Config) -> None:
        self.l1, self.l2 = config.l1, config.l2

    def forward(
        self, ctx: Context, outputs: Array, targets: None = None, weights: Array | None = None
    ) -> tuple[float, Any]:
        values = self.l1 * np.abs(outputs) + self.l2 * np.square(outputs)
        if weights is not None:
            check_weights(weights, outputs.shape)
            values *= expand(weights, outputs.ndim)
        losses = values.reshape(len(outputs), -1).sum(axis=1)
        return float(losses.sum(dtype=np.float64)), (outputs, weights) if ctx.keep else None

    def backward(self, ctx: Context, cache: Any) -> Array:
        outputs, weights = cache
        gradient: Array = self.l1 * np.sign(outputs) + 2 * self.l2 * outputs
        if weights is not None:
            gradient *= expand(weights, outputs.ndim)
        return gradient

    def predict(self, outputs: Array) -> Array:
        return outputs
