"""The training samples of each step, gathered while the step before it is computed.

Which samples a step sees, and as what, follows from (seed, epoch, position): it changes nothing
that they are made earlier, and a run that ends in between has lost nothing.
"""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from tinynet.data.data import Data
from tinynet.dataset import Batch
from tinynet.engine.background import Background, Task
from tinynet.spec.training_spec import TrainingSpec
from tinynet.training.class_weights import class_weights, weights_of
from tinynet.types import Array


@dataclass(frozen=True, eq=False)
class Samples:
    """What a step sees.

    Attributes:
        x: Inputs by name, (N, *shape) each.
        y: What each output is compared with, (N, *target_shape), by the output's name.
        weights: How much each sample counts in the loss, (N,), or None.
        sample_weights: The dataset's part of ``weights``, without those of classes.
    """

    x: dict[str, Array]
    y: dict[str, Array]
    weights: Array | None
    sample_weights: Array | None

    def __len__(self) -> int:
        return len(next(iter(self.y.values())))


class Feed:
    """The samples of a run, step by step.

    Attributes:
        steps_per_epoch: Steps in an epoch; the last one may see fewer samples.
    """

    def __init__(self, data: Data, training: TrainingSpec, targets: Mapping[str, str]) -> None:
        """Gather nothing yet.

        Args:
            data: Where the samples come from.
            training: What the spec says.
            targets: Name of the target that each output is compared with.
        """
        self._data, self._training, self._targets = data, training, dict(targets)
        self._size = training.batch_size * training.accumulate
        self.steps_per_epoch = math.ceil(data.size("train") / self._size)
        self._order: tuple[int, Array] = (-1, np.empty(0, np.int64))
        self._background = Background()
        self._ahead: tuple[tuple[int, int], Task[Samples]] | None = None

    def samples(self, epoch: int, position: int) -> Samples:
        """The samples of a step; those of the next one are gathered from now on.

        Args:
            epoch: The epoch, counted from 0.
            position: The step's position in it.

        Raises:
            DataError: if they cannot be read.
        """
        place = epoch, position
        if self._ahead is not None and self._ahead[0] == place:
            found = self._ahead[1].result()
        else:
            self.stop()
            found = self.first(epoch, position)
        self._ahead = None
        if position + 1 < self.steps_per_epoch:
            following = epoch, position + 1
            task = Task(partial(self.first, *following))
            # Noted before it starts, so that nobody reads beside it if an interrupt comes between.
            self._ahead = following, task
            with suppress(RuntimeError):  # Without a thread the samples are gathered when needed.
                self._background.start(task)
        return found

    def first(self, epoch: int, position: int, count: int | None = None) -> Samples:
        """The first samples of a step, or all of them, gathered at once."""
        if self._order[0] != epoch:
            self._order = (epoch, self._data.order(epoch))
        start = position * self._size
        positions = self._order[1][start : start + (count or self._size)]
        batch = self._data.batch("train", positions, epoch=epoch)
        targets, weights = self.targets(batch.targets), self._weights(batch)
        return Samples(batch.inputs, targets, weights, batch.weights)

    def place(self, epoch: int, position: int, row: int) -> str:
        """Return where a sample of a step comes from: file and line, for example."""
        number = self._data.order(epoch)[position * self._size + row]
        return self._data.place("train", int(number))

    def stop(self) -> None:
        """Gather no further; whoever reads the data next is alone with them."""
        if self._ahead is not None:
            self._ahead[1].close()
            self._ahead = None

    def targets(self, batch: Mapping[str, Array]) -> dict[str, Array]:
        """What each output is compared with, by the output's name."""
        return {output: batch[name] for output, name in self._targets.items()}

    def _weights(self, batch: Batch) -> Array | None:
        weights = batch.weights
        if self.class_weights is not None:
            (target,) = self._targets.values()
            by_class = weights_of(batch.targets[target], self.class_weights)
            weights = by_class if weights is None else weights * by_class
        return weights

    @cached_property
    def class_weights(self) -> Array | None:
        """How much a sample of each class counts, (classes,); None if all count the same."""
        wanted = self._training.class_weights
        return (
            None if wanted is None else class_weights(wanted, self._data, *self._targets.values())
        )
