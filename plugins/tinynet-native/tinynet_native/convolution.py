"""Convolution, and its transpose.

The forward passes save their input, and their output if a ReLU was applied.
"""

from typing import NamedTuple

from tinynet.kernels import Saved, ThreeGradients, Window
from tinynet.kernels.elementwise import channel_sums
from tinynet.kernels.memory import Empty
from tinynet.types import Array, Shape
from tinynet_native import _kernels, elementwise


def window_numbers(window: Window) -> tuple[int, int, int, int, int, int]:
    """Return strides, padding above and to the left, and dilation, each (down, right).

    The padding on the other sides follows from the size of the output.
    """
    (top, _), (left, _) = window.padding
    return (*window.strides, top, left, *window.dilation)


class Kept(NamedTuple):
    """The values that a forward pass saves for its backward pass."""

    x: Array  # the input, (N, H, W, C)
    rectified: Array | None  # the output, if a ReLU was applied


def conv2d(
    x: Array,
    weight: Array,
    bias: Array | None,
    window: Window,
    empty: Empty,
    keep: bool,
    relu: bool = False,
) -> tuple[Array, Saved]:
    """See `tinynet.kernels.Kernels.conv2d`."""
    samples, height, width, _ = x.shape
    y = empty((samples, *window.out_size(height, width), weight.shape[3]), x.dtype)
    _kernels.conv2d(x, weight, bias, y, relu, *window_numbers(window))
    return y, Kept(x, y if relu else None) if keep else None


def conv2d_backward(
    dy: Array,
    saved: Saved,
    weight: Array,
    window: Window,
    empty: Empty,
    needs: tuple[bool, bool, bool],
) -> ThreeGradients:
    """See `tinynet.kernels.Kernels.conv2d_backward`."""
    x, rectified = saved
    if rectified is not None:
        dy = elementwise.relu_backward(dy, rectified, empty)
    needs_x, needs_weight, needs_bias = needs
    dx = empty(x.shape, x.dtype) if needs_x else None
    dweight = empty(weight.shape, x.dtype) if needs_weight else None
    dbias = empty((weight.shape[3],), x.dtype) if needs_bias else None
    _kernels.conv2d_backward(dy, x, weight, dx, dweight, dbias, *window_numbers(window))
    return dx, dweight, dbias


def conv2d_transpose(
    x: Array,
    weight: Array,
    bias: Array | None,
    window: Window,
    out_shape: Shape,
    empty: Empty,
    keep: bool,
    relu: bool = False,
) -> tuple[Array, Saved]:
    """See `tinynet.kernels.Kernels.conv2d_transpose`."""
    y = empty((len(x), *out_shape), x.dtype)
    # As the input of the convolution, y gives its shape alone: dx does not depend on its values.
    _kernels.conv2d_backward(x, y, weight, y, None, None, *window_numbers(window))
    if bias is not None:
        y += bias
    if relu:
        _kernels.relu(y, y)
    return y, Kept(x, y if relu else None) if keep else None


def conv2d_transpose_backward(
    dy: Array,
    saved: Saved,
    weight: Array,
    window: Window,
    empty: Empty,
    needs: tuple[bool, bool, bool],
) -> ThreeGradients:
    """See `tinynet.kernels.Kernels.conv2d_transpose_backward`."""
    x, rectified = saved
    if rectified is not None:
        dy = elementwise.relu_backward(dy, rectified, empty)
    needs_x, needs_weight, needs_bias = needs
    dx = empty(x.shape, x.dtype) if needs_x else None
    dweight = empty(weight.shape, x.dtype) if needs_weight else None
    if needs_x:
        _kernels.conv2d(dy, weight, None, dx, False, *window_numbers(window))
    if needs_weight:
        _kernels.conv2d_backward(x, dy, weight, None, dweight, None, *window_numbers(window))
    return dx, dweight, channel_sums(dy) if needs_bias else None
