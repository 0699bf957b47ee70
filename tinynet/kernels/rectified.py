"""Batch normalization and then a ReLU, from the kernels of both.

They are methods, so an implementation with a `batch_norm` of its own need not have them.
"""

from dataclasses import dataclass
from inspect import unwrap

from tinynet.kernels import Kernels, Saved
from tinynet.kernels.elementwise import rectify
from tinynet.kernels.memory import Empty
from tinynet.kernels.normalization import batch_norm
from tinynet.types import Array


@dataclass
class SavedRectified:
    """The values that `batch_norm_relu` saves for its backward."""

    saved: Saved  # those of `batch_norm`
    y: Array  # the output
    masked: tuple[Array, Array] | None = None  # a gradient of y, and that of the ReLU's input


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
    # Another implementation may have saved its output.
    y = normal if unwrap(self.batch_norm) is batch_norm else normal.copy()
    rectify(y)
    return y, SavedRectified(saved, y) if keep else None


def batch_norm_relu_sums(
    self: Kernels, dy: Array, saved: SavedRectified, empty: Empty
) -> tuple[Array, Array]:
    """See `Kernels.batch_norm_relu_sums`."""
    return self.batch_norm_sums(_masked(self, dy, saved, empty), saved.saved, empty)


def batch_norm_relu_backward(
    self: Kernels,
    dy: Array,
    saved: SavedRectified,
    gamma: Array | None,
    means: tuple[Array, Array] | None,
    empty: Empty,
) -> Array:
    """See `Kernels.batch_norm_relu_backward`."""
    masked = _masked(self, dy, saved, empty)
    return self.batch_norm_backward(masked, saved.saved, gamma, means, empty)


def _masked(self: Kernels, dy: Array, saved: SavedRectified, empty: Empty) -> Array:
    """Return the gradient of the ReLU's input, computed once for both backward kernels."""
    if saved.masked is None or saved.masked[0] is not dy:
        saved.masked = dy, self.relu_backward(dy, saved.y, empty)
    return saved.masked[1]
