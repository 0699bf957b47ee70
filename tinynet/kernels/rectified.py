"""Batch normalization and then a ReLU, from the kernels of both.

They are methods, so an implementation with a `batch_norm` of its own need not have them.
"""

from typing import NamedTuple

from tinynet.kernels import Kernels, Saved
from tinynet.kernels.memory import Empty
from tinynet.types import Array


class SavedRectified(NamedTuple):
    """The values that `batch_norm_relu` saves for its backward."""

    saved: Saved  # those of `batch_norm`
    y: Array  # the output


def batch_norm_relu(
    self: Kernels,
    x: Array,
    mean: Array,
    variance: Array,
    gamma: Array | None,
    beta: Array | None,
    epsilon: float,
    empty: Empty,
    keep: bool,
) -> tuple[Array, SavedRectified | None]:
    """See `Kernels.batch_norm_relu`."""
    normal, saved = self.batch_norm(x, mean, variance, gamma, beta, epsilon, empty, keep)
    y = self.relu(normal, empty)
    return y, SavedRectified(saved, y) if keep else None


def batch_norm_relu_sums(
    self: Kernels, dy: Array, saved: SavedRectified, empty: Empty
) -> tuple[Array, Array]:
    """See `Kernels.batch_norm_relu_sums`."""
    return self.batch_norm_sums(self.relu_backward(dy, saved.y, empty), saved.saved, empty)


def batch_norm_relu_backward(
    self: Kernels,
    dy: Array,
    saved: SavedRectified,
    gamma: Array | None,
    means: tuple[Array, Array] | None,
    empty: Empty,
) -> Array:
    """See `Kernels.batch_norm_relu_backward`."""
    dy = self.relu_backward(dy, saved.y, empty)
    return self.batch_norm_backward(dy, saved.saved, gamma, means, empty)
