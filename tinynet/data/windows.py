"""Windows of consecutive samples, cut from each split of a dataset."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, NamedTuple

import numpy as np
from xxhash import xxh3_128_hexdigest

from tinynet.data.columns import group_codes, read_column, sorted_positions
from tinynet.data.runs import runs_of, sample_steps, short_series
from tinynet.data.splits import POINTER, SplitName, gather
from tinynet.dataset import (
    Batch,
    Dataset,
    DatasetConfig,
    Described,
    Field,
    Located,
    LocatedArrays,
)
from tinynet.errors import DataError
from tinynet.spec.data_spec import DataSpec, SortedOrder
from tinynet.spec.windows_spec import WindowsSpec
from tinynet.text.plugin_errors import PluginErrors
from tinynet.text.warning import warn
from tinynet.text.wording import format_list, suggest
from tinynet.types import Array

TARGET = "target"
"""The name of the target that `targets` selects."""

_SPLITS: dict[SplitName, str] = {"train": "training", "val": "validation", "test": "test"}


class Picked(NamedTuple):
    """One of the values to forecast: an array, or one feature of it."""

    name: str
    array: str
    is_input: bool
    feature: int | None
    field: Field  # of the value alone


class Runs(NamedTuple):
    """Stretches of consecutive samples, and the windows in them.

    Attributes:
        starts: First sample of each run, (R,).
        ends: Number of windows up to the end of each run, (R,).
    """

    starts: Array
    ends: Array

    def first_samples(self, windows: Array, stride: int) -> Array:
        """Return the first sample of some windows."""
        run = np.searchsorted(self.ends, windows, side="right")
        before = np.concatenate([[0], self.ends])[run]
        first: Array = self.starts[run] + stride * (windows - before)
        return first


class WindowedDataset:
    """Windows over another dataset, by index arithmetic: its samples are never copied as a whole.

    Inputs (*shape) become (length, *shape). A window's place is that of its first sample.
    """

    Config: ClassVar[type[Any]] = DatasetConfig
    inputs: Mapping[str, Field]
    targets: Mapping[str, Field]

    def __init__(
        self,
        dataset: Dataset,
        spec: WindowsSpec,
        order: Array | None,
        runs: Runs,
        pointer: str = POINTER,
    ) -> None:
        """Create the windows of some runs.

        Args:
            dataset: The dataset.
            spec: The form of the windows.
            order: The sample at each position of the runs; None if they are the dataset's own.
            runs: The runs of consecutive samples.
            pointer: The place of the dataset in the spec.

        Raises:
            DataError: for targets that do not exist, or cannot be one array.
        """
        self._dataset, self._spec, self._order, self._runs = dataset, spec, order, runs
        self._pointer = pointer
        length = spec.length
        self.inputs = {name: _longer(field, length) for name, field in dataset.inputs.items()}
        self._picked = [] if spec.targets is None else _picked(dataset, spec.targets)
        targets = dict(dataset.targets)
        if spec.targets is not None:
            targets = {TARGET: _joined_field(self._picked)}
        if not targets:
            features = _names_to_forecast(dataset)
            raise DataError(
                "the dataset has no targets to forecast; name some of its columns in"
                f' "windows": {{"targets": [...]}} (available: {format_list([*features])})'
            )
        if spec.target_length is not None:
            targets = {name: _longer(f, spec.target_length) for name, f in targets.items()}
        self.targets = targets
        self.fingerprint = dataset.fingerprint

    def __len__(self) -> int:
        return int(self._runs.ends[-1]) if len(self._runs.ends) else 0

    def gather(self, indices: Array) -> Batch:
        """Return the windows at ``indices`` (N,)."""
        steps = self._samples(indices, np.arange(self._spec.length))
        return replace(self.gather_targets(indices), inputs=self._read(steps).inputs)

    def gather_targets(self, indices: Array) -> Batch:
        """Return the targets of the windows at ``indices`` (N,) without their inputs."""
        ends = self._samples(indices, self._target_steps)
        at_end = self._read(ends, inputs=any(part.is_input for part in self._picked))
        targets = self._forecast(at_end) if self._picked else at_end.targets
        weights = at_end.weights
        if self._spec.target_length is None:
            targets = {name: array[:, 0] for name, array in targets.items()}
            weights = None if weights is None else weights[:, 0]
        return Batch({}, targets, weights)

    @property
    def _target_steps(self) -> Array:
        """Steps of the target, counted from the start of the window."""
        first = self._spec.length - 1 + self._spec.horizon
        return np.arange(first, first + (self._spec.target_length or 1))

    def _samples(self, windows: Array, steps: Array) -> Array:
        """Return the samples at some steps (S,) of some windows (N,): (N, S)."""
        first = self._runs.first_samples(np.asarray(windows), self._spec.stride)
        positions: Array = first[:, np.newaxis] + self._spec.sampling_rate * steps
        return positions if self._order is None else self._order[positions]

    def _read(self, samples: Array, *, inputs: bool = True) -> Batch:
        """Return the samples at indices (N, S), each array (N, S, *shape)."""
        batch = gather(self._dataset, samples.ravel(), self._pointer, inputs=inputs)

        def shaped(array: Array) -> Array:
            return array.reshape(*samples.shape, *array.shape[1:])

        return Batch(
            {name: shaped(array) for name, array in batch.inputs.items()},
            {name: shaped(array) for name, array in batch.targets.items()},
            None if batch.weights is None else shaped(batch.weights),
        )

    def _forecast(self, batch: Batch) -> dict[str, Array]:
        """Return the values to forecast as one array, (N, S) or (N, S, values)."""
        columns = []
        for part in self._picked:
            array = (batch.inputs if part.is_input else batch.targets)[part.array]
            columns.append(array if part.feature is None else array[..., part.feature])
        return {TARGET: columns[0] if len(columns) == 1 else np.stack(columns, axis=-1)}

    # Places -----------------------------------------------------------------------------------

    def where(self, index: int) -> str:
        """Return the place of a window's first sample."""
        sample = self._samples(np.array([index]), np.arange(1)).item()
        return f"the window from {self._place(sample)}"

    def where_in(self, name: str, index: int) -> str:
        """Return the place of a window's first sample in an input, or of its target."""
        if name in self.inputs:
            sample = self._samples(np.array([index]), np.arange(1)).item()
            return f"the window from {self._place(sample, name)}"
        sample = self._samples(np.array([index]), self._target_steps[:1]).item()
        return self._place(sample, self._picked[0].array if self._picked else name)

    def _place(self, sample: int, name: str | None = None) -> str:
        dataset = self._dataset
        if name is not None and isinstance(dataset, LocatedArrays):
            with PluginErrors(dataset, "where_in raised", self._pointer):
                return dataset.where_in(name, sample)
        if isinstance(dataset, Located):
            with PluginErrors(dataset, "where raised", self._pointer):
                return dataset.where(sample)
        return f"sample {sample}"

    def description(self) -> list[str]:
        """Return the lines in which the dataset describes itself."""
        if not isinstance(self._dataset, Described):
            return []
        with PluginErrors(self._dataset, "description raised", self._pointer):
            return self._dataset.description()


