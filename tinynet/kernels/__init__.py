"""The numerical kernels: what NumPy does in many passes over memory, behind one interface.

Layers and losses check their arguments and call these; `tinynet.kernels.numpy` is the readable
reference, and a compiled distribution may register another implementation in the entry-point group
``tinynet.kernels``. Whatever is called ``saved`` belongs to the implementation: it goes from a
forward kernel to its backward kernel and nobody else looks inside. Images are (N, H, W, C).
"""

from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from tinynet.memory import Empty
from tinynet.types import Array

Saved: TypeAlias = Any


@dataclass(frozen=True)
class Window:
    """How a window slides over an image: geometry that convolution and pooling share.

    Attributes:
        kernel_size: (height, width) of the window.
        strides: Step (down, right) between neighbouring windows.
        padding: Cells added ((top, bottom), (left, right)).
        dilation: Distance (down, right) between neighbouring cells of one window.
    """

    kernel_size: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    padding: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))
    dilation: tuple[int, int] = (1, 1)


class Kernels(Protocol):
    """The interface. Every function is pure but for the memory it takes from ``empty``."""

    def conv2d(
        self,
        x: Array,
        weight: Array,
        bias: Array | None,
        window: Window,
        groups: int,
        empty: Empty,
        keep: bool,
    ) -> tuple[Array, Saved]:
        """Cross-correlation: x (N, H, W, C), weight (kh, kw, C / groups, F) -> (N, Ho, Wo, F)."""
        ...

    def conv2d_backward(
        self,
        dy: Array,
        saved: Saved,
        weight: Array,
        window: Window,
        groups: int,
        empty: Empty,
        needs: tuple[bool, bool, bool],
    ) -> tuple[Array | None, Array | None, Array | None]:
        """Gradients (dx, dweight, dbias), each None where ``needs`` says so."""
        ...

    def max_pool2d(self, x: Array, window: Window, empty: Empty, keep: bool) -> tuple[Array, Saved]:
        """Maximum of each window and channel; padding never counts."""
        ...

    def max_pool2d_backward(self, dy: Array, saved: Saved, window: Window, empty: Empty) -> Array:
        """dx: each gradient goes to the first maximum of its window in row-major order."""
        ...

    def avg_pool2d(self, x: Array, window: Window, empty: Empty, keep: bool) -> tuple[Array, Saved]:
        """Mean of each window and channel over the cells that are not padding."""
        ...

    def avg_pool2d_backward(self, dy: Array, saved: Saved, window: Window, empty: Empty) -> Array:
        """dx: each gradient is spread evenly over the cells its mean was taken of."""
        ...

    def batch_norm(
        self, x: Array, gamma: Array | None, beta: Array | None, epsilon: float, empty: Empty
    ) -> tuple[Array, Array, Array, Saved]:
        """Normalise every channel (last axis) by its mean and biased variance over all others.

        Returns (y, mean, variance, saved).
        """
        ...

    def batch_norm_backward(
        self, dy: Array, saved: Saved, gamma: Array | None, empty: Empty
    ) -> tuple[Array, Array, Array]:
        """Gradients (dx, dgamma, dbeta)."""
        ...

    def layer_norm(
        self, x: Array, gamma: Array | None, beta: Array | None, epsilon: float, empty: Empty
    ) -> tuple[Array, Saved]:
        """Normalise every row (last axis) by its own mean and biased variance."""
        ...

    def layer_norm_backward(
        self, dy: Array, saved: Saved, gamma: Array | None, empty: Empty
    ) -> tuple[Array, Array, Array]:
        """Gradients (dx, dgamma, dbeta)."""
        ...

    def softmax_cross_entropy(
        self, logits: Array, labels: Array, label_smoothing: float, empty: Empty
    ) -> tuple[Array, Array]:
        """Loss of each row, and its gradient: logits (R, C), labels (R,) -> (R,), (R, C)."""
        ...

    def dropout(self, x: Array, uniform: Array, rate: float, empty: Empty) -> tuple[Array, Array]:
        """(x * mask, mask), where mask is 0 where ``uniform`` < rate, else 1 / (1 - rate)."""
        ...
