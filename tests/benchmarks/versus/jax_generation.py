"""Generation of a text in JAX, with the keys and values of all positions in arrays."""

import jax.numpy as jnp
from jax import Array as JaxArray
from jax import lax

from versus.jax_layers import Params, apply, attended, queries_keys_values
from versus.networks import Node, flat

Caches = dict[str, tuple[JaxArray, JaxArray]]
"""Keys and values (1, T, heads, size) by the node's name."""


def start_caches(nodes: tuple[Node, ...]) -> Caches:
    """Return the caches of a text without positions."""
    caches = {}
    for node in flat(nodes):
        if node.type == "multi_head_attention":
            (length, channels), heads = node.in_shape, node.options["num_heads"]
            shape = (1, length, heads, channels // heads)
            caches[node.name] = jnp.zeros(shape), jnp.zeros(shape)
    return caches


def next_index(
    nodes: tuple[Node, ...], params: Params, caches: Caches, position: JaxArray, index: JaxArray
) -> tuple[JaxArray, Caches]:
    """Return the most probable index after the one at a position, and the caches with that.

    Index 0 stands for unknown characters, which are never chosen.
    """
    caches = dict(caches)
    logits = _apply(nodes, params, caches, position, index)
    return logits[:, :, 1:].argmax(2) + 1, caches


def _apply(
    nodes: tuple[Node, ...], params: Params, caches: Caches, position: JaxArray, x: JaxArray
) -> JaxArray:
    """Apply the nodes to one position, and set it in the caches."""
    for node in nodes:
        own = params[node.name]
        match node.type:
            case "residual":
                x = x + _apply(node.branch, params, caches, position, x)
            case "multi_head_attention":
                query, *new = queries_keys_values(x, own, node.options["num_heads"])
                keys, values = (
                    lax.dynamic_update_slice_in_dim(old, part, position, axis=1)
                    for old, part in zip(caches[node.name], new, strict=True)
                )
                caches[node.name] = keys, values
                known = jnp.arange(keys.shape[1]) <= position
                x = attended(query, keys, values, known, own)
            case "position_embedding":
                x = x + own["weight"][position]
            case _:
                x = apply((node,), params, x, None, {})
    return x
