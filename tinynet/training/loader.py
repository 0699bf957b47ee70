"""The loader of training samples: a background thread gathers each step's samples in advance.

Samples of a small dataset that are gathered in less time than a handover between two threads takes
are gathered when they are needed. The samples of a step follow from (seed, epoch, position) alone,
so prefetching changes nothing, and an interrupted run loses nothing.
"""

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from time import perf_counter

from tinynet.data.data import Data
from tinynet.data.order import Order
from tinynet.engine.background import Background, Task
from tinynet.engine.shares import BatchShare
from tinynet.spec.training_spec import TrainingSpec
from tinynet.training.class_weights import ClassWeights
from tinynet.training.step_samples import StepSamples, StepShare, labelled
from tinynet.types import Array

_HANDOVER = 1e-4
"""Seconds within which samples are gathered faster than another thread could be asked for them."""


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
        share: Callable[[int], BatchShare] | None = None,
    ) -> None:
        """Prepare; nothing is gathered yet.

        Args:
            data: The data.
            training: The training part of the spec.
            targets: Name of the target of each loss, by the loss's name.
            class_weights: The weights of the classes, if the spec has some.
            share: Return the share of a batch of so many samples that this process computes; None
                if it computes all.
        """
        self._share, self._batch_size = share, training.batch_size
        self._data, self._targets, self._class_weights = data, dict(targets), class_weights
        self._size = training.batch_size * training.accumulate
        self.steps_per_epoch = steps_per_epoch(data, training)
        self._order: tuple[int, Order] | None = None
        # Of a large dataset, the next samples may have to be read from a disk where these had not.
        self._always_ahead = data.splits["train"].is_large
        self._last_took = 0.0
        self._background = Background()
        self._prefetched: tuple[tuple[int, int], Task[StepSamples]] | None = None

    def load(self, epoch: int, position: int) -> StepSamples:
        """Return the samples of a step, and start to gather those of the next if that takes time.

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
            samples = self._timed(epoch, position)
        self._prefetched = None
        is_slow = self._always_ahead or self._last_took > _HANDOVER
        if is_slow and position + 1 < self.steps_per_epoch:
            task = Task(partial(self._timed, epoch, position + 1))
            # Stored before it starts: after an interrupt between the two, `stop` still waits for it
            # before anything else reads the data.
            self._prefetched = (epoch, position + 1), task
            with suppress(RuntimeError):  # Without a thread the samples are gathered when needed.
                self._background.start(task)
        return samples

    def _timed(self, epoch: int, position: int) -> StepSamples:
        begun = perf_counter()
        samples = self.gather(epoch, position)
        self._last_took = perf_counter() - begun
        return samples

    def gather(
        self, epoch: int, position: int, count: int | None = None, *, whole: bool = False
    ) -> StepSamples:
        """Gather the samples of a step that this process computes.

        Args:
            epoch: The epoch.
            position: The step's position in the epoch.
            count: Gather only so many of the first samples, whichever process computes them.
            whole: True to gather all samples of the step.
        """
        start = position * self._size
        stop, order = start + (count or self._size), self._epoch_order(epoch)
        self._data.read_ahead(order, start, stop)
        positions = order.positions(start, stop)
        share = None
        if self._share is not None and count is None and not whole:
            share = StepShare.of(len(positions), self._batch_size, self._share)
        # A transform that mixes samples needs those that others compute, too.
        if share is None or self._data.mixes_samples:
            samples = self._read(epoch, positions, start)
            return samples if share is None else samples.of_share(share)
        rows = share.rows
        # Datasets need not be able to read no rows at all.
        own = self._read(epoch, positions[rows if len(rows) else [0]], start)
        return replace(own.rows(slice(0, len(rows))), share=share)

    def _read(self, epoch: int, positions: Array, first: int) -> StepSamples:
        """Read training samples by their positions; ``first`` is the first place in the order."""
        batch = self._data.batch("train", positions, epoch=epoch, first=first)
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
