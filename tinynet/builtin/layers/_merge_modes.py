"""The output of both directions of a bidirectional layer."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np

from tinynet.layer import Array, Context

MergeMode: TypeAlias = Literal["concat", "sum", "mul", "ave"]


def merge(ctx: Context, mode: MergeMode, parts: Sequence[Array]) -> Array:
    """Return one array of those of both directions, (N, ..., units) each, or the only one."""
    if len(parts) == 1:
        return parts[0]
    forward, backward = parts
    if mode == "concat":
        shape = (*forward.shape[:-1], 2 * forward.shape[-1])
        return np.concatenate(parts, axis=-1, out=ctx.empty(shape, forward.dtype))
    y = ctx.empty(forward.shape, forward.dtype)
    if mode == "mul":
        return np.multiply(forward, backward, out=y)
    np.add(forward, backward, out=y)
    if mode == "ave":
        y *= 0.5
    return y


def divide(
    ctx: Context, mode: MergeMode, dy: Array | None, parts: Sequence[Array]
) -> list[Array | None]:
    """Return the gradient of each of the ``parts`` of `merge`, from that of its result."""
    if len(parts) == 1 or dy is None:
        return [dy] * len(parts)
    if mode == "concat":
        return list(np.split(dy, 2, axis=-1))
    if mode == "mul":
        return [np.multiply(dy, y, out=ctx.empty(dy.shape, dy.dtype)) for y in reversed(parts)]
    if mode == "ave":
        dy = np.multiply(dy, 0.5, out=ctx.empty(dy.shape, dy.dtype))
    return [dy, dy]
