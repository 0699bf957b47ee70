"""Changes of the computation itself, and the specs that each of them concerns.

A checkpoint records the newest revision that it was written under. A run that is resumed across a
revision that concerns its spec does not end as an uninterrupted one would have.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tinynet import registry
from tinynet.config import Reference
from tinynet.spec.models import Spec

_CORE = "tinynet-core"


@dataclass(frozen=True)
class Revision:
    """One change of what the same spec computes.

    Attributes:
        number: Its number, from 1; a checkpoint without a revision was written under 0.
        change: The change, for a message.
        concerns: Return whether a spec is concerned, given whether its data have sample weights.
    """

    number: int
    change: str
    concerns: Callable[[Spec, bool], bool]


def _draws_in_transforms(spec: Spec, weighted: bool) -> bool:
    """Return whether a transform may draw random numbers; no built-in one does."""
    return spec.data is not None and not all(map(_is_core, spec.data.transforms))


def _freezes_noise(spec: Spec, weighted: bool) -> bool:
    """Return whether a frozen layer may compute something else in training than in evaluation.

    Frozen layers with running statistics have always computed as in evaluation.
    """
    frozen = [node for node in spec.network.layers if node.type and not node.trainable]
    return any(not _is_core(node) or _short(node) == "dropout" for node in frozen)


REVISIONS = (
    Revision(
        1,
        "each transform now draws its random numbers from a stream of its own",
        _draws_in_transforms,
    ),
    Revision(
        2,
        'layers with "trainable": false now compute as in evaluation, dropout included',
        _freezes_noise,
    ),
    Revision(
        3,
        "sample weights now count in evaluation, and samples of weight 0 in no metric",
        lambda spec, weighted: weighted,
    ),
)
"""Every revision, in the order of their numbers."""

NEWEST = REVISIONS[-1].number
"""The revision that checkpoints are written under."""


def changes_since(revision: int, spec: Spec, *, weighted: bool) -> list[str]:
    """Return the changes after a revision that concern a spec, a line each.

    Args:
        revision: The revision that a checkpoint was written under.
        spec: The spec that is resumed.
        weighted: Whether its data have sample weights.
    """
    return [
        later.change
        for later in REVISIONS
        if later.number > revision and later.concerns(spec, weighted)
    ]


def _is_core(reference: Reference) -> bool:
    return registry.default().resolve(reference).distribution == _CORE


def _short(reference: Reference) -> str:
    return registry.default().resolve(reference).name
