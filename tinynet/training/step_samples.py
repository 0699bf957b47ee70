"""The samples of a step, and those of them that one process computes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tinynet.data.data import targets_from
from tinynet.dataset import Batch
from tinynet.engine.batch_pass import join_samples
from tinynet.engine.inputs import Inputs
from tinynet.engine.shares import BatchShare
from tinynet.types import Array


class StepShare(NamedTuple):
    """The rows of a step that one process of a group computes.

    Attributes:
        batches: Its share of each batch of the step.
    """

    batches: tuple[BatchShare, ...]

    @classmethod
    def of(cls, samples: int, batch_size: int, share: Callable[[int], BatchShare]) -> "StepShare":
        """Return the share of a step of some samples; ``share`` returns that of a batch."""
        starts = range(0, samples, batch_size)
        return cls(tuple(share(min(batch_size, samples - start)) for start in starts))

    @property
    def samples(self) -> int:
        """Number of samples in the step."""
        return sum([batch.samples for batch in self.batches])

    @property
    def rows(self) -> Array:
        """The rows of the step that this process computes, in order."""
        parts, start = [], 0
        for batch in self.batches:
            parts.append(np.arange(start + batch.rows.start, start + batch.rows.stop))
            start += batch.samples
        return np.concatenate(parts)


@dataclass(frozen=True, eq=False)
class StepSamples:
    """The samples of a step, or the rows of them that this process computes.

    Attributes:
        x: The input, (N, *shape), or such an array for each input by name.
        y: The target of each loss, (N, *target_shape), by the loss's name.
        weights: Weight of each sample in the loss, (N,), or of each position, (N, T); or None.
        sample_weights: The dataset's part of ``weights``, without class weights.
        share: The rows of the step that these are; None if they are all.
    """

    x: Inputs
    y: dict[str, Array]
    weights: Array | None
    sample_weights: Array | None
    share: StepShare | None = None

    def __len__(self) -> int:
        """Return the number of samples in the whole step."""
        if self.share is not None:
            return self.share.samples
        x = self.x
        if not isinstance(x, np.ndarray) and isinstance(x, Mapping):  # The first test is faster.
            x = next(iter(x.values()))
        return len(x)

    def rows(self, rows: slice | Array) -> "StepSamples":
        """Return some of the samples."""
        x = {n: a[rows] for n, a in self.x.items()} if isinstance(self.x, Mapping) else self.x[rows]
        y = {name: array[rows] for name, array in self.y.items()}
        weights, own = (None if w is None else w[rows] for w in (self.weights, self.sample_weights))
        return StepSamples(x, y, weights, own)

    def of_share(self, share: StepShare) -> "StepSamples":
        """Return the rows that a process computes, from all samples of the step."""
        own = self.rows(share.rows)
        return StepSamples(own.x, own.y, own.weights, own.sample_weights, share)

    def batches(
        self, batch_size: int, share: Callable[[int], BatchShare]
    ) -> list[tuple["StepSamples", BatchShare]]:
        """Return the batches of the step: the samples here, and the share that they are.

        Args:
            batch_size: Most samples of a batch.
            share: Return the share of a batch of so many samples.
        """
        samples = len(self)
        if samples <= batch_size:
            return [(self, share(samples))]
        step = self.share or StepShare.of(samples, batch_size, share)
        batches, start = [], 0
        for batch in step.batches:
            count = batch.rows.stop - batch.rows.start
            batches.append((self.rows(slice(start, start + count)), batch))
            start += count
        return batches


def labelled(batch: Batch, names: Mapping[str, str]) -> StepSamples:
    """Return the samples of a batch with the target of each loss.

    ``names`` holds the target of each loss, by the loss's name.
    """
    targets = targets_from(batch, names)
    return StepSamples(batch.inputs, targets, batch.weights, batch.weights)


def joined_samples(
    parts: Sequence[tuple[Mapping[str, Array], Array | None]],
) -> tuple[dict[str, Array], Array | None]:
    """Return the targets and weights of samples that several processes have."""
    filled = [part for part in parts if any(map(len, _arrays(*part)))] or parts[:1]
    weights = [weight for _, weight in filled if weight is not None]
    return (
        join_samples([targets for targets, _ in filled]),
        np.concatenate(weights) if weights else None,
    )


def _arrays(targets: Mapping[str, Array], weights: Array | None) -> list[Array]:
    return [*targets.values(), *([] if weights is None else [weights])]
