"""Optimizer updates, in place and in one pass, with the bits that the reference gives."""

from tinynet.types import Array
from tinynet_native import _kernels


def sgd(
    param: Array,
    grad: Array,
    velocity: Array | None,
    momentum: float,
    nesterov: bool,
    weight_decay: float,
    rate: float,
) -> None:
    """See `tinynet.kernels.Kernels.sgd`."""
    _kernels.sgd(param, grad, velocity, momentum, nesterov, weight_decay, rate)


def adam(
    param: Array,
    grad: Array,
    first_moment: Array,
    second_moment: Array,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    weight_decay: float,
    decoupled: bool,
    step: int,
    rate: float,
) -> None:
    """See `tinynet.kernels.Kernels.adam`."""
    _kernels.adam(
        param,
        grad,
        first_moment,
        second_moment,
        beta_1,
        beta_2,
        epsilon,
        weight_decay,
        decoupled,
        step,
        rate,
    )


def rmsprop(
    param: Array,
    grad: Array,
    mean_square: Array,
    mean: Array | None,
    velocity: Array | None,
    rho: float,
    momentum: float,
    epsilon: float,
    weight_decay: float,
    rate: float,
) -> None:
    """See `tinynet.kernels.Kernels.rmsprop`."""
    _kernels.rmsprop(
        param, grad, mean_square, mean, velocity, rho, momentum, epsilon, weight_decay, rate
    )
