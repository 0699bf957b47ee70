"""A spec's data: datasets opened, split, put in order, and preprocessed, batch by batch.

Everything random follows from a key: the split from the split's seed, the order of an epoch from
(seed, epoch), augmentation from (seed, epoch, sample).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from tinynet import registry
from tinynet.config import Reference
from tinynet.dataset import Batch, Dataset, Field, Located
from tinynet.errors import DataError
from tinynet.loss import CheckedLoss, Loss
from tinynet.paths import resolve_paths
from tinynet.preprocessing import Preprocessing, no_random
from tinynet.random import derive
from tinynet.spec import DataSpec, SplitSpec
from tinynet.types import Array, Shape

SplitName: TypeAlias = Literal["train", "val", "test"]

SPLITS: tuple[SplitName, ...] = ("train", "val", "test")

DEFAULT_PART = 0.1
"""Of the dataset, for validation and for the test each, where a spec does not say."""

CHUNK = 1024
"""Samples read at a time when a whole split is passed over."""


@dataclass(frozen=True)
class Split:
    """Some samples of a dataset.

    Attributes:
        dataset: The dataset.
        indices: Which of its samples, (N,).
        relabel: For each target of class indices whose numbering differs from the training
            data's: the training data's index of each class.
    """

    dataset: Dataset
    indices: Array
    relabel: Mapping[str, Array]

    def gather(self, positions: Array) -> Batch:
        """The samples at ``positions`` within the split, as the dataset has them."""
        batch = self.dataset.gather(self.indices[positions])
        if not self.relabel:
            return batch
        targets = {
            name: self.relabel[name][array] if name in self.relabel else array
            for name, array in batch.targets.items()
        }
        return Batch(batch.inputs, targets, batch.weights)


class Data:
    """What a spec's ``data`` part stands for.

    Attributes:
        root: Where relative paths start.
        splits: The three splits; one may be empty.
        raw: What each input and target holds before preprocessing.
        inputs: What each input holds, after preprocessing.
        targets: What each target holds, after preprocessing.
        preprocessing: The transforms, fitted on the training split.
        fingerprints: Of each dataset, by the part of the spec that names it.
    """

    def __init__(
        self,
        spec: DataSpec,
        root: Path,
        seed: int,
        fitted: Mapping[str, Array] | None = None,
    ) -> None:
        """Open, split and fit.

        Args:
            spec: What the spec says.
            root: Where relative paths start.
            seed: The training's seed.
            fitted: What the transforms learned in an earlier run; fitted anew if None.

        Raises:
            DataError: for data that cannot be trained on.
        """
        self._seed = seed
        self.root = root
        main = open_dataset(spec, root)
        self.raw = {**main.inputs, **main.targets}
        parts = _split(main, spec, spec.split, seed)
        self.splits = {name: Split(main, parts[name], {}) for name in SPLITS}
        self.fingerprints = {"data": main.fingerprint}
        extras: dict[SplitName, Reference | None] = {"val": spec.validation, "test": spec.test}
        for name, reference in extras.items():
            if reference is not None:
                dataset = open_dataset(reference, root)
                where = "data.validation" if name == "val" else "data.test"
                relabel = _relabel(main, dataset, where)
                self.splits[name] = Split(dataset, np.arange(len(dataset)), relabel)
                self.fingerprints[where] = dataset.fingerprint
        if not len(self.splits["train"].indices):
            raise DataError(
                f"no sample is left for training: the dataset has {len(main)}, and validation and"
                " test take them all; see data.split"
            )
        self.preprocessing = Preprocessing(spec.transforms, self.raw)
        if fitted is None:
            self.preprocessing.fit(self._raw_training_batches)
        else:
            self.preprocessing.load_state(fitted)
        self.inputs = {name: self.preprocessing.fields[name] for name in main.inputs}
        self.targets = {name: self.preprocessing.fields[name] for name in main.targets}

    def _raw_training_batches(self) -> Iterator[dict[str, Array]]:
        split = self.splits["train"]
        for positions in chunks(len(split.indices)):
            batch = split.gather(positions)
            yield {**batch.inputs, **batch.targets}

    @property
    def input_shapes(self) -> dict[str, Shape]:
        """Shape of one sample of each input."""
        return {name: field.shape for name, field in self.inputs.items()}

    @property
    def classes(self) -> tuple[str, ...] | None:
        """Names of the classes of the only target, where it has classes."""
        return self.raw[next(iter(self.targets))].classes

    def size(self, split: SplitName) -> int:
        """Samples in a split."""
        return len(self.splits[split].indices)

    def require(self, split: SplitName) -> None:
        """Make sure that a split has samples.

        Raises:
            DataError: if it has none.
        """
        if not self.size(split):
            key = {"train": "train", "val": "validation", "test": "test"}[split]
            raise DataError(
                f"the {split} split is empty; give data.split.{key} a part, or data.{key} a dataset"
            )

    def order(self, epoch: int) -> Array:
        """The training samples' positions in the order of an epoch, (N,)."""
        return derive("order", self._seed, epoch).permutation(self.size("train"))

    def batch(self, split: SplitName, positions: Array, *, epoch: int | None = None) -> Batch:
        """Preprocessed samples.

        Args:
            split: Which split.
            positions: Which samples of the split, (N,).
            epoch: The epoch, in training; None in evaluation.
        """
        raw = self.splits[split].gather(positions)
        arrays = {**raw.inputs, **raw.targets}
        if epoch is None:
            arrays = self.preprocessing.apply(arrays, no_random, training=False)
        else:
            samples = self.splits[split].indices[positions]
            arrays = self.preprocessing.apply(
                arrays,
                lambda i: derive("sample", self._seed, epoch, int(samples[i])),
                training=True,
            )
        return Batch(
            {name: arrays[name] for name in raw.inputs},
            {name: arrays[name] for name in raw.targets},
            raw.weights,
        )

    def batches(self, split: SplitName, size: int) -> Iterator[Batch]:
        """A whole split in evaluation mode, in order."""
        for positions in chunks(self.size(split), size):
            yield self.batch(split, positions)

    def check_targets(self, loss: Loss, out_shape: Shape) -> None:
        """Make sure that the loss can use every target, before training starts.

        Raises:
            ShapeError: if the network's output and the targets do not fit together.
            DataError: for an impossible target; it names file and row.
        """
        if not isinstance(loss, CheckedLoss):
            return
        name = next(iter(self.targets))
        loss.check_shapes(out_shape, self.targets[name].shape)
        for split in SPLITS:
            for positions in chunks(self.size(split)):
                targets = self.batch(split, positions).targets[name]
                bad = loss.bad_target(out_shape, targets)
                if bad is not None:
                    part = self.splits[split]
                    place = where(part.dataset, int(part.indices[positions[bad[0]]]))
                    raise DataError(f"{place}: {bad[1]}")

    def class_counts(self) -> Array:
        """How many training samples each class has, (classes,).

        Raises:
            DataError: if the target has no classes.
        """
        name = next(iter(self.targets))
        classes = self.raw[name].classes
        if classes is None:
            raise DataError("class weights need a target with classes; this one is a number")
        counts = np.zeros(len(classes), np.int64)
        for batch in self._raw_training_batches():
            counts += np.bincount(batch[name].reshape(-1), minlength=len(classes))
        return counts


