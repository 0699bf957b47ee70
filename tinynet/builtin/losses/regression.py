"""Losses of a residual r = output - target."""

import math
from typing import ClassVar

import numpy as np
from pydantic import Field

from tinynet.builtin.losses._elementwise import Elementwise
from tinynet.builtin.losses._positions import PositionsConfig
from tinynet.loss import Context
from tinynet.types import Array, Shape


class MSE(Elementwise):
    """Mean squared error: r^2.  Outputs (N, ...), targets (N, ...)."""

    family = "regression"
    name = "mse"

    def values(self, outputs: Array, targets: Array) -> Array:
        values: Array = np.square(outputs - targets)
        return values

    def slopes(self, outputs: Array, targets: Array, out: Array) -> None:
        np.subtract(outputs, targets, out=out)
        out *= 2

    def replayed_targets(self, outputs: Shape, targets: Array) -> Array | None:
        # No kernel computes the mean over several elements of a sample.
        fits = math.prod(outputs[1:]) == 1 and outputs in (targets.shape, (*targets.shape, 1))
        return targets.reshape(outputs) if fits and targets.dtype.kind == "f" else None

    def losses_and_gradient(
        self, ctx: Context, outputs: Array, targets: Array
    ) -> tuple[Array, Array]:
        kernels, empty = ctx.kernels, ctx.empty
        residual = kernels.add(outputs, kernels.scale(targets, -1.0, empty), empty)
        values = kernels.multiply(residual, residual, empty)
        return values.reshape(-1), kernels.scale(residual, 2.0, empty)


class MAE(Elementwise):
    """Mean absolute error: |r|, with gradient 0 at r = 0.  Outputs (N, ...), targets (N, ...)."""

    family = "regression"
    name = "mae"

    def values(self, outputs: Array, targets: Array) -> Array:
        values: Array = np.abs(outputs - targets)
        return values

    def slopes(self, outputs: Array, targets: Array, out: Array) -> None:
        np.subtract(outputs, targets, out=out)
        np.sign(out, out=out)


class Huber(Elementwise):
    """Huber's loss: r^2 / 2 for |r| <= delta, else delta (|r| - delta / 2).

    It is quadratic near 0, and linear beyond. Outputs (N, ...), targets (N, ...).  Huber, "Robust
    Estimation of a Location Parameter", 1964.
    """

    family = "regression"
    name = "huber"

    class Config(PositionsConfig):
        """Parameters of `huber`."""

        delta: float = Field(
            default=1.0,
            gt=0,
            description="Residual where the loss turns from quadratic to linear, in target units.",
        )

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.delta = config.delta

    def values(self, outputs: Array, targets: Array) -> Array:
        size: Array = np.abs(outputs - targets)
        near: Array = np.minimum(size, self.delta)
        return near * (size - near / 2)

    def slopes(self, outputs: Array, targets: Array, out: Array) -> None:
        np.subtract(outputs, targets, out=out)
        np.clip(out, -self.delta, self.delta, out=out)


class SmoothL1(Elementwise):
    """Huber's loss divided by beta: r^2 / (2 beta) for |r| <= beta, else |r| - beta / 2.

    Outputs (N, ...), targets (N, ...).  Girshick, "Fast R-CNN", 2015.
    """

    family = "regression"
    name = "smooth_l1"

    class Config(PositionsConfig):
        """Parameters of `smooth_l1`."""

        beta: float = Field(
            default=1.0,
            gt=0,
            description="Residual where the loss turns from quadratic to linear, in target units.",
        )

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.beta = config.beta

    def values(self, outputs: Array, targets: Array) -> Array:
        size: Array = np.abs(outputs - targets)
        near: Array = np.minimum(size / self.beta, 1)
        return near * (size - near * (self.beta / 2))

    def slopes(self, outputs: Array, targets: Array, out: Array) -> None:
        np.subtract(outputs, targets, out=out)
        out /= self.beta
        np.clip(out, -1, 1, out=out)


class LogCosh(Elementwise):
    """Logarithm of cosh(r): about r^2 / 2 near 0, and |r| - log(2) beyond.

    Outputs (N, ...), targets (N, ...).
    """

    family = "regression"
    name = "log_cosh"

    def values(self, outputs: Array, targets: Array) -> Array:
        size: Array = np.abs(outputs - targets)
        # Exact near 0, where the other form cancels: cosh(r) = 1 + 2 sinh(r / 2)^2.
        near: Array = np.log1p(2 * np.square(np.sinh(np.minimum(size, 1) / 2)))
        far: Array = size + np.log1p(np.exp(-2 * size)) - math.log(2)
        return np.where(size < 1, near, far)

    def slopes(self, outputs: Array, targets: Array, out: Array) -> None:
        np.subtract(outputs, targets, out=out)
        np.tanh(out, out=out)


class Quantile(Elementwise):
    """Pinball loss, least at the quantile q of the targets: max(-q r, (1 - q) r).

    Outputs that minimize it are a quantile q of the targets. Outputs (N, ...), targets (N, ...).
    The gradient at r = 0 is the mean of both sides'.

    Source: Koenker and Bassett, "Regression Quantiles", 1978.
    """

    family = "regression"
    example: ClassVar = {"quantile": 0.9}
    name = "quantile"

    class Config(PositionsConfig):
        """Parameters of `quantile`."""

        quantile: float = Field(
            default=0.5,
            gt=0,
            lt=1,
            description="Share q of the targets that are to lie below the outputs.",
        )

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.quantile = config.quantile

    def values(self, outputs: Array, targets: Array) -> Array:
        residual = outputs - targets
        values: Array = np.maximum(-self.quantile * residual, (1 - self.quantile) * residual)
        return values

    def slopes(self, outputs: Array, targets: Array, out: Array) -> None:
        np.subtract(outputs, targets, out=out)
        np.sign(out, out=out)
        out /= 2
        out += 0.5 - self.quantile
