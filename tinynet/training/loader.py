"""The loader of training samples: a background thread gathers each step's samples in advance.

The samples of a step follow from (seed, epoch, position) alone, so prefetching changes nothing,
and an interrupted run loses nothing.
"""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from tinynet.data.data import Data, targets_from
from tinynet.data.order import Order
from tinynet.dataset import Batch
from tinynet.engine.background import Background, Task
from tinynet.engine.inputs import Inputs
from tinynet.spec.training_spec import TrainingSpec
from tinynet.training.class_weights import ClassWeights
from tinynet.types import Array


@dataclass(frozen=True, eq=False)
class StepSamples:
    """The samples of a step.

    Attributes:
        x: The input, (N, *shape), or such an array for each input by name.
        y: The target of each loss, (N, *target_shape), by the loss's name.
        weights: Weight of each sample in the loss, (N,), or of each position, (N, T); or None.
        sample_weights: The dataset's part of ``weights``, without class weights.
    """

    x: Inputs
    y: dict[str, Array]
    weights: Array | None
    sample_weights: Array | None

    def __len__(self) -> int:
        x = next(iter(self.x.values())) if isinstance(self.x, Mapping) else self.x
        return len(x)

    def rows(self, rows: slice) -> "StepSamples":
        """Return some of the samples."""
        x = {n: a[rows] for n, a in self.x.items()} if isinstance(self.x, Mapping) else self.x[rows]
        y = {name: array[rows] for name, array in self.y.items()}
        weights, own = (None if w is None else w[rows] for w in (self.weights, self.sample_weights))
        return StepSamples(x, y, weights, own)


def labelled(batch: Batch, names: Mapping[str, str]) -> StepSamples:
    """Return the samples of a batch with the target of each loss.

    ``names`` holds the target of each loss, by the loss's name.
    """
    targets = targets_from(batch, names)
    return StepSamples(batch.inputs, targets, batch.weights, batch.weights)


def steps_per_epoch(data: Data, training: TrainingSpec) -> int:
    """Return the number of updates in an epoch; the last one may have fewer samples."""
    return math.ceil(data.size("train") / (training.batch_size * training.accumulate))


class Loader:
    """The prefetching loader of training samples.

    Attributes:
        steps_per_epoch: Steps in an epoch; the last one may have fewer samples.
    """

    def __init__(
        self,
        data: Data,
        training: TrainingSpec,
        targets: Mapping[str, str],
        class_weights: ClassWeights | None = None,
    ) -> None:
        """Prepare; nothing is gathered yet.

        Args:
            data: The data.
            training: The training part of the spec.
            targets: Name of the target of each loss, by the loss's name.
            class_weights: The weights of the classes, if the spec has some.
        """
        self._data, self._targets, self._class_weights = data, dict(targets), class_weights
        self._size = training.batch_size * training.accumulate
        self.steps_per_epoch = steps_per_epoch(data, training)
        self._order: tuple[int, Order] | None = None
        self._background = Background()
        self._prefetched: tuple[tuple[int, int], Task[StepSamples]] | None = None

    def load(self, epoch: int, position: int) -> StepSamples:
        """Return the samples of a step, and start to gather those of the next step.

        Args:
            epoch: The epoch, counted from 0.
            position: The step's position in the epoch.

        Raises:
            DataError: if the samples cannot be read.
        """
        if self._prefetched is not None and self._prefetched[0] == (epoch, position):
            samples = self._prefetched[1].result()
        else:
            self.stop()
            samples = self.gather(epoch, position)
        self._prefetched = None
        if position + 1 < self.steps_per_epoch:
            task = Task(partial(self.gather, epoch, position + 1))
            # Stored before it starts: after an interrupt between the two, `stop` still waits for it
            # before anything else reads the data.
            self._prefetched = (epoch, position + 1), task
            with suppress(RuntimeError):  # Without a thread the samples are gathered when needed.
                self._background.start(task)
        return samples

    def gather(self, epoch: int, position: int, count: int | None = None) -> StepSamples:
        """Gather the first `count` samples of a step, by default all."""
        start = position * self._size
        stop, order = start + (count or self._size), self._epoch_order(epoch)
        self._data.read_ahead(order, start, stop)
        positions = order.positions(start, stop)
        batch = self._data.batch("train", positions, epoch=epoch, first=start)
        samples = labelled(batch, self._targets)
        if self._class_weights is None:
            return samples
        weights = self._class_weights.multiply(samples.y, samples.weights)
        return replace(samples, weights=weights)

    def _epoch_order(self, epoch: int) -> Order:
        """Return the order of an epoch; the last one is kept."""
        kept = self._order
        if kept is None or kept[0] != epoch:
            kept = self._order = epoch, self._data.epoch_order(epoch)
        return kept[1]

    def place(self, epoch: int, position: int, row: int) -> str:
        """Return the origin of a sample of a step: file and line, for example."""
        start = position * self._size + row
        number = self._epoch_order(epoch).positions(start, start + 1)[0]
        return self._data.splits["train"].place(int(number))

    def stop(self) -> None:
        """Stop prefetching; afterwards no thread reads the data."""
        if self._prefetched is not None:
            self._prefetched[1].close()
            self._prefetched = None
