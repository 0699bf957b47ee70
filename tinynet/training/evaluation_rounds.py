"""The evaluation of a split by several processes: in each round, each evaluates one batch.

Losses are added and metrics are counted in the order of the batches, so that the figures are those
of one process.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from tinynet.data.data import Data
from tinynet.data.splits import SplitName
from tinynet.engine.engine import Engine
from tinynet.training.counted import CountedTargets
from tinynet.training.evaluation import Figures, LossSums
from tinynet.training.exchange import Exchange
from tinynet.training.metric_shares import MetricShare, add_shares, share_of
from tinynet.training.step_samples import StepSamples, labelled


@dataclass(frozen=True)
class SplitBatches:
    """The batches of a split in evaluation mode, in order.

    Attributes:
        data: The data.
        split: The name of the split.
        size: Most samples of a batch.
        names: Name of the target of each loss, by the loss's name.
    """

    data: Data
    split: SplitName
    size: int
    names: Mapping[str, str]

    def __len__(self) -> int:
        """Return the number of batches."""
        return -(-self.data.size(self.split) // self.size)

    def __getitem__(self, number: int) -> StepSamples:
        """Return a batch by its number."""
        if not 0 <= number < len(self):
            raise IndexError(number)
        start = number * self.size
        stop = min(start + self.size, self.data.size(self.split))
        return labelled(self.data.batch(self.split, np.arange(start, stop)), self.names)

    def __iter__(self) -> Iterator[StepSamples]:
        return map(self.__getitem__, range(len(self)))


def evaluate_in_rounds(
    figures: Figures, engine: Engine, batches: SplitBatches, exchange: Exchange
) -> Iterator[int]:
    """Evaluate a split, and yield the number of samples after each round of batches.

    Args:
        figures: The figures to add to, alike in all processes.
        engine: The engine of the network.
        batches: The batches of the split.
        exchange: The exchange with the other processes.

    Raises:
        Abandoned: if the processes agree to stop.
        TargetError: listing the losses for which nothing in the split counts.
    """
    group = exchange.group
    if group is None:
        for count in figures.evaluate(engine, batches, batches.split):
            yield count
            exchange.begin()
        return
    counted = CountedTargets(figures.loss_parts)
    for first in range(0, len(batches), group.size):
        number, own = first + group.rank, None
        if number < len(batches):
            own = _evaluate(figures, engine, batches[number], counted)
        for gathered in exchange.gather(own):
            if gathered is not None:
                sums, share = gathered
                figures.add_losses(sums)
                add_shares(figures, [share])
        yield figures.samples
    every = CountedTargets(figures.loss_parts)
    for of_process in group.gather(counted.counts):
        every.add_counts(of_process)
    every.require(batches.split)


def _evaluate(
    figures: Figures, engine: Engine, samples: StepSamples, counted: CountedTargets
) -> tuple[LossSums, MetricShare]:
    """Return what a batch adds to the figures."""
    result = engine.evaluate(samples.x, samples.y, samples.weights)
    counted.add(samples.y, samples.weights, len(samples))
    sums = LossSums.of([result], len(samples), figures.count_positions(samples))
    return sums, share_of(figures, [(result.predictions, samples)])
