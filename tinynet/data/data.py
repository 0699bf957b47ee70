"""The data of a spec: datasets opened, split, shuffled and preprocessed, batch by batch.

All randomness derives from keys: the split from the split's seed, the order of an epoch from
(seed, epoch), augmentation from (seed, epoch, sample, position of the transform in the spec).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from tinynet import registry
from tinynet.config import Reference
from tinynet.data.fields import check_fields
from tinynet.data.paths import require_inside, resolve_paths
from tinynet.data.preprocessing import Preprocessing, no_random
from tinynet.data.ranges import may_overflow, naming_samples, require_finite
from tinynet.data.splits import POINTER, SplitName, chunks, gather, split_indices
from tinynet.dataset import Batch, Dataset, Field, Located, LocatedArrays
from tinynet.errors import DataError
from tinynet.kernels.random import derive
from tinynet.spec.data_spec import DataSpec
from tinynet.text.plugin_errors import PluginErrors
from tinynet.types import Array, Shape

_PLACES: dict[SplitName, str] = {"val": "data.validation", "test": "data.test"}
"""The place in the spec of the datasets of splits that have their own."""


@dataclass(frozen=True)
class Split:
    """Some samples of a dataset.

    Attributes:
        dataset: The dataset.
        indices: Its samples, (N,).
        relabel: The training data's index of each class, by the name of the array; only for arrays
            whose classes have other indices than in the training data.
    """

    dataset: Dataset
    indices: Array
    relabel: Mapping[str, Array]

    def gather(self, positions: Array) -> Batch:
        """Return the raw samples at ``positions`` within the split."""
        batch = gather(self.dataset, self.indices[positions])
        if not self.relabel:
            return batch
        return Batch(self._relabelled(batch.inputs), self._relabelled(batch.targets), batch.weights)

    def _relabelled(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        return {
            name: self.relabel[name][array] if name in self.relabel else array
            for name, array in arrays.items()
        }


@dataclass(frozen=True)
class TargetBatch:
    """Preprocessed targets of some samples of a dataset.

    Attributes:
        targets: The targets by name, (N, *shape) each.
        dataset: The dataset.
        indices: The samples, (N,).
    """

    targets: dict[str, Array]
    dataset: Dataset
    indices: Array

    def __len__(self) -> int:
        return len(self.indices)

    def place(self, row: int, name: str) -> str:
        """Return the origin of the target ``name`` of a row, such as file and line."""
        index = int(self.indices[row])
        if isinstance(self.dataset, LocatedArrays):
            return self.dataset.where_in(name, index)
        return where(self.dataset, index)


class Data:
    """The data of a spec.

    Attributes:
        root: The folder where relative paths start.
        splits: The three splits; one may be empty.
        raw: The field of each input and target before preprocessing.
        inputs: The field of each input after preprocessing.
        targets: The field of each target after preprocessing.
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
            spec: The spec's ``data``.
            root: The folder where relative paths start.
            seed: The training's seed.
            fitted: The state of transforms that are already fitted; None fits them.

        Raises:
            SpecError: for invalid splits and transforms.
            DataError: for data that cannot be trained on.
        """
        self._seed = seed
        self.root = root
        extras: dict[SplitName, Reference | None] = {"val": spec.validation, "test": spec.test}
        _require_inside({"data": spec, **{_PLACES[name]: extras[name] for name in extras}}, root)
        main = open_dataset(spec, root)
        self.raw = {**main.inputs, **main.targets}
        parts = split_indices(main, spec, seed)
        self.splits = {name: Split(main, indices, {}) for name, indices in parts.items()}
        self.fingerprints = {"data": main.fingerprint}
        for name, reference in extras.items():
            if reference is not None:
                where = _PLACES[name]
                dataset = open_dataset(reference, root, f"/{where.replace('.', '/')}")
                relabel = _relabel(main, dataset, where)
                self.splits[name] = Split(dataset, np.arange(len(dataset)), relabel)
                self.fingerprints[where] = dataset.fingerprint
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
        """The shape of one sample of each input."""
        return {name: field.shape for name, field in self.inputs.items()}

    def size(self, split: SplitName) -> int:
        """Return the number of samples in a split."""
        return len(self.splits[split].indices)

    @cached_property
    def weighted(self) -> bool:
        """True if a dataset has sample weights."""
        parts = [split for split in self.splits.values() if len(split.indices)]
        return any(part.gather(np.arange(1)).weights is not None for part in parts)

    def require(self, split: SplitName) -> None:
        """Require a split to have samples.

        Raises:
            DataError: if it is empty, or there is no such split.
        """
        if split not in self.splits:
            raise DataError(f"there is no split {split!r}; available: {', '.join(self.splits)}")
        if not self.size(split):
            key = {"train": "train", "val": "validation", "test": "test"}[split]
            raise DataError(
                f"the {split} split is empty; give data.split.{key} a part, or data.{key} a dataset"
            )

    def order(self, epoch: int) -> Array:
        """Return the training samples' positions in the order of an epoch, (N,)."""
        return derive("order", self._seed, epoch).permutation(self.size("train"))

    def batch(self, split: SplitName, positions: Array, *, epoch: int | None = None) -> Batch:
        """Return preprocessed samples of a split; ``epoch`` is None in evaluation."""
        raw = self.splits[split].gather(positions)
        arrays = {**raw.inputs, **raw.targets}
        if epoch is None:
            arrays = self.preprocessing.apply(arrays, no_random, training=False)
        else:
            samples = self.splits[split].indices[positions]
            arrays = self.preprocessing.apply(
                arrays,
                lambda position, i: derive("sample", self._seed, epoch, int(samples[i]), position),
                training=True,
            )
        return Batch(
            {name: arrays[name] for name in raw.inputs},
            {name: arrays[name] for name in raw.targets},
            raw.weights,
        )

    def batches(self, split: SplitName, size: int) -> Iterator[Batch]:
        """Iterate over a split in evaluation mode, in order."""
        for positions in chunks(self.size(split), size):
            yield self.batch(split, positions)

    def target_batches(self) -> Iterator["TargetBatch"]:
        """Iterate over the preprocessed targets of all samples of every split."""
        for part in self.splits.values():
            for positions in chunks(len(part.indices)):
                raw = part.gather(positions).targets
                indices = part.indices[positions]
                with naming_samples(partial(_place, part.dataset, indices)):
                    targets = self.preprocessing.apply(raw)
                yield TargetBatch(targets, part.dataset, indices)

    def require_finite(self, dtype: np.dtype[Any], *splits: SplitName) -> None:
        """Require preprocessed values of some splits, or of all, to be finite in a dtype.

        Raises:
            DataError: with file and row of the first value that is not.
        """
        preprocessing = self.preprocessing
        names = [n for n in preprocessing.fields if may_overflow(preprocessing, n, dtype)]
        for part in _in_file_order(self.splits[s] for s in splits or self.splits) if names else ():
            for positions in chunks(len(part.indices)):
                raw = part.gather(positions)
                arrays = {**raw.inputs, **raw.targets}
                place = partial(_place, part.dataset, part.indices[positions])
                with naming_samples(place):
                    ready = preprocessing.apply({name: arrays[name] for name in names})
                require_finite(preprocessing, ready, dtype, place)

    def place(self, split: SplitName, position: int) -> str:
        """Return the origin of a sample of a split, such as file and line."""
        part = self.splits[split]
        return where(part.dataset, int(part.indices[position]))

    def class_counts(self, target: str) -> Array:
        """Return the number of training samples of each class of a target, (classes,)."""
        classes = self.raw[target].classes or ()
        counts = np.zeros(len(classes), np.int64)
        for batch in self._raw_training_batches():
            counts += np.bincount(batch[target].reshape(-1), minlength=len(classes))
        return counts


