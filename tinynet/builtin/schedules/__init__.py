"""The built-in learning-rate schedules: factors of the optimizer's rate, by step."""

from tinynet.builtin.schedules.cosines import Cosine, CosineRestarts
from tinynet.builtin.schedules.cycles import Cyclical, OneCycle
from tinynet.builtin.schedules.decays import (
    Exponential,
    InverseSqrt,
    InverseTime,
    Linear,
    Polynomial,
)
from tinynet.builtin.schedules.plateau import ReduceOnPlateau
from tinynet.builtin.schedules.staircases import Constant, PiecewiseConstant, Step

__all__ = [
    "Constant",
    "Cosine",
    "CosineRestarts",
    "Cyclical",
    "Exponential",
    "InverseSqrt",
    "InverseTime",
    "Linear",
    "OneCycle",
    "PiecewiseConstant",
    "Polynomial",
    "ReduceOnPlateau",
    "Step",
]
