"""Adafactor: steps like Adam's, with a factored second moment and no first one."""

import math
from typing import ClassVar

import numpy as np
from pydantic import Field

from tinynet.builtin.optimizers._norms import norm
from tinynet.optimizer import OptimizerConfig
from tinynet.types import Array


class Adafactor:
    """Adam's second moments, kept as means of rows and columns only, for a small state.

    With t for the number of the step, counted from 1:

        f = t^beta_2_decay
        rows    = (1 - f) * rows    + f * mean of grad^2 over the last axis
        columns = (1 - f) * columns + f * mean of grad^2 over the last but one
        v = rows * columns / mean of rows
        step = grad / max(sqrt(v), epsilon_1)
        size = max(epsilon_2, rms(param)) * min(rate, 1 / sqrt(t))
        param *= 1 - rate * weight_decay
        param -= size * step / max(1, rms(step) / clip_threshold)

    The root mean square of all elements is rms. Rows and columns are those of the last two axes: of
    a kernel (..., in, out), its channels. A parameter of fewer axes has a whole second moment v.
    Shazeer and Stern, "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost", 2018; as in
    `torch.optim.Adafactor`.
    """

    elementwise: ClassVar[bool] = False

    class Config(OptimizerConfig):
        """Parameters of `adafactor`."""

        learning_rate: float = Field(
            default=0.01, gt=0, description="Largest size of a step, as a share of the parameter."
        )
        beta_2_decay: float = Field(
            default=-0.8, le=0, description="Exponent of the step in the share of new squares."
        )
        epsilon_1: float | None = Field(
            default=None,
            gt=0,
            description="Least root of a second moment; by default the spacing of numbers at 1.",
        )
        epsilon_2: float = Field(
            default=1e-3, ge=0, description="Least size of a parameter, which steps are a share of."
        )
        clip_threshold: float = Field(
            default=1.0, gt=0, description="Largest root mean square of a step of size 1."
        )
        weight_decay: float = Field(
            default=0.0, ge=0, description="Share of the parameter that a step of rate 1 removes."
        )

    def __init__(self, config: Config) -> None:
        self._config = config

    def slots(self, param: Array) -> dict[str, Array]:
        if param.ndim < 2:
            return {"mean_square": np.zeros_like(param)}
        return {
            "row_mean_square": np.zeros((*param.shape[:-1], 1), param.dtype),
            "column_mean_square": np.zeros((*param.shape[:-2], 1, param.shape[-1]), param.dtype),
        }

    def update(
        self, param: Array, grad: Array, slots: dict[str, Array], step: int, rate: float
    ) -> None:
        if not param.size:
            return  # The means below would be NaN, in the saved state too.
        c = self._config
        least = float(np.finfo(param.dtype).eps) if c.epsilon_1 is None else c.epsilon_1
        size = max(c.epsilon_2, _rms(param)) * min(rate, 1 / math.sqrt(step))
        second_moment = _second_moment(grad, slots, float(step) ** c.beta_2_decay, least)
        direction = grad / np.sqrt(np.maximum(second_moment, least**2))
        if c.weight_decay:
            param *= 1 - rate * c.weight_decay
        param -= size / max(1.0, _rms(direction) / c.clip_threshold) * direction


def _second_moment(grad: Array, slots: dict[str, Array], fraction: float, least: float) -> Array:
    """Add a fraction of the squared gradient to the slots, and return what they stand for."""
    squares = np.square(grad)
    if grad.ndim < 2:
        whole = slots["mean_square"]
        whole += fraction * (squares - whole)
        return whole
    rows, columns = slots["row_mean_square"], slots["column_mean_square"]
    for mean, axis in ((rows, -1), (columns, -2)):
        mean += fraction * (squares.mean(axis=axis, keepdims=True, dtype=np.float64) - mean)
    of_rows = rows.mean(axis=-2, keepdims=True, dtype=np.float64).astype(grad.dtype)
    second_moment: Array = rows / np.maximum(of_rows, least) * columns
    return second_moment


def _rms(x: Array) -> float:
    """Return the root mean square of all elements."""
    return norm(x) / math.sqrt(x.size)
