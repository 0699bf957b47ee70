"""The data of a spec: datasets opened, split, shuffled and preprocessed, batch by batch.

All randomness derives from keys: the split from the split's seed, the order of an epoch from
(seed, epoch), augmentation from (seed, epoch, sample, position of the transform in the spec).
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tinynet.data.given import GivenDataset
from tinynet.data.learning import split_state
from tinynet.data.opened_splits import open_splits
from tinynet.data.order import Order, Shuffle, WindowedBlocks
from tinynet.data.preprocessing import Preprocessing
from tinynet.data.ranges import may_overflow, naming_samples, require_finite
from tinynet.data.split import Split, in_file_order
from tinynet.data.splits import POINTER, SplitName, chunks
from tinynet.data.stages import Stage
from tinynet.dataset import (
    Batch,
    Described,
    Field,
    ReadsAhead,
)
from tinynet.engine.inputs import own_name
from tinynet.engine.tensor_names import DATASET, in_group
from tinynet.errors import DataError
from tinynet.kernels.random import Streams, derive
from tinynet.spec.data_spec import BlocksSpec, DataSpec
from tinynet.text.plugin_errors import PluginErrors
from tinynet.types import Array, Shape

_MOST_AHEAD = 1 << 27
"""Bytes of a window that is read ahead."""


class TargetBatch(NamedTuple):
    """The preprocessed targets of some samples.

    Attributes:
        split: The split of the samples.
        samples: The samples.
        targets: The target of each loss, (N, *target_shape), by the loss's name.
        weights: Weight of each sample, (N,), or of each position, (N, T); or None.
    """

    split: SplitName
    samples: Split
    targets: dict[str, Array]
    weights: Array | None


class Data:
    """The data of a spec.

    Attributes:
        root: The folder where relative paths start.
        splits: The three splits; one may be empty.
        raw: The field of each input and target before preprocessing.
        inputs: The field of each input after preprocessing.
        targets: The field of each target after preprocessing.
        preprocessing: The transforms, fitted on the training split.
        learned: The state of the dataset, learned from the training split; empty for most.
        inferred: The values that each dataset inferred, by the part of the spec that names it.
        fingerprints: Of each dataset, by the part of the spec that names it.
    """

    def __init__(
        self,
        spec: DataSpec,
        root: Path,
        seed: int,
        fitted: Mapping[str, Array] | None = None,
        given: Mapping[str, GivenDataset] | None = None,
    ) -> None:
        """Open and split the data, and fit them, unless ``fitted`` is what `state` returned.

        ``given`` has datasets that are passed, not opened, by the pointer to their place.

        Raises:
            SpecError: for invalid splits and transforms.
            DataError: for data that cannot be trained on.
        """
        self._seed, self._order = seed, spec.order
        kept, transforms = (None, None) if fitted is None else split_state(fitted)
        opened = open_splits(spec, root, seed, kept, given or {})
        self.root, self.splits = root, opened.splits
        self.learned, self.inferred = opened.learned, opened.inferred
        self.fingerprints = opened.fingerprints
        main = self.splits["train"].dataset
        self.raw = {**main.inputs, **main.targets}
        self._transformed = {on for transform in spec.transforms for on in transform.on}
        self._checked_dtype: np.dtype[Any] | None = None
        self.preprocessing = Preprocessing(spec.transforms, self.raw)
        if transforms is None:
            self.preprocessing.fit(self._raw_training_batches)
        else:
            self.preprocessing.load_state(transforms)
        self.inputs = {name: self.preprocessing.fields[name] for name in main.inputs}
        self.targets = {name: self.preprocessing.fields[name] for name in main.targets}

    def state(self) -> dict[str, Array]:
        """Return everything that was learned from the training split, as arrays by address."""
        return {**in_group(DATASET, self.learned), **self.preprocessing.state()}

    def description(self) -> list[str]:
        """Return the lines in which the dataset describes itself; none for most."""
        dataset = self.splits["train"].dataset
        if not isinstance(dataset, Described):
            return []
        with PluginErrors(dataset, "description raised", POINTER):
            return dataset.description()

    def _raw_training_batches(self) -> Iterator[dict[str, Array]]:
        names = [on for on in self.raw if on in self._transformed]
        return (part.read_arrays(names)[0] for part in self.splits["train"].parts())

    @property
    def input_shapes(self) -> dict[str, Shape]:
        """The shape of one sample of each input."""
        return {name: field.shape for name, field in self.inputs.items()}

    def target_field(self, name: str) -> Field:
        """Return the field of a target after preprocessing, or of an input: ``input:image``."""
        return self.targets[name] if name in self.targets else self.inputs[own_name(name)]

    def size(self, split: SplitName) -> int:
        """Return the number of samples in a split."""
        return len(self.splits[split])

    @cached_property
    def weight_shapes(self) -> frozenset[Shape]:
        """The shapes of the weights of a sample in each dataset that has some: () or (T,)."""
        splits = [split for split in self.splits.values() if len(split)]
        first = [split.at(np.arange(1)).read(inputs=False) for split in splits]
        return frozenset(s.weights.shape[1:] for s in first if s.weights is not None)

    @property
    def weighted(self) -> bool:
        """True if a dataset has sample weights."""
        return bool(self.weight_shapes)

    def require(self, split: SplitName) -> None:
        """Raise `DataError` if a split is empty, or there is no such split."""
        if split not in self.splits:
            raise DataError(f"there is no split {split!r}; available: {', '.join(self.splits)}")
        if not self.size(split):
            key = {"train": "train", "val": "validation", "test": "test"}[split]
            raise DataError(
                f"the {split} split is empty; set data.split.{key}, or data.{key} to a dataset"
            )

    @property
    def mixes_samples(self) -> bool:
        """True if a transform mixes the samples of a batch in training."""
        return any(stage.mixes for stage in self.preprocessing.stages)

    def epoch_order(self, epoch: int) -> Order:
        """Return the order of the training samples' positions in an epoch."""
        size, key = self.size("train"), ("order", self._seed, epoch)
        if isinstance(self._order, BlocksSpec):
            return WindowedBlocks(size, self._order.block, self._order.window, *key)
        return Shuffle(size, *key)

    def order(self, epoch: int) -> Array:
        """Return the training samples' positions in the order of an epoch, (N,)."""
        return self.epoch_order(epoch).positions(0, self.size("train"))

    def read_ahead(self, order: Order, start: int, stop: int) -> None:
        """Let the dataset prepare for later samples when those at places of an order are read.

        Windows are read ahead if two of them take little memory, in the system's cache.
        """
        part = self.splits["train"]
        if not isinstance(order, WindowedBlocks) or not isinstance(part.dataset, ReadsAhead):
            return
        if part.is_large and order.width * part.sample_bytes <= _MOST_AHEAD:
            rows = part.indices[order.upcoming(start, stop)]
            with PluginErrors(part.dataset, "read_ahead raised", part.pointer):
                part.dataset.read_ahead(rows)

    def batch(
        self, split: SplitName, positions: Array, *, epoch: int | None = None, first: int = 0
    ) -> Batch:
        """Return preprocessed samples of a split.

        Args:
            split: The split.
            positions: The positions of the samples in it, (N,).
            epoch: The epoch of training; None in evaluation.
            first: The position of the batch's first sample in the order of the epoch.
        """
        whole = self.splits[split]
        part = whole.at(positions)
        raw = part.read()
        arrays = {**raw.inputs, **raw.targets}
        with naming_samples(part.place):
            if epoch is None:
                arrays = self.preprocessing.apply(arrays)
            else:
                samples = np.asarray(part.indices)
                rng = partial(self._streams, epoch, first, samples)
                arrays = self.preprocessing.apply(arrays, rng, training=True)
        if whole.is_large and self._checked_dtype is not None:
            require_finite(self.preprocessing, arrays, self._checked_dtype, part.place)
        return Batch(
            {name: arrays[name] for name in raw.inputs},
            {name: arrays[name] for name in raw.targets},
            raw.weights,
        )

    def _streams(
        self, epoch: int, first: int, samples: Array, stage: Stage
    ) -> Callable[[int], np.random.Generator]:
        """Return the random streams of some samples (N,) for a stage of preprocessing."""
        if stage.mixes:
            return lambda i: derive("batch", self._seed, epoch, first, stage.position)
        return Streams(("sample", self._seed, epoch), samples, (stage.position,))

    def batches(self, split: SplitName, size: int) -> Iterator[Batch]:
        """Iterate over a split in evaluation mode, in order."""
        for positions in chunks(self.size(split), size):
            yield self.batch(split, positions)

    def target_batches(
        self, names: Mapping[str, str], *splits: SplitName
    ) -> Iterator["TargetBatch"]:
        """Iterate over the preprocessed targets of some splits, or of all, in evaluation mode.

        ``names`` holds the target of each loss, by the loss's name; see `targets_from`.
        """
        read = {own_name(name) for name in names.values()}
        for split in splits or self.splits:
            for part in self.splits[split].parts():
                raw, weights = part.read_arrays(read)
                with naming_samples(part.place):
                    arrays = self.preprocessing.apply(raw)
                targets = {loss: arrays[own_name(name)] for loss, name in names.items()}
                yield TargetBatch(split, part, targets, weights)

    def require_finite(self, dtype: np.dtype[Any], *splits: SplitName) -> None:
        """Require preprocessed values of some splits, or of all, to be finite in a dtype.

        The samples of large datasets are not read for that: `batch` checks them from now on.

        Raises:
            DataError: with file and row of the first value that is not.
        """
        self._checked_dtype = dtype
        preprocessing = self.preprocessing
        names = [n for n in preprocessing.fields if may_overflow(preprocessing, n, dtype)]
        small = [s for s in map(self.splits.get, splits or self.splits) if s and not s.is_large]
        for split in in_file_order(small) if names else ():
            for part in split.parts():
                arrays, _ = part.read_arrays(names)
                with naming_samples(part.place):
                    ready = preprocessing.apply(arrays)
                require_finite(preprocessing, ready, dtype, part.place)


def targets_from(batch: Batch, names: Mapping[str, str]) -> dict[str, Array]:
    """Return the target of each loss, (N, *target_shape), by the loss's name.

    Args:
        batch: Some samples.
        names: Name of each loss's target, or of an input that is its target (``input:image``).
    """
    return {
        loss: batch.targets[name] if name in batch.targets else batch.inputs[own_name(name)]
        for loss, name in names.items()
    }
