"""Updates of the family of Adam, as `updates` says."""

import math

import numpy as np

from tinynet.kernels.update_pieces import pieces
from tinynet.types import Array


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
    """Take a step of Adam; of AdamW where the decay is decoupled."""
    arrays = param, grad, first_moment, second_moment, None
    _adam(arrays, beta_1, beta_2, epsilon, weight_decay, decoupled, step, rate)


def amsgrad(
    param: Array,
    grad: Array,
    first_moment: Array,
    second_moment: Array,
    largest_second_moment: Array,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    weight_decay: float,
    decoupled: bool,
    step: int,
    rate: float,
) -> None:
    """Take a step of Adam, or of AdamW, that divides by the largest second moment so far."""
    arrays = param, grad, first_moment, second_moment, largest_second_moment
    _adam(arrays, beta_1, beta_2, epsilon, weight_decay, decoupled, step, rate)


def _adam(
    arrays: tuple[Array, Array, Array, Array, Array | None],
    beta_1: float,
    beta_2: float,
    epsilon: float,
    weight_decay: float,
    decoupled: bool,
    step: int,
    rate: float,
) -> None:
    # Both bias corrections are folded into two scalars, which saves two passes over memory.
    correction = math.sqrt(1 - beta_2**step)
    size = rate * correction / (1 - beta_1**step)
    for p, g, scratch, first, second, largest in pieces(*arrays):
        if weight_decay and decoupled:
            p *= 1 - rate * weight_decay
        elif weight_decay:
            g = g + weight_decay * p
        _update_moments(g, scratch, first, second, beta_1, beta_2)
        if largest is not None:
            second = np.maximum(largest, second, out=largest)
        np.sqrt(second, out=scratch)
        scratch += epsilon * correction
        np.divide(first, scratch, out=scratch)
        scratch *= size
        p -= scratch


def adamax(
    param: Array,
    grad: Array,
    first_moment: Array,
    norm: Array,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    weight_decay: float,
    step: int,
    rate: float,
) -> None:
    """Take a step of Adamax."""
    size = rate / (1 - beta_1**step)
    for p, g, scratch, first, largest in pieces(param, grad, first_moment, norm):
        if weight_decay:
            g = g + weight_decay * p
        np.subtract(g, first, out=scratch)
        scratch *= 1 - beta_1
        first += scratch
        np.abs(g, out=scratch)
        scratch += epsilon
        largest *= beta_2
        np.maximum(largest, scratch, out=largest)
        np.divide(first, largest, out=scratch)
        scratch *= size
        p -= scratch


def nadam(
    param: Array,
    grad: Array,
    first_moment: Array,
    second_moment: Array,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    weight_decay: float,
    of_moment: float,
    of_grad: float,
    step: int,
    rate: float,
) -> None:
    """Take a step of Nadam; ``of_moment`` and ``of_grad`` are its shares of both in the step."""
    correction = math.sqrt(1 - beta_2**step)
    for p, g, scratch, first, second in pieces(param, grad, first_moment, second_moment):
        if weight_decay:
            g = g + weight_decay * p
        _update_moments(g, scratch, first, second, beta_1, beta_2)
        np.sqrt(second, out=scratch)
        scratch += epsilon * correction
        ahead = of_moment * first
        ahead += of_grad * g
        ahead /= scratch
        ahead *= rate * correction
        p -= ahead


def radam(
    param: Array,
    grad: Array,
    first_moment: Array,
    second_moment: Array,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    weight_decay: float,
    step: int,
    rate: float,
) -> None:
    """Take a step of RAdam: of momentum alone while the second moment has too few samples."""
    rectified = _rectification(beta_2, step)
    size = rate / (1 - beta_1**step)
    if rectified is not None:
        size *= rectified * math.sqrt(1 - beta_2**step)
    for p, g, scratch, first, second in pieces(param, grad, first_moment, second_moment):
        if weight_decay:
            g = g + weight_decay * p
        _update_moments(g, scratch, first, second, beta_1, beta_2)
        if rectified is None:
            np.multiply(first, size, out=scratch)
        else:
            np.sqrt(second, out=scratch)
            scratch += epsilon
            np.divide(first, scratch, out=scratch)
            scratch *= size
        p -= scratch


def _rectification(beta_2: float, step: int) -> float | None:
    """Return the factor of an adaptive step; None if its variance would be too large."""
    power = beta_2**step
    longest = 2 / (1 - beta_2) - 1
    length = longest - 2 * step * power / (1 - power)
    if length <= 5:
        return None
    variance = (length - 4) * (length - 2) * longest
    return math.sqrt(variance / ((longest - 4) * (longest - 2) * length))


def _update_moments(
    g: Array, scratch: Array, first: Array, second: Array, beta_1: float, beta_2: float
) -> None:
    np.subtract(g, first, out=scratch)
    scratch *= 1 - beta_1
    first += scratch
    np.square(g, out=scratch)
    scratch -= second
    scratch *= 1 - beta_2
    second += scratch
