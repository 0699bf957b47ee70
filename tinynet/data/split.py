"""A split: some samples of a dataset, read when they are needed."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod

import numpy as np

from tinynet.data.indices import Indices
from tinynet.data.splits import POINTER, chunks, gather
from tinynet.dataset import TEXT, Batch, Dataset, Located, LocatedArrays
from tinynet.files.file_rows import LARGE
from tinynet.text.plugin_errors import PluginErrors
from tinynet.types import Array


@dataclass(frozen=True)
class Split:
    """Some samples of a dataset, those at ``indices``, (N,), which may be computed when needed.

    ``relabel`` holds the training data's index of each class, by the name of the array; only for
    arrays whose classes have other indices than in the training data. ``pointer`` is the place of
    the dataset in the spec.
    """

    dataset: Dataset
    indices: Indices
    relabel: Mapping[str, Array]
    pointer: str = POINTER

    def __len__(self) -> int:
        return len(self.indices)

    def at(self, positions: Array) -> "Split":
        """Return the part of the split at ``positions``."""
        return Split(self.dataset, self.indices[positions], self.relabel, self.pointer)

    def parts(self) -> Iterator["Split"]:
        """Iterate over parts of the split that are read at a time."""
        return map(self.at, chunks(len(self)))

    @cached_property
    def sample_bytes(self) -> int:
        """The bytes of a raw sample, without text."""
        fields = [*self.dataset.inputs.values(), *self.dataset.targets.values()]
        return sum(prod(f.shape) * np.dtype(f.dtype).itemsize for f in fields if f.dtype != TEXT)

    @property
    def is_large(self) -> bool:
        """True if the dataset is too large to read it just for a check."""
        return len(self.dataset) * self.sample_bytes >= LARGE

    def read(self, *, inputs: bool = True) -> Batch:
        """Return the raw samples; without ``inputs`` they need not be read."""
        batch = gather(self.dataset, np.asarray(self.indices), self.pointer, inputs=inputs)
        if not self.relabel:
            return batch
        return Batch(self._relabelled(batch.inputs), self._relabelled(batch.targets), batch.weights)

    def read_arrays(self, names: Iterable[str]) -> tuple[dict[str, Array], Array | None]:
        """Return some raw inputs and targets by name, and the weights."""
        required = [*names]
        batch = self.read(inputs=any(name not in self.dataset.targets for name in required))
        arrays = {**batch.inputs, **batch.targets}
        return {name: arrays[name] for name in required}, batch.weights

    def _relabelled(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        return {
            name: self.relabel[name][array] if name in self.relabel else array
            for name, array in arrays.items()
        }

    def place(self, row: int, name: str | None = None) -> str:
        """Return the origin of a sample, or of its array ``name``: file and line, for example."""
        index = int(self.indices[row])
        if name is not None and isinstance(self.dataset, LocatedArrays):
            with PluginErrors(self.dataset, "where_in raised", self.pointer):
                return self.dataset.where_in(name, index)
        if isinstance(self.dataset, Located):
            with PluginErrors(self.dataset, "where raised", self.pointer):
                return self.dataset.where(index)
        return f"sample {index}"


def in_file_order(parts: Iterable[Split]) -> Iterator[Split]:
    """Join the splits of each dataset, so that the first fault in a file is reported first."""
    of_dataset: dict[int, list[Split]] = {}
    for part in parts:
        of_dataset.setdefault(id(part.dataset), []).append(part)
    for joined in of_dataset.values():
        indices = np.sort(np.concatenate([np.asarray(part.indices) for part in joined]))
        yield replace(joined[0], indices=indices)
