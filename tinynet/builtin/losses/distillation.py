"""Distillation: a student network imitates the probabilities of a teacher."""

import math
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from tinynet.builtin.losses._positions import check_weights, expand
from tinynet.errors import ShapeError
from tinynet.functional import log_softmax
from tinynet.loss import Context, LossConfig
from tinynet.targets import Bad
from tinynet.types import Array, Shape


class Distillation:
    """Distillation: T^2 KL(softmax(teacher / T) || softmax(student / T)), of two logits.

    A loss of two outputs, ``"student+teacher"``, each (N, ..., classes), without a target. The
    factor T^2, for a temperature T, keeps the size of the gradients. A sample's loss is the mean
    over its positions. The teacher is a constant: its gradient is zeros.

    Source: Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015.
    """

    family = "classification"
    example: ClassVar = {"temperature": 2}
    per_sample = True
    output_count = 2
    takes_target = False
    examples = ({"out_shape": [[3], [3]], "constants": [1]},)

    class Config(LossConfig):
        """Parameters of `distillation`."""

        temperature: float = Field(
            default=1.0,
            gt=0,
            description="Divisor T of all logits; the higher it is, the more the probabilities of"
            " unlikely classes count.",
        )

    def __init__(self, config: Config) -> None:
        self.temperature = config.temperature

    def forward(
        self,
        ctx: Context,
        outputs: tuple[Array, Array],
        targets: None = None,
        weights: Array | None = None,
    ) -> tuple[float, Any]:
        student, teacher = outputs
        self.check_shapes((student.shape[1:], teacher.shape[1:]))
        log_p, log_q = (log_softmax(logits / self.temperature) for logits in (teacher, student))
        p = np.exp(log_p)
        losses = self.temperature**2 * np.sum(p * (log_p - log_q), axis=-1)
        gradient = self.temperature * (np.exp(log_q) - p)
        positions = math.prod(student.shape[1:-1])
        losses /= positions
        gradient /= positions
        if weights is not None:
            check_weights(weights, losses.shape)
            losses *= expand(weights, losses.ndim)
            gradient *= expand(weights, gradient.ndim)
        return float(losses.sum(dtype=np.float64)), gradient if ctx.keep else None

    def backward(self, ctx: Context, cache: Any) -> tuple[Array, Array]:
        return cache, np.zeros_like(cache)

    def check_shapes(self, out_shape: tuple[Shape, ...], target_shape: Shape | None = None) -> None:
        student, teacher = out_shape
        if student != teacher or student[-1:] <= (1,):
            raise ShapeError(
                "distillation needs two outputs (..., classes) of one shape, with at least 2"
                f" classes; the student has the shape {student} and the teacher {teacher}"
            )

    def bad_target(self, out_shape: tuple[Shape, ...], targets: Array) -> Bad | None:
        return None
