"""Penalties of the size of weights."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from tinynet.regularizer import RegularizerConfig
from tinynet.types import Array


class L1:
    """The sum of absolute values: factor * sum(|w|), which makes weights sparse.

    The gradient at 0 is 0. Tibshirani, "Regression shrinkage and selection via the lasso", 1996.
    """

    example: ClassVar = {"factor": 0.0001}

    class Config(RegularizerConfig):
        """Options of `l1`."""

        factor: float = Field(default=0.01, ge=0, description="Factor of the sum.")

    def __init__(self, config: Config) -> None:
        self._factor = config.factor

    def value_and_gradient(self, param: Array) -> tuple[float, Array]:
        return self._factor * _absolute(param), self._factor * np.sign(param)


class L2:
    """The sum of squares: factor * sum(w^2).

    The weight decay of `sgd` is twice the factor. Krogh and Hertz, "A simple weight decay can
    improve generalization", 1991.
    """

    example: ClassVar = {"factor": 0.0001}

    class Config(RegularizerConfig):
        """Options of `l2`."""

        factor: float = Field(default=0.01, ge=0, description="Factor of the sum.")

    def __init__(self, config: Config) -> None:
        self._factor = config.factor

    def value_and_gradient(self, param: Array) -> tuple[float, Array]:
        return self._factor * _squares(param), 2 * self._factor * param


class L1L2:
    """The sum of both penalties: l1 * sum(|w|) + l2 * sum(w^2).

    Zou and Hastie, "Regularization and variable selection via the elastic net", 2005.
    """

    example: ClassVar = {"l1": 0.0001, "l2": 0.0001}

    class Config(RegularizerConfig):
        """Options of `l1_l2`."""

        l1: float = Field(ge=0, description="Factor of the sum of absolute values.")
        l2: float = Field(ge=0, description="Factor of the sum of squares.")

    def __init__(self, config: Config) -> None:
        self._l1, self._l2 = config.l1, config.l2

    def value_and_gradient(self, param: Array) -> tuple[float, Array]:
        penalty = self._l1 * _absolute(param) + self._l2 * _squares(param)
        return penalty, self._l1 * np.sign(param) + 2 * self._l2 * param


def _absolute(param: Array) -> float:
    return float(np.abs(param).sum(dtype=np.float64))


def _squares(param: Array) -> float:
    # In float64, where squares of float32 do not overflow; and not as a product of BLAS, which
    # rounds differently on another number of threads.
    return float(np.square(param, dtype=np.float64).sum())
