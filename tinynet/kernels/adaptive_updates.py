"""Updates that scale each element by the history of its gradients alone, as `updates` says."""

import numpy as np

from tinynet.kernels.update_pieces import pieces
from tinynet.types import Array


def adagrad(
    param: Array,
    grad: Array,
    sum_of_squares: Array,
    epsilon: float,
    weight_decay: float,
    rate: float,
) -> None:
    """Take a step of Adagrad."""
    for p, g, scratch, total in pieces(param, grad, sum_of_squares):
        if weight_decay:
            g = g + weight_decay * p
        np.square(g, out=scratch)
        total += scratch
        np.sqrt(total, out=scratch)
        scratch += epsilon
        np.divide(g, scratch, out=scratch)
        scratch *= rate
        p -= scratch


def adadelta(
    param: Array,
    grad: Array,
    mean_square: Array,
    mean_square_step: Array,
    rho: float,
    epsilon: float,
    weight_decay: float,
    rate: float,
) -> None:
    """Take a step of Adadelta."""
    for p, g, step, square, steps in pieces(param, grad, mean_square, mean_square_step):
        if weight_decay:
            g = g + weight_decay * p
        np.square(g, out=step)
        step -= square
        step *= 1 - rho
        square += step
        np.sqrt(steps + epsilon, out=step)
        step /= np.sqrt(square + epsilon)
        step *= g
        p -= rate * step
        np.square(step, out=step)
        step -= steps
        step *= 1 - rho
        steps += step


def rprop(
    param: Array,
    grad: Array,
    factor: Array,
    last_grad: Array,
    eta_minus: float,
    eta_plus: float,
    min_factor: float,
    max_factor: float,
    rate: float,
) -> None:
    """Take a step of Rprop."""
    for p, g, scratch, size, last in pieces(param, grad, factor, last_grad):
        np.multiply(g, last, out=scratch)
        turned = scratch < 0
        size *= np.where(turned, eta_minus, np.where(scratch > 0, eta_plus, 1)).astype(size.dtype)
        np.clip(size, min_factor, max_factor, out=size)
        np.copyto(last, g)
        last[turned] = 0
        np.sign(last, out=scratch)
        scratch *= size
        scratch *= rate
        p -= scratch
