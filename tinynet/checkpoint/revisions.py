"""Changes of the computation, and the specs that each of them affects.

A checkpoint records the newest revision of the tinynet that wrote it. A run that is resumed across
a revision that affects its spec is not bit-identical to an uninterrupted run.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinynet import registry
from tinynet.config import Reference
from tinynet.kernels.depthwise import MANY_CHANNELS
from tinynet.registry import Entry

if TYPE_CHECKING:
    from tinynet.spec.models import Spec

_CORE = "tinynet-core"


@dataclass(frozen=True)
class Revision:
    """A change of the result of the same spec, with a number from 1.

    ``concerns`` returns True for a spec that it affects; its second argument is True if the data
    have sample weights.
    """

    number: int
    change: str
    concerns: "Callable[[Spec, bool], bool]"


def _draws_in_transforms(spec: "Spec", weighted: bool) -> bool:
    """Return True if a transform may draw random numbers; built-in ones do not."""
    transforms = spec.data.transforms if spec.data is not None else ()
    return any(entry.distribution != _CORE for entry in _entries(transforms))


def _has_frozen_random_layer(spec: "Spec", weighted: bool) -> bool:
    """Return True if a frozen layer may compute something else in training than in evaluation.

    Frozen layers with running statistics have always used them in training, too.
    """
    frozen = [node for node in spec.network.layers if node.type and not node.trainable]
    return any(e.distribution != _CORE or e.name == "dropout" for e in _entries(frozen))


def _has_depthwise_layer(spec: "Spec", weighted: bool) -> bool:
    """Return True if a conv2d layer may have as many groups as channels, at least 16."""
    return _has_grouped_layer(spec, "conv2d")


def _has_any_depthwise_layer(spec: "Spec", weighted: bool) -> bool:
    """Return True if a layer of any kind may have a filter for each channel."""
    nodes = [node for node in spec.network.layers if node.type]
    names = [entry.name for entry in _entries(nodes) if entry.distribution == _CORE]
    kinds = ("depthwise_conv", "separable_conv")
    return _has_grouped_layer(spec, "conv1d", "conv2d", "conv3d") or any(
        name.startswith(kinds) for name in names
    )


def _has_grouped_layer(spec: "Spec", *types: str) -> bool:
    """Return True if a layer of some types may have as many groups as channels, at least 16."""
    nodes = [node for node in spec.network.layers if node.type]
    entries = zip(nodes, _entries(nodes), strict=True)
    qualified = [f"{_CORE}:{name}" for name in types]
    layers = [node.options for node, entry in entries if entry.qualified in qualified]
    counts = [groups for o in layers if (groups := o["groups"]) == o["filters"]]
    return any(isinstance(groups, int) and groups >= MANY_CHANNELS for groups in counts)


def _has_attention_layer(spec: "Spec", weighted: bool) -> bool:
    nodes = [node for node in spec.network.layers if node.type]
    return any(entry.qualified == f"{_CORE}:multi_head_attention" for entry in _entries(nodes))


def _entries(references: Iterable[Reference]) -> list[Entry]:
    return [registry.default().resolve(reference) for reference in references]


REVISIONS = (
    Revision(
        1,
        "each transform now draws its random numbers from a stream of its own",
        _draws_in_transforms,
    ),
    Revision(
        2,
        'layers with "trainable": false now compute as in evaluation, dropout included',
        _has_frozen_random_layer,
    ),
    Revision(
        3,
        "sample weights now count in evaluation, and samples of weight 0 in no metric",
        lambda spec, weighted: weighted,
    ),
    Revision(
        4,
        "NumPy's kernels now add the terms of a depthwise convolution in another order",
        _has_depthwise_layer,
    ),
    Revision(
        5,
        "NumPy's kernels now round the attention of a query by its own scores alone",
        _has_attention_layer,
    ),
    Revision(
        6,
        "class weights of probabilities are now rounded by their own sample alone",
        lambda spec, weighted: spec.training.class_weights is not None,
    ),
    Revision(
        7,
        "NumPy's kernels now add the terms of a depthwise gradient in another order",
        _has_any_depthwise_layer,
    ),
)
"""Every revision, in the order of their numbers."""

NEWEST = REVISIONS[-1].number
"""The revision that new checkpoints record."""


def changes_since(revision: int, spec: "Spec", *, weighted: bool) -> list[str]:
    """Return the changes after a revision that affect a spec, a line each."""
    return [
        later.change
        for later in REVISIONS
        if later.number > revision and later.concerns(spec, weighted)
    ]