def _longer(field: Field, length: int) -> Field:
    return replace(field, shape=(length, *field.shape))


# Targets ----------------------------------------------------------------------------------------


def _picked(dataset: Dataset, names: Sequence[str]) -> list[Picked]:
    """Return the values to forecast.

    Raises:
        DataError: for names that do not exist, and for several that cannot be one array.
    """
    available = _names_to_forecast(dataset)
    if unknown := [name for name in names if name not in available]:
        raise DataError(
            f"data.windows.targets names {format_list(list(map(repr, unknown)))}, which the dataset"
            f" does not have; {suggest(unknown[0], available)}"
        )
    picked = [available[name] for name in names]
    if len(picked) > 1:
        wrong = [n for n in names if available[n].field.shape or available[n].field.classes]
        if wrong:
            raise DataError(
                f"data.windows.targets names several values, of which {format_list(wrong)} cannot"
                " be a number beside others; name it alone"
            )
    return picked


def _names_to_forecast(dataset: Dataset) -> dict[str, Picked]:
    """Return everything that can be forecast, by its name: targets first, then inputs."""
    found: dict[str, Picked] = {}
    for is_input, fields in ((False, dataset.targets), (True, dataset.inputs)):
        for array, field in fields.items():
            for feature, name in enumerate(field.names or () if len(field.shape) == 1 else ()):
                alone = Field((), field.dtype)
                found.setdefault(name, Picked(name, array, is_input, feature, alone))
            found.setdefault(array, Picked(array, array, is_input, None, field))
    return found


def _joined_field(picked: Sequence[Picked]) -> Field:
    if len(picked) == 1:
        return picked[0].field
    dtype = np.result_type(*(part.field.dtype for part in picked))
    return Field((len(picked),), dtype.name, names=tuple(part.name for part in picked))


# Splits -----------------------------------------------------------------------------------------


