"""Normalization of channels over a batch, of rows by themselves, and of groups of channels.

The input itself is saved.
"""

from functools import partial
from typing import NamedTuple

from tinynet.kernels import Saved, ThreeGradients, TwoGradients
from tinynet.kernels.memory import Empty
from tinynet.types import Array
from tinynet_native import _kernels


class SavedBatch(NamedTuple):
    """The values that `batch_norm` and `batch_norm_relu` save for their backward."""

    x: Array  # the input, (..., C)
    mean: Array  # the given mean, (C,)
    inverse: Array  # 1 / sqrt(variance + epsilon), (C,)
    gamma: Array | None
    beta: Array | None  # with which the backward of a ReLU computes the output again


def moments(x: Array, empty: Empty) -> tuple[Array, Array]:
    """See `tinynet.kernels.Kernels.moments`."""
    mean, squares = empty(x.shape[-1:], x.dtype), empty(x.shape[-1:], x.dtype)
    _kernels.moments(x, mean, squares)
    return mean, squares


def _batch_norm(
    relu: bool,
    x: Array,
    mean: Array,
    variance: Array,
    gamma: Array | None,
    beta: Array | None,
    epsilon: float,
    empty: Empty,
    keep: bool,
) -> tuple[Array, Saved]:
    y, inverse = empty(x.shape, x.dtype), empty(mean.shape, x.dtype)
    _kernels.batch_norm(x, mean, variance, gamma, beta, inverse, y, epsilon, relu)
    return y, SavedBatch(x, mean, inverse, gamma, beta) if keep else None


def _batch_norm_sums(relu: bool, dy: Array, saved: Saved, empty: Empty) -> tuple[Array, Array]:
    x, mean, inverse, gamma, beta = saved
    dgamma, dbeta = empty(mean.shape, dy.dtype), empty(mean.shape, dy.dtype)
    _kernels.batch_norm_sums(dy, x, mean, inverse, gamma, beta, dgamma, dbeta, relu)
    return dgamma, dbeta


def _batch_norm_backward(
    relu: bool,
    dy: Array,
    saved: Saved,
    gamma: Array | None,
    means: tuple[Array, Array] | None,
    empty: Empty,
) -> Array:
    x, mean, inverse, _, beta = saved
    dx = empty(dy.shape, dy.dtype)
    product_mean, dy_mean = means or (None, None)
    _kernels.batch_norm_backward(
        *(dy, x, mean, inverse, gamma, beta, product_mean, dy_mean, dx, relu)
    )
    return dx


batch_norm = partial(_batch_norm, False)
batch_norm_sums = partial(_batch_norm_sums, False)
batch_norm_backward = partial(_batch_norm_backward, False)
batch_norm_relu = partial(_batch_norm, True)
batch_norm_relu_sums = partial(_batch_norm_sums, True)
batch_norm_relu_backward = partial(_batch_norm_backward, True)


class SavedRows(NamedTuple):
    """The values that `layer_norm` and `rms_norm` save for their backward."""

    x: Array  # the input, (..., C)
    mean: Array | None  # of each row, (...); None for `rms_norm`
    inverse: Array  # the factor that normalizes a row, (...)


def layer_norm(
    x: Array, gamma: Array | None, beta: Array | None, epsilon: float, empty: Empty, keep: bool
) -> tuple[Array, Saved]:
    """See `tinynet.kernels.Kernels.layer_norm`."""
    *rows, channels = x.shape
    y = empty(x.shape, x.dtype)
    mean, inverse = empty(tuple(rows), x.dtype), empty(tuple(rows), x.dtype)
    _kernels.layer_norm(channels, x, gamma, beta, mean, inverse, y, epsilon)
    return y, SavedRows(x, mean, inverse) if keep else None


def layer_norm_backward(
    dy: Array,
    saved: Saved,
    gamma: Array | None,
    empty: Empty,
    needs: tuple[bool, bool, bool],
) -> ThreeGradients:
    """See `tinynet.kernels.Kernels.layer_norm_backward`."""
    return _rows_backward(dy, saved, gamma, empty, needs)


def rms_norm(
    x: Array, gamma: Array | None, epsilon: float, empty: Empty, keep: bool
) -> tuple[Array, Saved]:
    """See `tinynet.kernels.Kernels.rms_norm`."""
    *rows, channels = x.shape
    y, inverse = empty(x.shape, x.dtype), empty(tuple(rows), x.dtype)
    _kernels.layer_norm(channels, x, gamma, None, None, inverse, y, epsilon)
    return y, SavedRows(x, None, inverse) if keep else None


def rms_norm_backward(
    dy: Array, saved: Saved, gamma: Array | None, empty: Empty, needs: tuple[bool, bool]
) -> TwoGradients:
    """See `tinynet.kernels.Kernels.rms_norm_backward`."""
    dx, dgamma, _ = _rows_backward(dy, saved, gamma, empty, (*needs, False))
    return dx, dgamma


def _rows_backward(
    dy: Array, saved: SavedRows, gamma: Array | None, empty: Empty, needs: tuple[bool, bool, bool]
) -> ThreeGradients:
    x, mean, inverse = saved
    needs_x, needs_gamma, needs_beta = needs
    channels = x.shape[-1]
    dx = empty(x.shape, x.dtype) if needs_x else None
    dgamma = empty((channels,), x.dtype) if needs_gamma else None
    dbeta = empty((channels,), x.dtype) if needs_beta else None
    _kernels.layer_norm_backward(channels, dy, x, gamma, mean, inverse, dx, dgamma, dbeta)
    return dx, dgamma, dbeta


class SavedGroups(NamedTuple):
    """The values that `group_norm` saves for its backward."""

    x: Array  # the input, (N, ..., C)
    beta: Array | None  # with which the backward of a ReLU computes the output again
    mean: Array  # of its group, for each channel, (N, C)
    inverse: Array  # the factor that normalizes it, (N, C)
    groups: int
    relu: bool


def group_norm(
    x: Array,
    groups: int,
    gamma: Array | None,
    beta: Array | None,
    epsilon: float,
    empty: Empty,
    keep: bool,
    relu: bool = False,
) -> tuple[Array, Saved]:
    """See `tinynet.kernels.Kernels.group_norm`."""
    y, channels = empty(x.shape, x.dtype), (len(x), x.shape[-1])
    mean, inverse = empty(channels, x.dtype), empty(channels, x.dtype)
    _kernels.group_norm(groups, x, gamma, beta, mean, inverse, y, epsilon, relu)
    return y, SavedGroups(x, beta, mean, inverse, groups, relu) if keep else None


def group_norm_backward(
    dy: Array,
    saved: Saved,
    gamma: Array | None,
    empty: Empty,
    needs: tuple[bool, bool, bool],
) -> ThreeGradients:
    """See `tinynet.kernels.Kernels.group_norm_backward`."""
    x, beta, mean, inverse, groups, relu = saved
    needs_x, needs_gamma, needs_beta = needs
    channels = x.shape[-1]
    dx = empty(x.shape, x.dtype) if needs_x else None
    dgamma = empty((channels,), x.dtype) if needs_gamma else None
    dbeta = empty((channels,), x.dtype) if needs_beta else None
    scratch = (empty(mean.shape, x.dtype) for _ in range(4))
    _kernels.group_norm_backward(
        *(groups, dy, x, gamma, beta, mean, inverse, dx, dgamma, dbeta, *scratch, relu)
    )
    return dx, dgamma, dbeta
