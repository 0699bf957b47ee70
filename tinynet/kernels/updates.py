"""Updates of parameters, a piece at a time: every pass over a piece finds it in the cache.

All arrays of a call have the parameter's shape and are contiguous; all but the gradient are changed
in place. Each element is computed by itself, so pieces of any size give the same bits.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from tinynet.types import Array

PIECE = 32_768
"""Elements that are updated at a time."""


def sgd(
    param: Array,
    grad: Array,
    velocity: Array | None,
    momentum: float,
    nesterov: bool,
    weight_decay: float,
    rate: float,
) -> None:
    """See `Kernels.sgd`."""
    for p, g, step, v in _pieces(param, grad, velocity):
        if weight_decay:
            g = g + weight_decay * p
        if v is None:
            np.multiply(g, rate, out=step)
        else:
            v *= momentum
            v += g
            np.multiply(v, rate, out=step)
            if nesterov:
                step *= momentum
                step += rate * g
        p -= step


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
    """See `Kernels.adam`."""
    # Both bias corrections are folded into two scalars, which saves two passes over memory.
    correction = math.sqrt(1 - beta_2**step)
    size = rate * correction / (1 - beta_1**step)
    for p, g, scratch, first, second in _pieces(param, grad, first_moment, second_moment):
        if weight_decay and decoupled:
            p *= 1 - rate * weight_decay
        elif weight_decay:
            g = g + weight_decay * p
        np.subtract(g, first, out=scratch)
        scratch *= 1 - beta_1
        first += scratch
        np.square(g, out=scratch)
        scratch -= second
        scratch *= 1 - beta_2
        second += scratch
        np.sqrt(second, out=scratch)
        scratch += epsilon * correction
        np.divide(first, scratch, out=scratch)
        scratch *= size
        p -= scratch


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
    """See `Kernels.rmsprop`."""
    for p, g, scratch, square, m, v in _pieces(param, grad, mean_square, mean, velocity):
        if weight_decay:
            g = g + weight_decay * p
        np.square(g, out=scratch)
        scratch -= square
        scratch *= 1 - rho
        square += scratch
        if m is None:
            np.sqrt(square, out=scratch)
        else:
            _deviation(g, square, m, rho, scratch)
        scratch += epsilon
        np.divide(g, scratch, out=scratch)
        if v is None:
            scratch *= rate
        else:
            v *= momentum
            v += scratch
            np.multiply(v, rate, out=scratch)
        p -= scratch


def _deviation(grad: Array, mean_square: Array, mean: Array, rho: float, out: Array) -> None:
    """Count ``grad`` into its running mean, and write its standard deviation into ``out``."""
    np.subtract(grad, mean, out=out)
    out *= 1 - rho
    mean += out
    np.square(mean, out=out)
    np.subtract(mean_square, out, out=out)
    # Rounding may leave a variance of 0 a little below it.
    np.maximum(out, 0, out=out)
    np.sqrt(out, out=out)


def _pieces(param: Array, grad: Array, *slots: Array | None) -> Iterator[tuple[Any, ...]]:
    """Pieces of the parameter and its gradient, scratch memory, and pieces of each slot."""
    params, grads = param.reshape(-1), grad.reshape(-1)
    states = [None if slot is None else slot.reshape(-1) for slot in slots]
    scratch = np.empty(min(param.size, PIECE), param.dtype)
    for start in range(0, param.size, PIECE):
        rows = slice(start, start + PIECE)
        parts = (None if state is None else state[rows] for state in states)
        yield params[rows], grads[rows], scratch[: len(params[rows])], *parts
