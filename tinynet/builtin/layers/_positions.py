"""Sequences (T, C), and rotations of their vectors by angles that depend on the position."""

import numpy as np
from numpy.typing import DTypeLike

from tinynet.layer import Array, Context, OnnxGraph, Shape, ShapeError


def require_sequence(layer: str, in_shape: Shape) -> tuple[int, int]:
    """Return the numbers of time steps and of channels.

    Raises:
        ShapeError: unless the shape is (T, C).
    """
    if len(in_shape) != 2:
        raise ShapeError(f"{layer} needs a sequence of shape (steps, channels); it got {in_shape}")
    steps, channels = in_shape
    return steps, channels


def angles(positions: range, pairs: int, channels: int, base: float) -> Array:
    """Return position / base^(2 * pair / channels) in float64, (T, P)."""
    frequencies = base ** (-2 * np.arange(pairs) / channels)
    return np.asarray(positions)[:, None] * frequencies


class Rotation:
    """The rotation of vectors (D,) by their position, from 0 on; see `RotaryEmbedding`.

    ``steps`` is the length of the longest sequence.
    """

    def __init__(self, channels: int, base: float, steps: int, dtype: DTypeLike) -> None:
        self._channels, self._base, self._dtype = channels, base, dtype
        self._cosines, self._sines = self._tables(range(steps))

    def __call__(self, ctx: Context, x: Array) -> Array:
        """Rotate (N, T, D) or (N, T, H, D)."""
        return _rotate(ctx, x, self._cosines, self._sines)

    def backward(self, ctx: Context, dy: Array) -> Array:
        """Return the gradient of the input."""
        return _rotate(ctx, dy, self._cosines, -self._sines)

    def at(self, ctx: Context, x: Array, position: int) -> Array:
        """Rotate the vectors of positions from some position on: (N, P, D) or (N, P, H, D)."""
        return _rotate(ctx, x, *self._tables(range(position, position + x.shape[1])))

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        """Rotate (N, T, D), or (N, T, H, D)."""
        steps, *heads, _ = graph.shape_of(x)
        shape = (steps, *[1] * len(heads), self._channels // 2)
        cosines, sines = (
            graph.constant(table[:steps].reshape(shape)) for table in (self._cosines, self._sines)
        )
        first, second = graph.nodes("Split", x, outputs=2, axis=-1)
        return graph.node(
            "Concat",
            graph.node("Sub", graph.node("Mul", first, cosines), graph.node("Mul", second, sines)),
            graph.node("Add", graph.node("Mul", second, cosines), graph.node("Mul", first, sines)),
            axis=-1,
        )

    def _tables(self, positions: range) -> tuple[Array, Array]:
        """Return cosines and sines, (T, D / 2)."""
        turns = angles(positions, self._channels // 2, self._channels, self._base)
        return np.cos(turns).astype(self._dtype), np.sin(turns).astype(self._dtype)


def _rotate(ctx: Context, x: Array, cosines: Array, sines: Array) -> Array:
    cosines, sines = cosines[: x.shape[1]], sines[: x.shape[1]]
    heads = x.reshape(*x.shape[:2], -1, x.shape[-1])
    return ctx.kernels.rotate(heads, cosines, sines, ctx.empty).reshape(x.shape)
