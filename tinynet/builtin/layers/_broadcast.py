"""Broadcasting of samples: NumPy's rules for shapes, the batch axis left out."""

from collections.abc import Sequence

import numpy as np

from tinynet.layer import Array, Context, OnnxGraph, Shape, ShapeError


def broadcast_shape(layer: str, in_shapes: tuple[Shape, ...]) -> Shape:
    """Return the shape that samples of all ``in_shapes`` broadcast to.

    Raises:
        ShapeError: if there is none.
    """
    shape = _common_shape(in_shapes)
    if shape is None:
        raise ShapeError(
            f"{layer} needs inputs that broadcast: counted from the last axis, sizes must be equal"
            f" or 1; it got {format_shapes(in_shapes)}{_remedy(in_shapes)}"
        )
    return shape


def expanded(x: Array, rank: int) -> Array:
    """Return a view of ``x`` (N, *S) whose samples have ``rank`` axes: axes of 1 precede S."""
    missing = 1 + rank - x.ndim
    return x.reshape(len(x), *[1] * missing, *x.shape[1:]) if missing else x


def aligned(graph: OnnxGraph, inputs: Sequence[str], rank: int) -> list[str]:
    """Return values whose samples have ``rank`` axes, as `expanded` does for arrays."""
    shapes = map(graph.shape_of, inputs)
    return [
        graph.reshape(x, (*[1] * (rank - len(shape)), *shape)) if len(shape) < rank else x
        for x, shape in zip(inputs, shapes, strict=True)
    ]


def summed(ctx: Context, dy: Array, in_shape: Shape) -> Array:
    """Return the gradient of an input that was broadcast: (N, ...) -> (N, *in_shape).

    It is the sum over the axes along which the input was repeated; ``dy`` itself if there are none.
    """
    if dy.shape[1:] == in_shape:
        return dy
    kept = (*[1] * (dy.ndim - 1 - len(in_shape)), *in_shape)
    axes = tuple(i for i, size in enumerate(kept, 1) if size != dy.shape[i])
    dx = ctx.empty((len(dy), *kept), dy.dtype)
    np.sum(dy, axis=axes, keepdims=True, out=dx)
    return dx.reshape(len(dy), *in_shape)


def format_shapes(shapes: tuple[Shape, ...]) -> str:
    """Format shapes for a message: ``(4, 3), (4, 1) and (3,)``."""
    return ", ".join(map(str, shapes[:-1])) + f" and {shapes[-1]}"


def _common_shape(in_shapes: tuple[Shape, ...]) -> Shape | None:
    try:
        return np.broadcast_shapes(*in_shapes)
    except ValueError:
        return None


def _remedy(in_shapes: tuple[Shape, ...]) -> str:
    """Return the `reshape` that makes shapes such as (T,) and (T, C) fit, for a message."""
    rank = max(map(len, in_shapes))
    widened = tuple((*shape, *[1] * (rank - len(shape))) for shape in in_shapes)
    if _common_shape(widened) is None:
        return ""
    changed = next(
        (before, after) for before, after in zip(in_shapes, widened, strict=True) if before != after
    )
    return f"; reshape {changed[0]} to {list(changed[1])}"
