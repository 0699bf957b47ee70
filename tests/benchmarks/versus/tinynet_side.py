"""tinynet's side, through its public interface."""

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import tinynet
from tinynet import registry
from versus.networks import FIRST_INDEX, LEARNING_RATE, Array, Node, batch_of, nodes_of
from versus.specs import NETWORKS

UNKNOWN = ord("!")
"""The character in place of index 0; those of the following indices come after it."""

TEXT = {
    "type": "text",
    "path": "text",
    "transforms": [{"type": "vocabulary", "on": ["input", "target"]}],
    "split": {"order": "as_is"},
}


def train(
    network: str, batch: int, *, threads: int, dropout: bool, kernels: str
) -> Callable[[], float]:
    """Return a training step, which returns the loss before the update."""
    nodes = nodes_of(network, dropout=dropout)
    spec = spec_of(network, nodes, batch)
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


def generate(
    network: str, batch: int, *, threads: int, dropout: bool, kernels: str
) -> Callable[[], list[int]]:
    """Return a function that computes the indices of a text, the most probable ones."""
    # Imported here, as older trees have none of it.
    from tinynet.prediction.generation import TextGenerator
    from tinynet.prediction.sampling import Sampling

    nodes = nodes_of(network, dropout=dropout)
    characters, (length,) = NETWORKS[network].indices, NETWORKS[network].input_shape
    # The vocabulary of this text has index 0 for unknown characters, and then its own.
    alphabet = "".join(chr(UNKNOWN + index) for index in range(1, characters))
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "text").write_text(alphabet * (2 + length // len(alphabet)))
        spec = spec_of(network, nodes, 1) | {"data": {**TEXT, "length": length}}
        tinynet.train(spec, Path(folder, "run"), data_root=folder, kernels=kernels)
        model = tinynet.load_model(Path(folder, "run"), kernels=kernels)
    fill(model.network, nodes)
    generator = TextGenerator(model, threads)
    prompt = chr(UNKNOWN + FIRST_INDEX)
    sampling = Sampling(temperature=0)
    return lambda: [ord(c) - UNKNOWN for c in generator.generate(prompt, length, sampling)]


def spec_of(network: str, nodes: tuple[Node, ...], batch: int) -> dict[str, Any]:
    """Return the spec of a network and its training."""
    return {
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
            added = before
            if node.shortcut:
                first, *others = _layers(node.shortcut, before)
                yield from ({**first, "inputs": [before]}, *others)
                added = node.shortcut[-1].name
            yield {"type": "add", "name": node.name, "inputs": [added, node.branch[-1].name]}
        else:
            yield {"type": node.type, "name": node.name, **node.options}
        before = node.name


def fill(net: tinynet.Network, nodes: tuple[Node, ...]) -> None:
    """Set the parameters to the initial values of every side."""
    for node in nodes:
        fill(net, node.branch + node.shortcut)
        for name, value in node.params.items():
            net.params[f"{node.name}/{name}"][...] = value
