"""Samples that a trained network has not seen, opened as its training data were."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from tinynet import registry
from tinynet.builtin.datasets.memory import Memory
from tinynet.builtin.datasets.memory_table import MemoryTable
from tinynet.builtin.datasets.numpy_files import npz_sources
from tinynet.builtin.tables.config import TableConfig
from tinynet.builtin.tables.new_table import NewTable
from tinynet.config import Frozen
from tinynet.data.data import Data
from tinynet.data.given import WEIGHTS, GivenDataset, is_dataset, split_columns
from tinynet.data.given_forms import MEMORY, TABLE, as_table, kind_of
from tinynet.data.learning import load_learned, split_state
from tinynet.data.new_paths import replaced_paths
from tinynet.data.opening import open_dataset, relabel
from tinynet.data.paths import paths_by_key
from tinynet.data.split import Split
from tinynet.data.windows import cut_all_windows
from tinynet.dataset import Batch, Dataset, Field, RowReader
from tinynet.errors import DataError
from tinynet.files.image_objects import are_images
from tinynet.files.nearby import files_of_pattern, suggest_path
from tinynet.files.npy import npz_names
from tinynet.spec.data_spec import DataSpec, SplitSpec
from tinynet.text.wording import format_list
from tinynet.types import Array


@dataclass(frozen=True)
class TrainingFields:
    """The fields of the data that a network was trained on, before preprocessing."""

    inputs: Mapping[str, Field]
    targets: Mapping[str, Field]


def open_new_samples(
    spec: DataSpec,
    trained: TrainingFields,
    samples: Any,
    seed: int,
    fitted: Mapping[str, Array],
    warn: Callable[[str], None],
    root: Callable[[], Path] = Path.cwd,
) -> Data:
    """Return data whose "train" split has all of some new samples, preprocessed as in training.

    Args:
        spec: The data of the run's spec.
        trained: The fields of the training data.
        samples: The path of a file or folder that takes the place of that in the spec, a pattern of
            paths, or a list of these; or samples in memory, see `GivenDataset`.
        seed: The seed of the training.
        fitted: The state of the dataset and the transforms.
        warn: A function that is called with each warning.
        root: Return the folder in which the paths of the spec start; called if they are needed.

    Raises:
        DataError: for samples that do not fit those of the training.
    """

    def open_path(path: str) -> Dataset:
        if spec.type.removeprefix("tinynet-core:") == MEMORY:
            return _of_memory(spec, trained, _arrays_of_file(trained, path))
        return _of_path(spec, path, warn, root)

    if paths := paths_of(samples):
        opened = {path: open_path(path) for path in _expanded(spec, paths)}
    else:
        opened = {"data": _of_memory(spec, trained, samples)}
    learned, _ = split_state(fitted)
    parts = []
    for place, dataset in opened.items():
        encoded = load_learned(dataset, learned)
        if spec.windows is not None:
            encoded = cut_all_windows(encoded, spec, "train")
        parts.append(AsInTraining(encoded, trained, place))
    alike = parts[0] if len(parts) == 1 else Joined(parts)
    whole = SplitSpec(validation=0, test=0, order="as_is")
    changes = {"split": whole, "validation": None, "test": None, "windows": None}
    given = {"/data": GivenDataset(alike, tuple(trained.inputs))}
    return Data(spec.model_copy(update=changes), Path.cwd(), seed, fitted, given)


def paths_of(samples: Any) -> list[str]:
    """Return the paths that samples are given by, one or several; none for samples in memory."""
    several = isinstance(samples, list | tuple)
    paths = samples if several else [samples]
    is_given = all(isinstance(path, str | os.PathLike) for path in paths)
    return [os.fspath(path) for path in paths] if is_given else []


def _expanded(spec: DataSpec, paths: Sequence[str]) -> Iterator[str]:
    """Yield the files of all paths; those of a pattern are one table for windows over its rows."""
    is_table = isinstance(registry.default().config(spec), TableConfig)
    for path in paths:
        files = [path] if os.path.exists(path) else files_of_pattern(path)
        if not files:
            near = suggest_path(Path(path), "data", lambda entry: not entry.name.startswith("."))
            raise DataError(f"no such file or folder: {path}{near}")
        yield from [path] if is_table and spec.windows is not None else files


def _arrays_of_file(trained: TrainingFields, path: str) -> dict[str, Array]:
    """Return the arrays of an .npz file that have the names of a run's arrays."""
    required = [*trained.inputs, *trained.targets]
    listed = format_list([repr(name) for name in required])
    if not path.endswith(".npz"):
        raise DataError(
            f"{path}: the run was trained on arrays in memory, so new samples with their targets"
            f" are an .npz file with the arrays {listed}; or pass them in Python:"
            " tinynet.evaluate(run, data=(x, y))"
        )
    available = npz_names(path)
    if missing := [repr(name) for name in required if name not in available]:
        raise DataError(
            f"{path} lacks the arrays {format_list(missing)}; to evaluate the run it needs {listed}"
        )
    names = [*required, *({WEIGHTS} & {*available} - {*required})]
    return {name: source.values[:] for name, source in npz_sources(path, names).items()}


def _of_path(
    spec: DataSpec, path: str, warn: Callable[[str], None], root: Callable[[], Path]
) -> Dataset:
    """Open a dataset whose paths are replaced; see `replaced_paths`."""
    config = registry.default().config(spec)
    if isinstance(config, TableConfig):
        table = NewTable(config, os.path.abspath(path))
        if table.left_out:
            left, rows = table.left_out, table.left_out + len(table)
            warn(f"{path}: {left:,} of {rows:,} rows have no target, and are left out")
        return cast(Dataset, table)
    kind = spec.type.removeprefix("tinynet-core:")
    failed: DataError | None = None
    for paths in replaced_paths(paths_by_key(config), path, kind, root):
        options = {**spec.options, **paths}
        common = Path(os.path.commonpath([os.path.dirname(path) for path in paths.values()]))
        try:
            return open_dataset(spec.model_copy(update={"options": options}), common)
        except DataError as error:
            failed = error
    assert failed is not None
    raise failed


