"""Scaled dot-product attention. The weights are not saved: the backward computes them again."""

from typing import NamedTuple

import numpy as np

from tinynet.kernels import Saved, ThreeGradients
from tinynet.kernels.memory import Empty
from tinynet.types import Array
from tinynet_native import _kernels


class SavedAttention(NamedTuple):
    """The values that `attention` saves for `attention_backward`."""

    query: Array  # (N, T, H, D)
    key: Array  # (N, S, KV, D)
    value: Array  # (N, S, KV, V)
    mask: Array | None  # (N, 1 or T, S)
    uniform: Array | None  # (N, H, T, S)
    y: Array  # (N, T, H, V)
    top: Array  # the largest score of each query, (N, H, T)
    inverse: Array  # 1 / sum of the exponentials of its scores less the largest, (N, H, T)
    causal: bool
    scale: float
    rate: float


def attention(
    query: Array,
    key: Array,
    value: Array,
    mask: Array | None,
    causal: bool,
    scale: float,
    uniform: Array | None,
    rate: float,
    empty: Empty,
    keep: bool,
) -> tuple[Array, Saved]:
    """See `tinynet.kernels.Kernels.attention`."""
    samples, steps, heads, _ = query.shape
    if mask is not None:
        mask = (mask[:, None] if mask.ndim == 2 else mask).astype(query.dtype, copy=False)
    if uniform is not None:
        uniform = uniform.astype(np.float32, copy=False)
    y = empty((samples, steps, heads, value.shape[-1]), query.dtype)
    rows = samples, heads, steps
    top, inverse = empty(rows, query.dtype), empty(rows, query.dtype)
    arrays = query, key, value, mask, uniform, y, top, inverse
    _kernels.attention(*arrays, causal, scale, rate)
    return y, SavedAttention(*arrays, causal, scale, rate) if keep else None


def attention_backward(
    dy: Array, saved: Saved, empty: Empty, needs: tuple[bool, bool, bool]
) -> ThreeGradients:
    """See `tinynet.kernels.Kernels.attention_backward`."""
    *arrays, causal, scale, rate = saved
    dquery, dkey, dvalue = (
        empty(x.shape, x.dtype) if needed else None
        for x, needed in zip(arrays[:3], needs, strict=True)
    )
    _kernels.attention_backward(dy, *arrays, dquery, dkey, dvalue, causal, scale, rate)
    return dquery, dkey, dvalue
