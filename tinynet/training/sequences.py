"""Checks of sequences of tokens: their padding, and the sizes of their vocabularies."""

from collections.abc import Iterator

from tinynet.data.data import Data
from tinynet.engine.inputs import own_name
from tinynet.errors import Problem
from tinynet.network.network import Network
from tinynet.text.wording import quote
from tinynet.training.facts import Facts

_EMBEDDING = "tinynet-core:embedding"


def small_embeddings(network: Network, data: Data) -> Iterator[Problem]:
    """Yield a problem for each embedding of a vocabulary with more indices than it has vectors.

    Every index of a vocabulary occurs in the training data; other classes may never occur.
    """
    for node in network.nodes.values():
        if node.type != _EMBEDDING or node.inputs[0] not in network.input_shapes:
            continue
        name = own_name(node.inputs[0])
        learned = data.inputs[name].classes != data.raw[name].classes
        classes = len(data.inputs[name].classes or ()) if learned else 0
        vectors = node.layer.params["weight"].shape[0]
        if classes > vectors:
            remedy = f'set "input_dim": {classes} in {node.owner!r}'
            if "." not in node.owner:
                remedy = f"use --set network.layers.{node.owner}.input_dim={classes}"
            remedy += f', or "max_size": {vectors} in its transform'
            yield Problem(
                f"the input {quote(name)} has {classes:,} indices, but {quote(node.name)} has"
                f" vectors for {vectors:,}; {remedy}",
                node.pointer,
            )


def counted_padding(facts: Facts) -> Iterator[Problem]:
    """Warn about losses and metrics that count the padding of a target as one of its classes."""
    data, training = facts.data, facts.spec.training
    assert data is not None
    padded = {
        output: field.padding
        for output, name in facts.targets.items()
        if (field := data.targets[name]).padding is not None
    }
    for part in facts.network.losses:
        ignored = getattr(part.loss, "ignore_label", padded.get(part.name))
        if part.name in padded and ignored != padded[part.name]:
            yield Problem(_counts(facts.targets[part.name], padded[part.name]), part.pointer)
    for index, metric in enumerate(training.metrics):
        output = metric.output or next(iter(padded), "")
        label = metric.options.get("ignore_label", padded.get(output))
        if "ignore_label" in metric.options and output in padded and label != padded[output]:
            message = _counts(facts.targets[output], padded[output])
            yield Problem(message, f"/training/metrics/{index}")


def _counts(target: str, padding: int) -> str:
    return (
        f"the padding of {quote(target)}, index {padding}, counts as a class; set"
        f' "ignore_label": {padding}'
    )