def _in_file_order(parts: Iterable[Split]) -> Iterator[Split]:
    """Join the splits of each dataset, so that the first fault in a file is reported first."""
    of_dataset: dict[int, list[Split]] = {}
    for part in parts:
        of_dataset.setdefault(id(part.dataset), []).append(part)
    for joined in of_dataset.values():
        indices = np.sort(np.concatenate([part.indices for part in joined]))
        yield Split(joined[0].dataset, indices, joined[0].relabel)


def _place(dataset: Dataset, indices: Array, row: int) -> str:
    return where(dataset, int(indices[row]))


def _require_inside(references: Mapping[str, Reference | None], root: Path) -> None:
    """Require the paths of all datasets to lie in ``root``; see `require_inside`."""
    config = registry.default().config
    require_inside({at: config(ref) for at, ref in references.items() if ref is not None}, root)


def open_dataset(reference: Reference, root: Path, pointer: str = POINTER) -> Dataset:
    """Open the dataset that a part of a spec, at ``pointer``, names.

    Raises:
        DataError: for data that cannot be trained on.
        PluginError: for a dataset whose description a checkpoint cannot hold.
    """
    plugins = registry.default()
    config = resolve_paths(plugins.config(reference), root)
    dataset: Dataset = plugins.construct(reference, config)
    with PluginErrors(dataset, "__len__ raised", pointer):
        samples = len(dataset)
    check_fields(dataset, pointer)
    if not samples:
        raise DataError(f"the dataset {reference.type!r} has no samples")
    return dataset


def where(dataset: Dataset, index: int) -> str:
    """Return the origin of a sample, as precisely as its dataset knows it."""
    return dataset.where(index) if isinstance(dataset, Located) else f"sample {index}"


def _relabel(main: Dataset, other: Dataset, part: str) -> dict[str, Array]:
    """Return the class indices of ``main`` by those of ``other``, for arrays where they differ.

    Raises:
        DataError: if the fields differ, or ``other`` has classes that ``main`` does not have.
    """
    translations = {}
    for kind in ("inputs", "targets"):
        ours: Mapping[str, Field] = getattr(main, kind)
        theirs: Mapping[str, Field] = getattr(other, kind)
        for name, field in ours.items():
            if name not in theirs:
                raise DataError(f"{part} has no array {name!r}, which the training data have")
            _require_alike(field, theirs[name], f"{part}: {name!r}")
            classes, trained = theirs[name].classes or (), field.classes or ()
            if new := [c for c in classes if c not in trained]:
                raise DataError(
                    f"{part}: the training data do not have the class {new[0]!r} of {name!r};"
                    f" they have {', '.join(trained)}"
                )
            if classes != trained[: len(classes)]:
                translations[name] = np.array([trained.index(c) for c in classes], np.int64)
    return translations


def _require_alike(ours: Field, theirs: Field, what: str) -> None:
    if theirs.shape != ours.shape:
        raise DataError(f"{what} has shape {theirs.shape}, but {ours.shape} in the training data")
    if (theirs.classes is None) != (ours.classes is None):
        kinds = {True: "numbers", False: "classes"}
        raise DataError(
            f"{what} holds {kinds[theirs.classes is None]}, and {kinds[ours.classes is None]} in"
            " the training data"
        )
    if theirs.names != ours.names:
        raise DataError(
            f"{what} has the features {', '.join(theirs.names or ('without names',))}, and"
            f" {', '.join(ours.names or ('without names',))} in the training data"
        )