def open_dataset(reference: Reference, root: Path) -> Dataset:
    """The dataset that a spec names, opened.

    Raises:
        DataError: for data that cannot be trained on.
    """
    known = registry.default()
    config = resolve_paths(known.config(reference), root)
    dataset: Dataset = known.load("datasets", reference.type)(config)
    if not len(dataset):
        raise DataError(f"the dataset {reference.type!r} has no samples")
    return dataset


def where(dataset: Dataset, index: int) -> str:
    """Where a sample comes from, as exactly as its dataset can say."""
    return dataset.where(index) if isinstance(dataset, Located) else f"sample {index}"


def chunks(total: int, size: int = CHUNK) -> Iterator[Array]:
    """Positions 0 to ``total``, ``size`` at a time."""
    for start in range(0, total, size):
        yield np.arange(start, min(start + size, total))


def _split(dataset: Dataset, spec: DataSpec, split: SplitSpec, seed: int) -> dict[SplitName, Array]:
    """Indices of each split, ascending; fixed by the seed, whatever the order on disk."""
    parts = {
        "val": DEFAULT_PART if spec.validation is None else 0,
        "test": DEFAULT_PART if spec.test is None else 0,
    }
    if split.validation is not None:
        parts["val"] = split.validation
    if split.test is not None:
        parts["test"] = split.test
    for name, extra in (("val", spec.validation), ("test", spec.test)):
        if extra is not None and parts[name]:
            raise DataError(f"the {name} split is a dataset of its own: data.split may not cut one")
    total = len(dataset)
    counts = {name: _count(part, total) for name, part in parts.items()}
    if sum(counts.values()) > total:
        raise DataError(
            f"validation ({counts['val']}) and test ({counts['test']}) want more samples than the"
            f" {total} there are"
        )
    rng = derive("split", seed if split.seed is None else split.seed)
    shuffled = rng.permutation(total)
    if split.stratify:
        shuffled = _interleave_classes(shuffled, _labels(dataset))
    val, test = counts["val"], counts["test"]
    return {
        "val": np.sort(shuffled[:val]),
        "test": np.sort(shuffled[val : val + test]),
        "train": np.sort(shuffled[val + test :]),
    }


def _count(part: float, total: int) -> int:
    return round(part * total) if part < 1 else int(part)


def _interleave_classes(shuffled: Array, labels: Array) -> Array:
    """The samples so ordered that every stretch of them has the classes in proportion.

    The k-th of the n samples of a class goes to the place (k + 1/2) / n.
    """
    own = labels[shuffled]
    place = np.empty(len(shuffled))
    for label in np.unique(own):
        members = np.flatnonzero(own == label)
        place[members] = (np.arange(len(members)) + 0.5) / len(members)
    return shuffled[np.argsort(place, kind="stable")]


def _labels(dataset: Dataset) -> Array:
    name, field = next(iter(dataset.targets.items()))
    if field.classes is None or field.shape:
        raise DataError("data.split.stratify needs a target with classes, one for each sample")
    return np.concatenate(
        [dataset.gather(indices).targets[name] for indices in chunks(len(dataset))]
    )


def _relabel(main: Dataset, other: Dataset, part: str) -> dict[str, Array]:
    """How class indices of ``other`` translate to those of ``main``, where they differ.

    Raises:
        DataError: if the two hold different things, or ``other`` has classes of its own.
    """
    translations = {}
    for kind in ("inputs", "targets"):
        ours: Mapping[str, Field] = getattr(main, kind)
        theirs: Mapping[str, Field] = getattr(other, kind)
        for name, field in ours.items():
            if name not in theirs or theirs[name].shape != field.shape:
                found = theirs[name].shape if name in theirs else "missing"
                raise DataError(
                    f"{part}: {name!r} is {found}, and {field.shape} in the training data"
                )
            classes, known = theirs[name].classes, field.classes
            if classes is None or known is None or classes == known[: len(classes)]:
                continue
            if unknown := [c for c in classes if c not in known]:
                raise DataError(
                    f"{part}: the class {unknown[0]!r} of {name!r} is none of the training data's:"
                    f" {', '.join(known)}"
                )
            translations[name] = np.array([known.index(c) for c in classes], np.int64)
    return translations