def _of_memory(spec: DataSpec, trained: TrainingFields, samples: Any) -> Dataset:
    made: Any = samples
    if not is_dataset(samples):
        config = registry.default().config(spec)
        if isinstance(config, TableConfig) and kind_of(samples, config.target)[0] == TABLE:
            options = {name: getattr(config, name) for name in TableConfig.model_fields}
            table = MemoryTable.Config.model_construct(**options)
            made = MemoryTable(table, as_table(samples, config.target))
        else:
            made = _of_arrays(spec, config, trained, samples)
    dataset: Dataset = made
    return dataset


def _of_arrays(spec: DataSpec, config: Frozen, trained: TrainingFields, samples: Any) -> Memory:
    columns = tuple(split_columns(spec) - {*trained.targets})
    arrays = GivenDataset(samples, tuple(trained.inputs), columns).arrays()
    if isinstance(config, Memory.Config):
        return Memory(config, arrays)
    cls = registry.default().load("datasets", spec.type)
    inputs = {name: _as_rows(cls, config, trained, x) for name, x in arrays.inputs.items()}
    return Memory(Memory.Config(), replace(arrays, inputs=inputs, trained=trained.targets))


def _as_rows(cls: type[Any], config: Frozen, trained: TrainingFields, x: Any) -> Any:
    """Return images of Pillow as an array, decoded and resized as in training."""
    if not are_images(x) or not isinstance(cls, RowReader) or len(trained.inputs) != 1:
        return x
    (name,) = trained.inputs
    parts = cls.read_rows(config, x, trained.inputs, {}, ())
    return np.concatenate([part.inputs[name] for part in parts])


class AsInTraining:
    """A dataset with the fields of the training data: its classes have the indices of these.

    Raises:
        DataError: for other arrays, and for classes that the training data lack.
    """

    def __init__(self, dataset: Dataset, trained: TrainingFields, place: str) -> None:
        self._dataset = dataset
        described: Any = replace(
            trained,
            inputs=_without_unnamed(trained.inputs, dataset.inputs),
            targets=trained.targets,
        )
        self._classes = relabel(described, dataset, place)
        self.inputs = dict(trained.inputs)
        self.targets = dict(trained.targets)
        self.fingerprint = dataset.fingerprint

    def __len__(self) -> int:
        return len(self._dataset)

    def gather(self, indices: Array) -> Batch:
        """Return the samples at ``indices`` (N,)."""
        batch = self._split(indices).read()
        inputs = {name: batch.inputs[name] for name in self.inputs}
        return replace(batch, inputs=inputs, targets={n: batch.targets[n] for n in self.targets})

    def where(self, index: int) -> str:
        """Return the origin of a sample."""
        return self._split(np.array([index])).place(0)

    def where_in(self, name: str, index: int) -> str:
        """Return the origin of a sample in one array."""
        return self._split(np.array([index])).place(0, name)

    def _split(self, indices: Array) -> Split:
        return Split(self._dataset, indices, self._classes)


class Joined:
    """Several datasets with the same fields, one after the other."""

    def __init__(self, parts: Sequence[AsInTraining]) -> None:
        self._parts = parts
        self._starts = np.cumsum([0, *map(len, parts)])
        self.inputs, self.targets = parts[0].inputs, parts[0].targets
        self.fingerprint = " ".join(part.fingerprint for part in parts)

    def __len__(self) -> int:
        return int(self._starts[-1])

    def gather(self, indices: Array) -> Batch:
        """Return the samples at ``indices`` (N,)."""
        owners = np.searchsorted(self._starts, indices, side="right") - 1
        order = np.argsort(owners, kind="stable")
        batches = [
            part.gather(indices[owners == number] - self._starts[number])
            for number, part in enumerate(self._parts)
            if (owners == number).any()
        ]
        back = np.argsort(order)
        return Batch(
            {name: np.concatenate([b.inputs[name] for b in batches])[back] for name in self.inputs},
            {n: np.concatenate([b.targets[n] for b in batches])[back] for n in self.targets},
            _weights(batches, back),
        )

    def where(self, index: int) -> str:
        """Return the origin of a sample."""
        part, own = self._own(index)
        return part.where(own)

    def where_in(self, name: str, index: int) -> str:
        """Return the origin of a sample in one array."""
        part, own = self._own(index)
        return part.where_in(name, own)

    def _own(self, index: int) -> tuple[AsInTraining, int]:
        number = int(np.searchsorted(self._starts, index, side="right")) - 1
        return self._parts[number], index - int(self._starts[number])


def _weights(batches: Sequence[Batch], order: Array) -> Array | None:
    weights = [batch.weights for batch in batches]
    if all(part is None for part in weights):
        return None
    present = [part for part in weights if part is not None]
    if len(present) < len(weights):
        raise DataError("some of the files have weights of samples, and others have none")
    joined: Array = np.concatenate(present)[order]
    return joined


def _without_unnamed(trained: Mapping[str, Field], new: Mapping[str, Field]) -> dict[str, Field]:
    """Return fields without the names of features that new arrays have no names for."""
    return {
        name: replace(field, names=None) if name in new and new[name].names is None else field
        for name, field in trained.items()
    }
