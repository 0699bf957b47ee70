"""Splits in which nothing counts for a loss, whose mean would be 0: better than any other."""

from collections.abc import Mapping, Sequence

from tinynet.engine import losses
from tinynet.engine.losses import OutputLoss
from tinynet.errors import Problem, TargetError
from tinynet.types import Array


class CountedTargets:
    """The numbers of samples or positions of a split that count for each loss."""

    def __init__(self, parts: Sequence[OutputLoss]) -> None:
        """Start with no samples."""
        self._parts = parts
        self._counts = dict.fromkeys([part.name for part in parts], 0.0)
        self._without_weights = dict(self._counts)

    def add(self, targets: Mapping[str, Array], weights: Array | None, samples: int) -> None:
        """Count some samples.

        Args:
            targets: The target of each loss, (N, *target_shape), by the loss's name.
            weights: Weight of each sample, (N,), or of each position, (N, T); or None.
            samples: Number of samples, N.

        Raises:
            PluginError: if a loss raises an exception, or returns a wrong value.
        """
        for part in self._parts:
            target, counts = targets.get(part.name), self._counts
            counts[part.name] += losses.counted_terms(part, target, weights, samples)
            if not counts[part.name] and weights is not None:
                counts = self._without_weights
                counts[part.name] += losses.counted_terms(part, target, None, samples)

    @property
    def counts(self) -> tuple[dict[str, float], dict[str, float]]:
        """The number that counts for each loss, by its name, with and without the weights."""
        return self._counts, self._without_weights

    def add_counts(self, counts: tuple[dict[str, float], dict[str, float]]) -> None:
        """Add the `counts` of other samples."""
        for own, others in zip(self.counts, counts, strict=True):
            for name, count in others.items():
                own[name] += count

    def problems(self, split: str, remedy: str = "") -> list[Problem]:
        """Return a problem for each loss for which nothing counts.

        Args:
            split: The name of the split.
            remedy: Words that follow the remedy to correct the data.
        """
        return [
            Problem(
                f"nothing in the {split} split counts for this loss: {fault}{remedy}", p.pointer
            )
            for p in self._parts
            if (fault := self._fault(p)) is not None
        ]

    def _fault(self, part: OutputLoss) -> str | None:
        """Return the reason why nothing counts for a loss, and a remedy; None if something does."""
        if self._counts[part.name]:
            return None
        ignored = part.ignored_label
        if not self._without_weights[part.name]:
            label = "" if ignored is None else f", {ignored}"
            return f"every label is the one that it ignores{label}; correct the labels"
        which = "every weight" if ignored is None else "the weight of every other label"
        return f"{which} is 0 in {part.dtype}; correct the weights"

    def require(self, split: str) -> None:
        """Require something that counts for each loss.

        Raises:
            TargetError: listing the losses for which nothing counts.
        """
        if problems := self.problems(split):
            raise TargetError(problems)
