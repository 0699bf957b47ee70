"""JAX's side: the whole step in one jitted function that may reuse the memory of its arguments."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array as JaxArray

from versus.jax_generation import next_index, start_caches
from versus.jax_layers import Params, apply
from versus.networks import (
    BETA_1,
    BETA_2,
    EPSILON,
    FIRST_INDEX,
    LEARNING_RATE,
    Array,
    Node,
    batch_of,
    flat,
    nodes_of,
)

State = dict[str, Any]


def train(network: str, batch: int, *, threads: int, dropout: bool) -> Callable[[], float]:
    """Return a training step, which returns the loss before the update."""
    nodes = nodes_of(network, dropout=dropout)
    images, targets = batch_of(network, batch)
    x, labels = jnp.asarray(images), jnp.asarray(targets)
    params = params_of(nodes)
    zeros = jax.tree.map(jnp.zeros_like, params)
    state: State = {
        "params": params,
        "moments": (zeros, jax.tree.map(jnp.zeros_like, params)),
        "running": {
            node.name: (jnp.zeros(node.in_shape[-1]), jnp.ones(node.in_shape[-1]))
            for node in flat(nodes)
            if node.type == "batch_norm"
        },
        "step": jnp.zeros((), jnp.int32),
    }
    update = jax.jit(lambda state, x, labels: _update(nodes, state, x, labels), donate_argnums=0)

    def step() -> float:
        nonlocal state
        state, loss = update(state, x, labels)
        jax.block_until_ready(state)
        return float(loss)

    return step


def infer(network: str, batch: int, *, threads: int, dropout: bool) -> Callable[[], Array]:
    """Return a function that computes the logits."""
    nodes = nodes_of(network, dropout=dropout)
    x = jnp.asarray(batch_of(network, batch)[0])
    params = params_of(nodes)
    forward = jax.jit(lambda params, x: apply(nodes, params, x, None, {}))
    return lambda: jax.block_until_ready(forward(params, x))


def generate(network: str, batch: int, *, threads: int, dropout: bool) -> Callable[[], list[int]]:
    """Return a function that computes the indices of a text, the most probable ones."""
    nodes = nodes_of(network, dropout=dropout)
    params = params_of(nodes)
    (length,) = nodes[0].in_shape
    decode = jax.jit(partial(next_index, nodes), donate_argnums=1)

    def run() -> list[int]:
        index, caches, indices = jnp.array([[FIRST_INDEX]]), start_caches(nodes), []
        for position in range(length):
            index, caches = decode(params, caches, position, index)
            indices.append(int(index[0, 0]))
        return indices

    return run


def params_of(nodes: tuple[Node, ...]) -> Params:
    """Return the initial parameters by the node's name."""
    return {node.name: jax.tree.map(jnp.asarray, node.params) for node in flat(nodes)}


def _update(
    nodes: tuple[Node, ...], state: State, x: JaxArray, labels: JaxArray
) -> tuple[State, JaxArray]:
    count = state["step"] + 1
    key = jax.random.fold_in(jax.random.key(0), count)

    def loss_of(params: Params) -> tuple[JaxArray, dict[str, Any]]:
        running = dict(state["running"])
        logits = apply(nodes, params, x, key, running)
        rows = jax.nn.log_softmax(logits)
        return -jnp.take_along_axis(rows, labels[..., None], -1).mean(), running

    (loss, running), gradients = jax.value_and_grad(loss_of, has_aux=True)(state["params"])
    first, second = state["moments"]
    first = jax.tree.map(lambda m, g: BETA_1 * m + (1 - BETA_1) * g, first, gradients)
    second = jax.tree.map(lambda v, g: BETA_2 * v + (1 - BETA_2) * g * g, second, gradients)
    rate = LEARNING_RATE / (1 - BETA_1**count)
    correction = 1 - BETA_2**count
    params = jax.tree.map(
        lambda p, m, v: p - rate * m / (jnp.sqrt(v / correction) + EPSILON),
        state["params"],
        first,
        second,
    )
    new = {"params": params, "moments": (first, second), "running": running, "step": count}
    return new, loss