def cut_windows(
    dataset: Dataset,
    data: DataSpec,
    parts: Mapping[SplitName, Array],
    pointer: str = POINTER,
) -> tuple[Dataset, dict[SplitName, Array]]:
    """Return the windows within each split, and the indices of those of each split.

    A window neither crosses from one series to the next nor a row that the dataset leaves out.

    Args:
        dataset: The dataset.
        data: The windows, and the split.
        parts: The samples of each split, in order.
        pointer: The place of the dataset in the spec.

    Raises:
        DataError: for a split without a window, with the samples that it has and needs.
    """
    spec = data.windows
    assert spec is not None
    values = codes = None
    if spec.by is not None:
        values = read_column(dataset, spec.by, "data.windows.by", pointer)
        codes = group_codes(values)
    steps = sample_steps(dataset, spec.by, data.split.order, pointer)
    ordered: dict[SplitName, Array] = {}
    lengths: dict[SplitName, Array] = {}  # of the runs
    for split, samples in parts.items():
        ordered[split], lengths[split] = runs_of(samples, codes, steps)
    counts = {name: _windows_in(runs, spec) for name, runs in lengths.items()}
    for split, samples in parts.items():
        if len(samples) and not counts[split].any():
            raise DataError(_no_window(spec, split, lengths[split]))
        if values is not None and codes is not None:
            first = ordered[split][np.cumsum(lengths[split]) - lengths[split]]
            short = short_series(values[first], codes[first], lengths[split], counts[split])
            if short:
                warn(f"{_place_of(split, pointer)}: {short}")
    joined = not all(map(_is_range, ordered.values()))
    starts, base = [], 0
    for split, samples in ordered.items():
        first = int(samples[0]) if len(samples) and not joined else base
        starts.append(first + np.cumsum(lengths[split]) - lengths[split])
        base += len(samples)
    runs = Runs(np.concatenate(starts), np.cumsum(np.concatenate(list(counts.values()))))
    order = np.concatenate(list(ordered.values())) if joined else None
    ends = np.cumsum([int(own.sum()) for own in counts.values()])
    own = {
        split: np.arange(end - int(counts[split].sum()), end)
        for split, end in zip(counts, ends.tolist(), strict=True)
    }
    return WindowedDataset(dataset, spec, order, runs, pointer), own


def cut_all_windows(
    dataset: Dataset, spec: DataSpec, split: SplitName, pointer: str = POINTER
) -> Dataset:
    """Return all windows of a dataset, the samples of which are in the order of the spec's split.

    Raises:
        DataError: as of `cut_windows`.
    """
    assert spec.windows is not None
    samples = np.arange(len(dataset))
    if isinstance(spec.split.order, SortedOrder):
        samples = sorted_positions(dataset, spec.split.order.by, "data.split.order.by", pointer)
    return cut_windows(dataset, spec, {split: samples}, pointer)[0]


def series_fingerprint(dataset: Dataset, spec: WindowsSpec) -> dict[str, str]:
    """Return the fingerprint of the column that names the series, by its place in the spec."""
    if spec.by is None:
        return {}
    codes = group_codes(read_column(dataset, spec.by, "data.windows.by"))
    return {"data.windows": xxh3_128_hexdigest(np.ascontiguousarray(codes, "<i8").data)}


def _windows_in(lengths: Array, spec: WindowsSpec) -> Array:
    """Return the number of windows in runs of some lengths."""
    counts: Array = np.maximum(0, (lengths - spec.span) // spec.stride + 1)
    return counts


def _place_of(split: SplitName, pointer: str) -> str:
    return f"the {_SPLITS[split]} split" if pointer == POINTER else pointer[1:].replace("/", ".")


def _is_range(samples: Array) -> bool:
    return bool((np.diff(samples) == 1).all())


def _no_window(spec: WindowsSpec, split: SplitName, lengths: Array) -> str:
    longest = int(lengths.max())
    samples = f"the {_SPLITS[split]} split has {longest:,} samples"
    if len(lengths) > 1 or spec.by is not None:
        runs = "stretches without a gap" if spec.by is None else f"series (by {spec.by!r})"
        samples = (
            f"the longest of {len(lengths):,} {runs} in the {_SPLITS[split]} split"
            f" has {longest:,} samples"
        )
    details = [f"length {spec.length}", f"horizon {spec.horizon}"]
    if spec.target_length is not None:
        details.append(f"target_length {spec.target_length}")
    if spec.sampling_rate > 1:
        details.append(f"sampling_rate {spec.sampling_rate}")
    remedy = "reduce data.windows.length or data.windows.horizon"
    if split != "train":
        key = "validation" if split == "val" else split
        remedy += f", or hold out more samples with data.split.{key}"
    return (
        f"{samples}, but a window and its target take {spec.span:,} ({', '.join(details)});"
        f" {remedy}"
    )
