"""The layers of JAX's side, channels last."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array as JaxArray
from jax import lax

from versus.networks import NORM_EPSILON, NORM_MOMENTUM, Node
from versus.shapes import before_and_after

Own = dict[str, JaxArray]
"""The parameters of one node."""

Params = dict[str, Own]
Carry = tuple[JaxArray, ...]
Step = Callable[[Own, Carry, JaxArray], Carry]
"""The states of a recurrent layer after a step, from those before and the projected input."""


def apply(
    nodes: tuple[Node, ...],
    params: Params,
    x: JaxArray,
    key: JaxArray | None,
    running: dict[str, Any],
) -> JaxArray:
    """Apply the nodes in order.

    Args:
        nodes: The nodes.
        params: Parameters by the node's name.
        x: (N, *in_shape), channels last.
        key: The random key of a training step; None in inference.
        running: Running statistics by the node's name; a training step updates them.
    """
    for number, node in enumerate(nodes):
        own, options = params[node.name], node.options
        match node.type:
            case "residual":
                added = apply(node.shortcut, params, x, key, running)
                x = added + apply(node.branch, params, x, key, running)
            case "conv2d":
                x = _conv2d(x, own, own["weight"], options)
            case "depthwise_conv2d":
                # A filter reads one channel: (height, width, C, 1) -> (height, width, 1, C).
                x = _conv2d(x, own, own["weight"].swapaxes(2, 3), options)
            case "dense":
                x = x @ own["weight"] + own["bias"]
            case "conv1d":
                x = _causal_conv1d(x, own, options.get("dilation_rate", 1))
            case "lstm":
                x = _last_state(_lstm_step, x, own, 2)
            case "gru":
                x = _last_state(_gru_step, x, own, 1)
            case "multi_head_attention":
                x = _causal_attention(x, own, options["num_heads"])
            case "embedding":
                x = own["weight"][x]
            case "position_embedding":
                x = x + own["weight"]
            case "layer_norm":
                x = _layer_norm(x, own)
            case "group_norm":
                x = _group_norm(x, own, options["groups"])
            case "batch_norm":
                x, running[node.name] = _batch_norm(x, own, running[node.name])
            case "max_pool2d":
                x = _max_pool2d(x, options["pool_size"])
            case "global_avg_pool1d":
                x = x.mean(1)
            case "global_avg_pool2d":
                x = x.mean((1, 2))
            case "dropout" if key is not None:
                kept = jax.random.bernoulli(
                    jax.random.fold_in(key, number), 1 - options["rate"], x.shape
                )
                x = jnp.where(kept, x / (1 - options["rate"]), 0)
            case "dropout":
                pass
            case "flatten":
                x = x.reshape(len(x), -1)
            case "relu":
                x = jax.nn.relu(x)
            case "gelu":
                x = jax.nn.gelu(x, approximate=False)
            case "slice":
                x = x[:, options["start"] :]
            case _:
                raise ValueError(f"JAX's side knows no layer {node.type!r}")
    return x


def _conv2d(x: JaxArray, own: Own, weight: JaxArray, options: dict[str, Any]) -> JaxArray:
    """Convolve with a weight (height, width, C / groups, filters)."""
    y = lax.conv_general_dilated(
        x,
        weight,
        (options.get("strides", 1),) * 2,
        ((before_and_after(options),) * 2,) * 2,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=x.shape[-1] // weight.shape[2],
    )
    return y + own["bias"] if "bias" in own else y


def _causal_conv1d(x: JaxArray, own: Own, dilation: int) -> JaxArray:
    before = dilation * (len(own["weight"]) - 1)
    y = lax.conv_general_dilated(
        x,
        own["weight"],
        (1,),
        [(before, 0)],
        rhs_dilation=(dilation,),
        dimension_numbers=("NWC", "WIO", "NWC"),
    )
    return y + own["bias"] if "bias" in own else y


def _last_state(step: Step, x: JaxArray, own: Own, states: int) -> JaxArray:
    """Return the first of the states after the last step, (N, T, C) -> (N, units)."""
    bias = own["bias"] if own["bias"].ndim == 1 else own["bias"][0]
    projected = (x @ own["weight"] + bias).swapaxes(0, 1)
    zeros = jnp.zeros((len(x), len(own["recurrent_weight"])))
    last, _ = lax.scan(
        lambda carry, row: (step(own, carry, row), None), (zeros,) * states, projected
    )
    return last[0]


def _lstm_step(own: Own, carry: Carry, projected: JaxArray) -> Carry:
    state, cell = carry
    i, f, c, o = jnp.split(projected + state @ own["recurrent_weight"], 4, axis=1)
    cell = jax.nn.sigmoid(f) * cell + jax.nn.sigmoid(i) * jnp.tanh(c)
    return jax.nn.sigmoid(o) * jnp.tanh(cell), cell


def _gru_step(own: Own, carry: Carry, projected: JaxArray) -> Carry:
    (state,) = carry
    inner = state @ own["recurrent_weight"] + own["bias"][1]
    (z, r, h), (inner_z, inner_r, inner_h) = (jnp.split(part, 3, 1) for part in (projected, inner))
    z, r = jax.nn.sigmoid(z + inner_z), jax.nn.sigmoid(r + inner_r)
    return (z * state + (1 - z) * jnp.tanh(h + r * inner_h),)


def _causal_attention(x: JaxArray, own: Own, num_heads: int) -> JaxArray:
    query, key, value = queries_keys_values(x, own, num_heads)
    steps = x.shape[1]
    return attended(query, key, value, jnp.tri(steps, dtype=bool), own)


def queries_keys_values(x: JaxArray, own: Own, num_heads: int) -> Iterator[JaxArray]:
    """Yield queries, keys and values by head, (N, T, heads, size)."""
    for part in ("query", "key", "value"):
        rows = x @ own[f"{part}_weight"] + own[f"{part}_bias"]
        yield rows.reshape(*x.shape[:2], num_heads, -1)


def attended(query: JaxArray, key: JaxArray, value: JaxArray, mask: JaxArray, own: Own) -> JaxArray:
    """Return the output of attention, (N, T, C); the mask (T, S) is False where a key is unused."""
    scores = jnp.einsum("nthd,nshd->nhts", query, key) / math.sqrt(query.shape[-1])
    weights = jax.nn.softmax(jnp.where(mask, scores, -jnp.inf))
    heads = jnp.einsum("nhts,nshd->nthd", weights, value)
    return heads.reshape(*query.shape[:2], -1) @ own["output_weight"] + own["output_bias"]


def _layer_norm(x: JaxArray, own: Own) -> JaxArray:
    """Normalize the last axis."""
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) * lax.rsqrt(variance + NORM_EPSILON) * own["gamma"] + own["beta"]


def _group_norm(x: JaxArray, own: Own, groups: int) -> JaxArray:
    """Normalize groups of channels, over all positions of a sample."""
    grouped = x.reshape(len(x), -1, groups, x.shape[-1] // groups)
    mean = grouped.mean((1, 3), keepdims=True)
    variance = grouped.var((1, 3), keepdims=True)
    normal = (grouped - mean) * lax.rsqrt(variance + NORM_EPSILON)
    return normal.reshape(x.shape) * own["gamma"] + own["beta"]


def _max_pool2d(x: JaxArray, size: int) -> JaxArray:
    window = (1, size, size, 1)
    return lax.reduce_window(x, -jnp.inf, lax.max, window, window, "VALID")


def _batch_norm(
    x: JaxArray, own: Own, running: tuple[JaxArray, JaxArray]
) -> tuple[JaxArray, tuple[JaxArray, JaxArray]]:
    axes = tuple(range(x.ndim - 1))
    mean, variance = x.mean(axes), x.var(axes)
    values = x.size // x.shape[-1]
    y = (x - mean) * lax.rsqrt(variance + NORM_EPSILON) * own["gamma"] + own["beta"]
    batch = (mean, variance * (values / (values - 1)))
    moved = jax.tree.map(
        lambda old, new: NORM_MOMENTUM * old + (1 - NORM_MOMENTUM) * new, running, batch
    )
    return y, moved
