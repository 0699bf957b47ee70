"""tinynet's side, through its public interface."""

from collections.abc import Callable, Iterable
from typing import Any

import tinynet
from tinynet import registry
from versus.networks import LEARNING_RATE, Array, Node, batch_of, nodes_of
from versus.workloads import NETWORKS


def train(
    network: str, batch: int, *, threads: int, dropout: bool, kernels: str
) -> Callable[[], float]:
    """Return a training step, which returns the loss before the update."""
    nodes = nodes_of(network, dropout=dropout)
    spec = {
        "tinynet": 1,
        "name": network,
        "network": declared(network, nodes),
        "training": {
            "epochs": 1,
            "batch_size": batch,
            "seed": 0,
            "loss": "softmax_cross_entropy",
            "optimizer": {"type": "adam", "learning_rate": LEARNING_RATE},
        },
    }
    trainer = tinynet.Trainer(spec, threads=threads, kernels=loaded(kernels))
    fill(trainer.network, nodes)
    x, labels = batch_of(network, batch)
    return lambda: trainer.train_step(x, labels)


def infer(
    network: str, batch: int, *, threads: int, dropout: bool, kernels: str
) -> Callable[[], Array]:
    """Return a function that computes raw outputs: without a loss there is no softmax."""
    nodes = nodes_of(network, dropout=dropout)
    net = tinynet.Network(declared(network, nodes), kernels=loaded(kernels))
    fill(net, nodes)
    x, _ = batch_of(network, batch)
    return lambda: net.predict(x)


def loaded(kernels: str) -> Any:
    """Return an instance of registered kernels."""
    return registry.default().load("kernels", kernels)()


def declared(network: str, nodes: tuple[Node, ...]) -> dict[str, Any]:
    """Return the `network` part of a spec, with a name for every node."""
    return {
        "input_shape": list(NETWORKS[network].input_shape),
        "layers": list(_layers(nodes, "input")),
    }


def _layers(nodes: tuple[Node, ...], before: str) -> Iterable[dict[str, Any]]:
    for node in nodes:
        if node.type == "residual":
            yield from _layers(node.branch, before)
            yield {"type": "add", "name": node.name, "inputs": [before, node.branch[-1].name]}
        else:
            yield {"type": node.type, "name": node.name, **node.options}
        before = node.name


def fill(net: tinynet.Network, nodes: tuple[Node, ...]) -> None:
    """Set the parameters to the initial values of every side."""
    for node in nodes:
        fill(net, node.branch)
        for name, value in node.params.items():
            net.params[f"{node.name}/{name}"][...] = value
