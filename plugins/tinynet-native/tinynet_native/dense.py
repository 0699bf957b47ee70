"""The fully connected layer."""

from tinynet.kernels import ThreeGradients
from tinynet.kernels.memory import Empty
from tinynet.types import Array
from tinynet_native import _kernels, elementwise


def dense(x: Array, weight: Array, bias: Array | None, empty: Empty, relu: bool = False) -> Array:
    """See `tinynet.kernels.Kernels.dense`."""
    y = empty((x.shape[0], weight.shape[1]), x.dtype)
    _kernels.dense(x, weight, bias, y, relu)
    return y


def dense_backward(
    dy: Array,
    x: Array,
    weight: Array,
    empty: Empty,
    needs: tuple[bool, bool, bool],
    rectified: Array | None = None,
) -> ThreeGradients:
    """See `tinynet.kernels.Kernels.dense_backward`."""
    needs_x, needs_weight, needs_bias = needs
    if rectified is not None:
        dy = elementwise.relu_backward(dy, rectified, empty)
    dx = empty(x.shape, x.dtype) if needs_x else None
    dweight = empty(weight.shape, x.dtype) if needs_weight else None
    dbias = empty((weight.shape[1],), x.dtype) if needs_bias else None
    _kernels.dense_backward(dy, x, weight, dx, dweight, dbias)
    return dx, dweight, dbias
