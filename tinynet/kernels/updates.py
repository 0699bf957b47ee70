"""Updates of parameters by optimizers, a piece at a time: every pass finds the piece in the cache.

The signatures here are the interface: the parameter, its gradient, arrays of state (None where the
optimizer has none), then numbers. Kernels with a faster version of an update have a method of its
name, and the conformance kit compares it with the function in `UPDATES`. All arrays of a call have
one shape and dtype and are contiguous; all but the gradient are changed in place. Each element is
computed by itself, so pieces of any size give the same bits. Lists of arrays, those of several
parameters, may take the place of the arrays.
"""

import numpy as np

from tinynet.kernels.adaptive_updates import adadelta, adagrad, rprop
from tinynet.kernels.moment_updates import adam, adamax, amsgrad, nadam, radam
from tinynet.kernels.update_pieces import pieces
from tinynet.types import Array

__all__ = [
    "UPDATES",
    "adadelta",
    "adagrad",
    "adam",
    "adamax",
    "amsgrad",
    "nadam",
    "radam",
    "rmsprop",
    "rprop",
    "sgd",
]


def sgd(
    param: Array,
    grad: Array,
    velocity: Array | None,
    momentum: float,
    nesterov: bool,
    weight_decay: float,
    rate: float,
) -> None:
    """Take a step of SGD; without momentum where ``velocity`` is None."""
    for p, g, step, v in pieces(param, grad, velocity):
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
    """Take a step of RMSprop; centered where there is a ``mean``."""
    for p, g, scratch, square, m, v in pieces(param, grad, mean_square, mean, velocity):
        if weight_decay:
            g = g + weight_decay * p
        np.square(g, out=scratch)
        scratch -= square
        scratch *= 1 - rho
        square += scratch
        variance = square
        if m is not None:
            np.subtract(g, m, out=scratch)
            scratch *= 1 - rho
            m += scratch
            np.square(m, out=scratch)
            np.subtract(square, scratch, out=scratch)
            # Rounding may leave a variance of 0 a little below it.
            variance = np.maximum(scratch, 0, out=scratch)
        np.sqrt(variance, out=scratch)
        scratch += epsilon
        np.divide(g, scratch, out=scratch)
        if v is None:
            scratch *= rate
        else:
            v *= momentum
            v += scratch
            np.multiply(v, rate, out=scratch)
        p -= scratch


UPDATES = (sgd, adam, rmsprop, amsgrad, adamax, nadam, radam, adagrad, adadelta, rprop)
