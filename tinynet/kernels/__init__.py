"""The numerical kernels: what NumPy does in many passes over memory, behind one interface.

Layers and losses check their arguments and call these; `tinynet.kernels.numpy` is the readable
reference, and a compiled distribution may register another implementation in the entry-point group
``tinynet.kernels``.

Images are (N, H, W, C). ``empty`` is where outputs and large temporaries come from. Whatever is
called ``saved`` belongs to the implementation: it goes from a forward kernel to its backward
kernel, unchanged, and no other code uses it; it may be None where ``keep`` is False, which says
that no backward will follow. ``needs`` says which gradients are wanted, in the order in which they
are returned; the others are None.
"""

from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeAlias

from tinynet.kernels.memory import Empty
from tinynet.kernels.window import Window
from tinynet.types import Array

__all__ = ["Kernels", "Saved", "ThreeGradients", "Window"]

Saved: TypeAlias = Any
"""What a forward kernel leaves for its backward kernel."""

ThreeGradients: TypeAlias = tuple[Array | None, Array | None, Array | None]
"""Gradients of the input and of two parameters, each None if it is not needed."""


class Kernels(Protocol):
    """The interface. Every function is pure, but for the memory it takes from ``empty``.

    The real numbers of one call have one dtype, float32 or float64, and so has all it returns. An
    implementation derives from `tinynet.kernels.numpy.NumpyKernels`, so that what it does not have
    is there all the same. It may have a method for any other update in `tinynet.kernels.updates`.

    Attributes:
        level: What it computes with, for reports and checkpoints: ``"numpy"``, ``"avx2"``, ...
        cut_from: How many shards' worth of work a batch must hold before it pays to cut it into
            shards, which threads of Python compute side by side. A batch of less is left whole, and
            its kernels may use all threads; see `on_threads`.
    """

    level: str
    cut_from: float

    def on_threads(self, count: int) -> AbstractContextManager[None]:
        """Within it, calls from this thread may use so many threads, the caller's included.

        It changes no bit. Where it is not entered, every call keeps to the caller's thread.

        Where an interrupt comes as it is entered or left, `__exit__` may be called a second time,
        or without `__enter__`; that must do no harm.
        """
        ...

    def conv2d(
        self,
        x: Array,
        weight: Array,
        bias: Array | None,
        window: Window,
        empty: Empty,
        keep: bool,
        relu: bool = False,
    ) -> tuple[Array, Saved]:
        """Cross-correlation: x (N, H, W, C), weight (kh, kw, C / groups, F) -> (N, Ho, Wo, F).

        The number of groups follows from the shapes; it divides C and F. With ``relu``, the output
        is rectified as `relu` does.
        """
        ...

    def conv2d_backward(
        self,
        dy: Array,
        saved: Saved,
        weight: Array,
        window: Window,
        empty: Empty,
        needs: tuple[bool, bool, bool],
    ) -> ThreeGradients:
        """Gradients (dx, dweight, dbias); they go through the rectifier first, if there was one."""
        ...

    def max_pool2d(self, x: Array, window: Window, empty: Empty, keep: bool) -> tuple[Array, Saved]:
        """Maximum of each window and channel: (N, H, W, C) -> (N, Ho, Wo, C).

        Padding never counts, and is less than the window: each window meets a pixel. The maximum
        of a window that holds NaN is NaN.
        """
        ...

    def max_pool2d_backward(self, dy: Array, saved: Saved, window: Window, empty: Empty) -> Array:
        """dx: each gradient goes to the first maximum of its window in row-major order.

        In a window that holds NaN it goes to one pixel, and it does not matter which.
        """
        ...

    def avg_pool2d(self, x: Array, window: Window, empty: Empty, keep: bool) -> tuple[Array, Saved]:
        """Mean of each window and channel over the pixels in it; padding does not count."""
        ...

    def avg_pool2d_backward(self, dy: Array, saved: Saved, window: Window, empty: Empty) -> Array:
        """dx: each gradient is spread evenly over the pixels its mean was taken of."""
        ...

    def moments(self, x: Array, empty: Empty) -> tuple[Array, Array]:
        """Mean of each channel, and its sum of squared distances: (..., C) -> (C,), (C,)."""
        ...

    def batch_norm(
        self,
        x: Array,
        mean: Array,
        variance: Array,
        gamma: Array | None,
        beta: Array | None,
        epsilon: float,
        empty: Empty,
        keep: bool,
    ) -> tuple[Array, Saved]:
        """Normalize each channel: y = (x - mean) / sqrt(variance + epsilon) * gamma + beta.

        Args:
            x: (..., C).
            mean: (C,).
            variance: (C,).
            gamma: (C,), or None for ones.
            beta: (C,), or None for zeros.
            epsilon: Added to the variance.
            empty: Where memory comes from.
            keep: True if a backward will follow.

        Returns:
            y, saved.
        """
        ...

    def batch_norm_sums(self, dy: Array, saved: Saved, empty: Empty) -> tuple[Array, Array]:
        """Gradients (dgamma, dbeta), (C,) each: sums of dy * normal and of dy.

        ``normal`` is (x - mean) / sqrt(variance + epsilon).
        """
        ...

    def batch_norm_backward(
        self,
        dy: Array,
        saved: Saved,
        gamma: Array | None,
        means: tuple[Array, Array] | None,
        empty: Empty,
    ) -> Array:
        """Dx = scale * (dy - means[1] - normal * means[0]), where scale = y's slope in x.

        Args:
            dy: (..., C).
            saved: From `batch_norm`.
            gamma: As in `batch_norm`.
            means: What `batch_norm_sums` gives for the whole batch that the statistics are of,
                divided by its count of values of a channel. None if they were constants: then
                dx = scale * dy.
            empty: Where memory comes from.
        """
        ...

    def layer_norm(
        self,
        x: Array,
        gamma: Array | None,
        beta: Array | None,
        epsilon: float,
        empty: Empty,
        keep: bool,
    ) -> tuple[Array, Saved]:
        """Normalize each row (last axis) by its own mean and biased variance, as `batch_norm`."""
        ...

    def layer_norm_backward(
        self,
        dy: Array,
        saved: Saved,
        gamma: Array | None,
        empty: Empty,
        needs: tuple[bool, bool, bool],
    ) -> ThreeGradients:
        """Gradients (dx, dgamma, dbeta)."""
        ...

    def dense(
        self, x: Array, weight: Array, bias: Array | None, empty: Empty, relu: bool = False
    ) -> Array:
        """Affine map of rows: x (R, I), weight (I, U), bias (U,) -> (R, U); optional ReLU."""
        ...

    def dense_backward(
        self,
        dy: Array,
        x: Array,
        weight: Array,
        empty: Empty,
        needs: tuple[bool, bool, bool],
        rectified: Array | None = None,
    ) -> ThreeGradients:
        """Gradients (dx, dweight, dbias); ``rectified`` is the output of `dense` with ReLU."""
        ...

    def relu(self, x: Array, empty: Empty) -> Array:
        """max(x, 0), of any shape; NaN stays NaN."""
        ...

    def relu_backward(self, dy: Array, y: Array, empty: Empty) -> Array:
        """dx: dy where ``y`` is above 0, else 0."""
        ...

    def softmax_cross_entropy(
        self, logits: Array, labels: Array, label_smoothing: float, empty: Empty
    ) -> tuple[Array, Array]:
        """Loss of each row, and its gradient: logits (R, C), labels (R,) -> (R,), (R, C).

        The target of a row is (1 - label_smoothing) at its label plus label_smoothing / C
        everywhere.
        """
        ...

    def dropout(self, x: Array, uniform: Array, rate: float, empty: Empty) -> tuple[Array, Array]:
        """(x * mask, mask), where mask is 0 where ``uniform`` < rate, else 1 / (1 - rate).

        ``uniform`` is float32 from [0, 1), whatever the dtype of ``x``.
        """
        ...

    def sgd(
        self,
        param: Array,
        grad: Array,
        velocity: Array | None,
        momentum: float,
        nesterov: bool,
        weight_decay: float,
        rate: float,
    ) -> None:
        """One step of SGD; without momentum where ``velocity`` is None.

        This and the other updates change the parameter and its state in place, element by element.
        All arrays of one call are contiguous, and of one shape and dtype.
        """
        ...

    def adam(
        self,
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
        """One step of Adam; of AdamW where the decay is decoupled."""
        ...

    def rmsprop(
        self,
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
        """One step of RMSprop; centered where there is a ``mean``."""
        ...
