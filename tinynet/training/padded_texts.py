"""Warnings about padded texts whose padding a network takes for words."""

from collections.abc import Iterator

from tinynet.engine.node import Node
from tinynet.errors import Problem
from tinynet.network.network import Network
from tinynet.text.wording import quote
from tinynet.training.facts import Facts


def _types(*names: str) -> frozenset[str]:
    return frozenset(f"tinynet-core:{name}" for name in names)


_EMBEDDING = "tinynet-core:embedding"
_RECURRENT = _types("gru", "lstm", "simple_rnn")
_POOLING = _types("global_avg_pool1d", "global_max_pool1d")
_QUANTITIES = _types("dense", "flatten")
_KEEPING = _types(
    *("activation", "alpha_dropout", "dense", "dropout", "gaussian_dropout", "gaussian_noise"),
    *("identity", "layer_norm", "position_embedding", "relu", "rms_norm", "rotary_embedding"),
    *("sinusoidal_position", "spatial_dropout1d", "tanh"),
)
"""Layers that change each position of a sequence by itself."""


def unmasked_padding(facts: Facts) -> Iterator[Problem]:
    """Warn about padded texts without a mask, or whose indices are taken for quantities."""
    data, network = facts.data, facts.network
    assert data is not None
    for name, field in data.inputs.items():
        source = f"input:{name}" if f"input:{name}" in network.input_shapes else "input"
        if field.padding is not None and field.classes is not None:
            yield from _of_indices(network, name, source)
            for node in network.nodes.values():
                if node.type == _EMBEDDING and node.inputs[0] == source:
                    yield from _of_sequence(network, name, source, node)


def _of_indices(network: Network, name: str, source: str) -> Iterator[Problem]:
    for node in network.nodes.values():
        if source in node.inputs and node.type in _QUANTITIES:
            yield Problem(
                f"{quote(node.name)} takes the words of {quote(name)} for quantities: they are"
                " indices of a vocabulary; put an embedding before it, or use"
                ' {"type": "bag_of_words"} in place of the vocabulary',
                node.pointer,
            )


def _of_sequence(network: Network, name: str, source: str, start: Node) -> Iterator[Problem]:
    """Yield a problem for each layer that reads the padding after an embedding."""
    todo, seen = [start], {start.name}
    while todo:
        before = todo.pop()
        for node in network.nodes.values():
            if node.inputs[0] != before.name or node.name in seen:
                continue
            seen.add(node.name)
            steps = before.out_shape[:1]
            masked = steps in node.in_shapes[1:]
            keeps = node.type in _KEEPING
            if node.type in _RECURRENT:
                keeps = len(node.out_shape) == 2 and (masked or _is_causal(node))
            if keeps:
                todo.append(node)
            elif node.type in _RECURRENT | _POOLING and not masked:
                yield Problem(_without_mask(network, name, source, node), node.pointer)


def _is_causal(node: Node) -> bool:
    """Return True if no position of the output depends on padding that follows it."""
    return not any(name.startswith("backward_") for name in node.layer.params)


def _without_mask(network: Network, name: str, source: str, node: Node) -> str:
    masks = [
        other.name
        for other in network.nodes.values()
        if other.type == "tinynet-core:sequence_mask" and other.inputs[0] == source
    ]
    mask = masks[0] if masks else "mask"
    adding = f'add {{"type": "sequence_mask", "name": "mask", "inputs": "{source}"}}, and '
    return (
        f"{quote(node.name)} takes the padding of {quote(name)} for words;"
        f' {"" if masks else adding}set "inputs": ["{node.inputs[0]}", "{mask}"]'
    )
