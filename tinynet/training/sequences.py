"""Checks of sequences of tokens: their padding, and the sizes of their vocabularies."""

from collections.abc import Iterator

import numpy as np

from tinynet import registry
from tinynet.data.data import Data
from tinynet.engine.inputs import own_name
from tinynet.errors import Problem
from tinynet.network.network import Network
from tinynet.spec.models import Spec
from tinynet.text.options import overrides
from tinynet.text.wording import quote
from tinynet.training.facts import Facts

SAMPLES = 1024
"""Samples whose words and tags are compared, at most."""

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
                remedy = f"use {overrides(f'network.layers.{node.owner}.input_dim={classes}')}"
            remedy += f', or "max_size": {vectors} in its transform'
            yield Problem(
                f"the input {quote(name)} has {classes:,} indices, but {quote(node.name)} has"
                f" vectors for {vectors:,}; {remedy}",
                node.pointer,
            )


def misplaced_tags(spec: Spec, data: Data) -> Iterator[Problem]:
    """Yield a problem for each target of tags that are not at the positions of their words.

    A text and its tags have as many words, but their transforms may pad or cut them otherwise.
    """
    tagged = {name: field for name, field in data.raw.items() if field.text_unit == "whitespace"}
    fields = {name: (data.inputs | data.targets)[name] for name in tagged}
    fields = {name: field for name, field in fields.items() if field.padding is not None}
    if not fields.keys() & data.targets.keys():
        return
    first = data.splits["train"].at(np.arange(min(data.size("train"), SAMPLES)))
    samples, _ = first.read_arrays(fields)
    ready = data.preprocessing.apply(samples)
    counted = {name: ready[name] != field.padding for name, field in fields.items()}
    cut = {name: _truncations(spec, name) for name in fields}
    for target in fields.keys() & data.targets.keys():
        for name in fields.keys() & data.inputs.keys():
            if cut[name] != cut[target] or not np.array_equal(counted[name], counted[target]):
                yield Problem(
                    f"the tags of {quote(target)} are not at the positions of the words of"
                    f' {quote(name)}; give their transforms the same "length", "padding" and'
                    ' "truncation"',
                    "/data/transforms",
                )


def _truncations(spec: Spec, name: str) -> list[str]:
    """Return the end of long texts that each transform of an array cuts off.

    Texts that are cut at different ends have words at the same positions.
    """
    references = spec.data.transforms if spec.data is not None else ()
    config = registry.default().config
    ends = [getattr(config(part), "truncation", None) for part in references if name in part.on]
    return [end for end in ends if end is not None]


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
