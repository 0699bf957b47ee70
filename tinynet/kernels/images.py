"""The interface of the kernels of images, (N, H, W, C)."""

from typing import Protocol

from tinynet.kernels.memory import Empty
from tinynet.kernels.results import Saved, ThreeGradients
from tinynet.kernels.window import Window
from tinynet.types import Array, Shape


class ImageKernels(Protocol):
    """The kernels of convolution and pooling layers."""

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
        """Gradients (dx, dweight, dbias), through the ReLU first if there was one."""
        ...

    def conv2d_transpose(
        self,
        x: Array,
        weight: Array,
        bias: Array | None,
        window: Window,
        out_shape: Shape,
        empty: Empty,
        keep: bool,
        relu: bool = False,
    ) -> tuple[Array, Saved]:
        """Transposed convolution: the gradient of a convolution with respect to its input.

        Args:
            x: The gradient of the convolution's output, (N, H, W, C).
            weight: That of the convolution, (kh, kw, F / groups, C).
            bias: Added to the result, (F,).
            window: That of the convolution.
            out_shape: Shape of an image that the convolution reads, (Ho, Wo, F): its windows on
                such an image are (H, W).
            empty: The source of memory.
            keep: True if a backward will follow.
            relu: True to rectify the output, as `relu` does.

        Returns:
            y (N, Ho, Wo, F), saved.
        """
        ...

    def conv2d_transpose_backward(
        self,
        dy: Array,
        saved: Saved,
        weight: Array,
        window: Window,
        empty: Empty,
        needs: tuple[bool, bool, bool],
    ) -> ThreeGradients:
        """Gradients (dx, dweight, dbias), through the ReLU first if there was one."""
        ...

    def max_pool2d(self, x: Array, window: Window, empty: Empty, keep: bool) -> tuple[Array, Saved]:
        """Maximum of each window and channel: (N, H, W, C) -> (N, Ho, Wo, C).

        Padding never counts, and each window contains a pixel. The maximum of a window with NaN is
        NaN.
        """
        ...

    def max_pool2d_backward(self, dy: Array, saved: Saved, window: Window, empty: Empty) -> Array:
        """dx: each gradient goes to the first maximum of its window in row-major order.

        In a window with NaN it goes to any one pixel.
        """
        ...

    def avg_pool2d(self, x: Array, window: Window, empty: Empty, keep: bool) -> tuple[Array, Saved]:
        """Mean of each window and channel over the pixels in it; padding does not count."""
        ...

    def avg_pool2d_backward(self, dy: Array, saved: Saved, window: Window, empty: Empty) -> Array:
        """dx: each gradient is spread evenly over the pixels its mean was taken of."""
        ...
