"""Scaled dot-product attention as operators of ONNX."""

import numpy as np

from tinynet.layer import OnnxGraph


def attention_onnx(
    graph: OnnxGraph,
    query: str,
    key: str,
    value: str,
    mask: str | None,
    *,
    causal: bool,
    scale: float,
) -> str:
    """Add the operators of `Kernels.attention`.

    Args:
        graph: The graph.
        query: (N, T, H, D).
        key: (N, S, KV, D), where KV divides H.
        value: (N, S, KV, V).
        mask: (N, S) or (N, T, S), 0 where a key may not be used; None if all may.
        causal: True if query t may use the keys 0 to t alone.
        scale: Factor of the products.

    Returns:
        (N, T, H, V).
    """
    steps, heads, size = graph.shape_of(query)
    length, groups, value_size = graph.shape_of(value)
    q = graph.node("Mul", graph.transpose(query, (1, 0, 2)), graph.constant(scale))
    k, v = graph.transpose(key, (1, 2, 0)), graph.transpose(value, (1, 0, 2))
    if groups < heads:  # heads of one group share keys and values
        q = graph.reshape(q, (groups, heads // groups, steps, size))
        k = graph.reshape(k, (groups, 1, size, length))
        v = graph.reshape(v, (groups, 1, length, value_size))
    scores = graph.node("MatMul", q, k)
    usable = _usable(graph, mask, causal, steps, length, len(graph.shape_of(q)))
    if usable is not None:
        lowest = graph.constant(float(np.finfo(np.float32).min))
        scores = graph.node("Where", usable, scores, lowest)
    weights = graph.node("Softmax", scores, axis=-1)
    if usable is not None and mask is not None:  # a query without any key: its result is 0
        weights = graph.node("Where", usable, weights, graph.constant(0.0))
    y = graph.reshape(graph.node("MatMul", weights, v), (heads, steps, value_size))
    return graph.transpose(y, (1, 0, 2))


def _usable(
    graph: OnnxGraph, mask: str | None, causal: bool, steps: int, length: int, rank: int
) -> str | None:
    """Return booleans (N, 1, ..., T, S) with ``rank`` axes for a sample; None if all are true."""
    usable = None
    if mask is not None:
        rows = graph.shape_of(mask)[:-1] or (1,)
        mask = graph.reshape(mask, (*[1] * (rank - 2), *rows, length))
        usable = graph.cast(mask, np.bool_)
    if not causal:
        return usable
    earlier = graph.cast(graph.constant(np.tri(steps, length, dtype=np.int64)), np.bool_)
    return earlier if usable is None else graph.node("And", usable, earlier)
