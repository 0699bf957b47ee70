"""Scaled dot-product attention, in blocks whose scores stay in the processor's cache.

Arrays by head are (N, KV, G, T, D): G consecutive heads of the query share a head of the keys and
values. A block is a part of the samples and queries; its scores are (n, KV, G, t, s).
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from tinynet.kernels import ThreeGradients
from tinynet.kernels.memory import Empty
from tinynet.types import Array, Shape

BLOCK_SIZE = 2**17
"""The most scores of a block that has several samples."""

MIN_QUERIES = 32
"""The fewest queries that a block is made for."""

MAX_SCORE = 40.0
"""The largest magnitude of the maximum score of a query that is not subtracted from its scores."""

Memory: TypeAlias = Callable[[str, Shape], Array]
"""Allocates an array of a block, by its name and shape."""


class Block(NamedTuple):
    """Consecutive queries of consecutive samples.

    Attributes:
        samples: The samples.
        queries: The queries.
        keys: The keys that the queries may use: all, or the first ones.
        rows: The index of the queries in an array by head.
        columns: The index of the keys in an array by head.
    """

    samples: slice
    queries: slice
    keys: slice

    @property
    def rows(self) -> Any:
        return self.samples, ..., self.queries, slice(None)

    @property
    def columns(self) -> Any:
        return self.samples, ..., self.keys, slice(None)


class SavedBlock(NamedTuple):
    """The values that `attention` saves for one block.

    Attributes:
        block: The block.
        weights: Exponentials of the scores, which are not divided by their sums.
    """

    block: Block
    weights: Array


class Dropout(NamedTuple):
    """The dropout of weights.

    Attributes:
        uniform: Random numbers, (N, KV, G, T, S).
        rate: The probability that a weight is dropped.
    """

    uniform: Array
    rate: float

    def factors(self, block: Block, memory: Memory) -> Array:
        """Return 0 for the weights of a block that are dropped, 1 / (1 - rate) for the others."""
        uniform = _of_block(self.uniform, block)
        factors = np.greater_equal(uniform, self.rate, out=memory("factors", uniform.shape))
        factors *= 1 / (1 - self.rate)
        return factors


class SavedAttention(NamedTuple):
    """The values that `attention` saves for `attention_backward`."""

    query: Array  # times the scale, (N, T, H, D)
    key: Array  # (N, S, KV, D)
    value: Array  # (N, S, KV, V)
    y: Array  # (N, T, H, V)
    inverse: Array  # 1 / sum of the weights, (N, KV, G, T, 1)
    scale: float
    dropout: Dropout | None
    blocks: tuple[SavedBlock, ...]


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
) -> tuple[Array, SavedAttention | None]:
    """See `Kernels.attention`."""
    samples, steps, heads, _ = query.shape
    length, groups = key.shape[1:3]
    scaled = empty(query.shape, query.dtype)
    np.multiply(query, scale, out=scaled)
    y = empty((samples, steps, heads, value.shape[3]), query.dtype)
    q, k, v, out = (_by_head(x, groups) for x in (scaled, key, value, y))
    inverse = empty((*out.shape[:4], 1), query.dtype)
    penalties = None if mask is None else _penalties(mask, query.dtype)
    dropout = None if uniform is None else Dropout(uniform.reshape(*out.shape[:4], length), rate)
    may_exceed = _may_exceed(MAX_SCORE, scaled, key)
    memory, saved = _memory(empty, query.dtype, reuse=True), []
    weights_memory = _memory(empty, query.dtype, reuse=not keep)
    for block in _blocks(out.shape[:4], length, causal):
        rows, columns = block.rows, block.columns
        weights = weights_memory("weights", (*q[rows].shape[:4], block.keys.stop))
        np.matmul(q[rows], k[columns].swapaxes(-1, -2), out=weights)
        if penalties is not None:
            weights += _of_block(penalties, block)
        if causal:
            _hide_later_keys(weights, block)
        _exponentiate(weights, may_exceed)
        # A product for each head: the last bits of a single one would depend on the other samples.
        total = weights @ np.ones(block.keys.stop, query.dtype)
        # A query without any key has the sum 0, and the output 0.
        np.divide(1, total, out=total, where=total != 0)
        inverse[rows] = total[..., None]
        used = weights
        if dropout is not None:
            factors = dropout.factors(block, memory)
            used = np.multiply(weights, factors, out=factors)
        np.matmul(used, v[columns], out=out[rows])
        if keep:
            saved.append(SavedBlock(block, weights))
    out *= inverse
    if not keep:
        return y, None
    return y, SavedAttention(scaled, key, value, y, inverse, scale, dropout, tuple(saved))


def attention_backward(
    dy: Array, saved: SavedAttention, empty: Empty, needs: tuple[bool, bool, bool]
) -> ThreeGradients:
    """See `Kernels.attention_backward`."""
    query, key, value, y, inverse, scale, dropout, blocks = saved
    groups = key.shape[2]
    q, k, v = (_by_head(x, groups) for x in (query, key, value))
    dout = empty(dy.shape, dy.dtype)
    d = _by_head(dout, groups)
    np.multiply(_by_head(dy, groups), inverse, out=d)
    # The gradient of a query's scores is weights * (d - mean), where the mean of d over its keys
    # is the product of the output and its gradient.
    means = _by_head(np.einsum("nthv,nthv->nth", dout, y)[..., None], groups)
    gradients = [
        empty(x.shape, x.dtype) if needed else None
        for x, needed in zip((query, key, value), needs, strict=True)
    ]
    dq, dk, dv = (None if x is None else _by_head(x, groups) for x in gradients)
    memory = _memory(empty, dy.dtype, reuse=True)
    for block, weights in reversed(blocks):
        rows, columns = block.rows, block.columns
        factors = None if dropout is None else dropout.factors(block, memory)
        first = block.queries.stop == query.shape[1]
        if dv is not None:
            used = weights
            if factors is not None:
                used = np.multiply(weights, factors, out=memory("used", weights.shape))
            _add_products(dv[block.samples, :, 0], used, d[rows], first)
        if dq is None and dk is None:
            continue
        dscores = memory("dscores", weights.shape)
        np.matmul(d[rows], v[columns].swapaxes(-1, -2), out=dscores)
        if factors is not None:
            dscores *= factors
        dscores -= means[rows]
        dscores *= weights
        if dq is not None:
            np.matmul(dscores, k[columns], out=dq[rows])
        if dk is not None:
            _add_products(dk[block.samples, :, 0], dscores, q[rows], first)
    if gradients[0] is not None:
        gradients[0] *= scale
    return gradients[0], gradients[1], gradients[2]


def _by_head(x: Array, groups: int) -> Array:
    """(N, T, H, D) as (N, KV, G, T, D)."""
    samples, steps, heads, size = x.shape
    return x.reshape(samples, steps, groups, heads // groups, size).transpose(0, 2, 3, 1, 4)


def _penalties(mask: Array, dtype: DTypeLike) -> Array:
    """Return 0 for keys that may be used and -inf for the others: (N, 1, 1, 1 or T, S)."""
    penalties = np.zeros(mask.shape, dtype)
    penalties[mask == 0] = -np.inf
    return penalties[:, None, None, None] if mask.ndim == 2 else penalties[:, None, None]


def _may_exceed(limit: float, query: Array, key: Array) -> bool:
    """Return False if no product of a query and a key can exceed ``limit``, however it is rounded.

    As a bound of all, it is only good to decide what changes no bit.
    """
    squares = [float(np.einsum("nthd,nthd->nth", x, x).max(initial=0)) for x in (query, key)]
    return not squares[0] * squares[1] <= 0.99 * limit**2  # so written, NaN may exceed it


def _blocks(shape: tuple[int, ...], length: int, causal: bool) -> Iterator[Block]:
    """Yield the blocks of all samples and queries, in order; ``shape`` is (N, KV, G, T)."""
    samples, groups, shared, steps = shape
    row = groups * shared * length
    count = min(steps, max(MIN_QUERIES, BLOCK_SIZE // row))
    if causal:
        count = min(count, max(MIN_QUERIES, steps // 4))
    batch = max(1, BLOCK_SIZE // (row * count))
    for sample in range(0, samples, batch):
        for start in range(0, steps, count):
            stop = min(start + count, steps)
            yield Block(
                slice(sample, min(sample + batch, samples)),
                slice(start, stop),
                slice(0, min(stop, length) if causal else length),
            )


def _of_block(x: Array, block: Block) -> Array:
    """Return the part of (N, ..., 1 or T, S) that belongs to a block."""
    queries = block.queries if x.shape[-2] > 1 else slice(None)
    return x[block.samples, ..., queries, block.keys]


def _hide_later_keys(scores: Array, block: Block) -> None:
    """Set the scores of keys that come after their query to -inf."""
    start = block.queries.start
    later = np.arange(start, block.keys.stop) > np.arange(start, block.queries.stop)[:, None]
    np.copyto(scores[..., start:], -np.inf, where=later)


def _exponentiate(scores: Array, may_exceed: bool) -> None:
    """Replace scores by their exponentials, up to a factor of each query.

    Args:
        scores: Scores, (..., t, s).
        may_exceed: False if no score of a key that may be used has a magnitude above MAX_SCORE.
    """
    if may_exceed:
        # Only where it is large: a query's own scores decide, so no bit depends on the others.
        top = scores.max(axis=-1, keepdims=True)
        top[np.abs(top) <= MAX_SCORE] = 0
        if top.any():
            # -inf, of a query without any key, minus itself would be NaN.
            scores -= np.maximum(top, np.finfo(top.dtype).min, out=top)
    np.exp(scores, out=scores)


def _add_products(out: Array, weights: Array, rows: Array, first: bool) -> None:
    """Add the sums over queries of weight * row to ``out``, or store them if it is the first time.

    Args:
        out: (n, KV, S, D); keys that the block does not use have a sum of 0.
        weights: (n, KV, G, t, s).
        rows: (n, KV, G, t, D).
        first: True to store.
    """
    samples, groups, *_, size = rows.shape
    keys = weights.shape[-1]
    left = weights.reshape(samples, groups, -1, keys).swapaxes(-1, -2)
    right = rows.reshape(samples, groups, -1, size)
    if first:
        np.matmul(left, right, out=out[:, :, :keys])
        out[:, :, keys:] = 0
    else:
        out[:, :, :keys] += left @ right


def _memory(empty: Empty, dtype: DTypeLike, reuse: bool) -> Memory:
    """Return a source of arrays; with ``reuse``, arrays of one name and shape are one array."""
    if not reuse:
        return lambda name, shape: empty(shape, dtype)
    arrays: dict[tuple[str, Shape], Array] = {}

    def allocate(name: str, shape: Shape) -> Array:
        if (name, shape) not in arrays:
            arrays[name, shape] = empty(shape, dtype)
        return arrays[name, shape]

    return allocate
