"""JAX's side: the whole step in one jitted function that may reuse the memory of its arguments."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array as JaxArray
from jax import lax

from versus.networks import (
    BETA_1,
    BETA_2,
    EPSILON,
    LEARNING_RATE,
    NORM_EPSILON,
    NORM_MOMENTUM,
    Array,
    Node,
    batch_of,
    nodes_of,
)

Params = dict[str, dict[str, JaxArray]]
State = dict[str, Any]


def train(network: str, batch: int, *, threads: int, dropout: bool) -> Callable[[], float]:
    """Return a training step, which returns the loss before the update."""
    nodes = nodes_of(network, dropout=dropout)
    images, targets = batch_of(network, batch)
    x, labels = jnp.asarray(images), jnp.asarray(targets)
    params = {node.name: jax.tree.map(jnp.asarray, node.params) for node in flat(nodes)}
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
    params = {node.name: jax.tree.map(jnp.asarray, node.params) for node in flat(nodes)}
    forward = jax.jit(lambda params, x: apply(nodes, params, x, None, {}))
    return lambda: jax.block_until_ready(forward(params, x))


def flat(nodes: tuple[Node, ...]) -> list[Node]:
    """Return every node, including those of branches."""
    return [inner for node in nodes for inner in (*flat(node.branch), node)]


def _update(
    nodes: tuple[Node, ...], state: State, x: JaxArray, labels: JaxArray
) -> tuple[State, JaxArray]:
    count = state["step"] + 1
    key = jax.random.fold_in(jax.random.key(0), count)

    def loss_of(params: Params) -> tuple[JaxArray, dict[str, Any]]:
        running = dict(state["running"])
        logits = apply(nodes, params, x, key, running)
        rows = jax.nn.log_softmax(logits)
        return -jnp.take_along_axis(rows, labels[:, None], 1).mean(), running

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
                x = x + apply(node.branch, params, x, key, running)
            case "conv2d":
                x = _conv2d(x, own, options.get("padding", "valid").upper())
            case "dense":
                x = x @ own["weight"] + own["bias"]
            case "batch_norm":
                x, running[node.name] = _batch_norm(x, own, running[node.name])
            case "max_pool2d":
                x = _max_pool2d(x, options["pool_size"])
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
            case _:
                raise ValueError(f"JAX's side knows no layer {node.type!r}")
    return x


def _conv2d(x: JaxArray, own: dict[str, JaxArray], padding: str) -> JaxArray:
    axes = ("NHWC", "HWIO", "NHWC")
    y = lax.conv_general_dilated(x, own["weight"], (1, 1), padding, dimension_numbers=axes)
    return y + own["bias"] if "bias" in own else y


def _max_pool2d(x: JaxArray, size: int) -> JaxArray:
    window = (1, size, size, 1)
    return lax.reduce_window(x, -jnp.inf, lax.max, window, window, "VALID")


def _batch_norm(
    x: JaxArray, own: dict[str, JaxArray], running: tuple[JaxArray, JaxArray]
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
