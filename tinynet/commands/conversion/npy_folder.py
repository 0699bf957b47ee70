"""Conversion of a table into a folder of .npy files."""

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tinynet.builtin.tables.raw_table import RawTable
from tinynet.commands.conversion.faults import FaultyColumns
from tinynet.commands.conversion.labels import MAX_LABELS, Labels, collect_labels, source_column
from tinynet.commands.conversion.new_folder import new_folder
from tinynet.commands.conversion.npy_writer import NpyWriter
from tinynet.commands.conversion.source import Progress, TableSource
from tinynet.errors import DataError
from tinynet.types import Array

OWN_ENDINGS = (".npy", ".json")
"""Endings of the files in a folder that was converted."""

SPEC, FEATURES = "data.json", "features.json"
"""The files with the ``data`` of a spec that reads the folder, and the names of the features."""


@dataclass(frozen=True)
class NpyFolder:
    """The result of a conversion: rows, files, features, and the ``data`` of a spec."""

    rows: int
    files: list[str]
    features: list[str]
    data: dict[str, Any]


@dataclass(frozen=True)
class NpyOptions:
    """The form of the arrays.

    Attributes:
        dtype: The dtype of numbers.
        fill: The number in place of a missing one; None: a missing number is an error.
        one_hot: The columns of categories, of which each becomes a feature of 0 and 1.
    """

    dtype: str = "float64"
    fill: float | None = None
    one_hot: tuple[str, ...] = ()


def write_npy_folder(
    source: TableSource, folder: Path, options: NpyOptions, force: bool, progress: Progress
) -> NpyFolder:
    """Write the columns as ``inputs.npy`` (N, F), and the target as ``targets.npy`` (N,).

    Raises:
        DataError: for a source that cannot be read, and listing all columns with cells that cannot
            be converted.
        RunExistsError: if the folder exists and may not be replaced.
    """
    with new_folder(folder, force, OWN_ENDINGS) as temporary:
        encoding = _Encoding(source, options)
        encoding.learn()
        with ExitStack() as stack:
            files: dict[str, NpyWriter] = {}

            def writer(name: str, rows: Array) -> NpyWriter:
                if name not in files:
                    file = stack.enter_context(open(temporary / name, "w+b"))
                    files[name] = NpyWriter(file, rows.dtype, rows.shape[1:])
                return files[name]

            for part in source.parts(lambda header: encoding.columns, progress):
                inputs = encoding.inputs(part)
                writer("inputs.npy", inputs).write(inputs)
                if encoding.target is not None:
                    targets = encoding.targets(part)
                    writer("targets.npy", targets).write(targets)
            encoding.faults.require_none(source.path, encoding.features, encoding.target)
            rows = files["inputs.npy"].rows
            if not rows:
                raise DataError(f"{source.path} has a header and no rows")
            for file in files.values():
                file.finish()
        names, data = encoding.names, _spec(folder, encoding)
        for file_name, content in ((SPEC, data), (FEATURES, names)):
            text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
            (temporary / file_name).write_text(text, encoding="utf-8")
    return NpyFolder(rows, sorted([*files, SPEC, FEATURES]), names, data)


@dataclass
class _Encoding:
    """The conversion of columns to numbers."""

    source: TableSource
    options: NpyOptions
    features: Sequence[str] = ()
    target: str | None = None
    faults: FaultyColumns = field(default_factory=FaultyColumns)
    categories: dict[str, Labels] = field(default_factory=dict)
    classes: Labels | None = None  # of the target, if it holds classes

    @property
    def columns(self) -> list[str]:
        """All columns that are read."""
        return [*self.features, *([] if self.target is None else [self.target])]

    @property
    def names(self) -> list[str]:
        """The names of the features."""
        return [
            name if label is None else f"{name}={label}"
            for name in self.features
            for label in self._labels(name)
        ]

    def learn(self) -> None:
        """Read the table once for the labels of the target and of the categories, if any."""

        def choose(header: Sequence[str]) -> Sequence[str]:
            self.features = self.source.features(header)
            self.target = self.source.find_target(header)
            return []

        next(self.source.parts(choose))
        if not self.features:
            raise DataError(f"{self.source.path} has no column besides the target")
        if unknown := [name for name in self.options.one_hot if name not in self.features]:
            raise DataError(f"{self.source.path}: {unknown[0]!r} is not a column to convert")
        self.categories = {name: Labels(name, of_numbers=True) for name in self.options.one_hot}
        labels = list(self.categories.values())
        kind, target = self.source.target_type, None
        if self.target is not None and kind != "number":
            target = Labels(self.target, of_numbers=kind == "class")
            labels.append(target)
        collect_labels(self.source, labels)
        if target is not None and (kind == "class" or not target.has_numbers):
            self.classes = target
        for column in (*self.categories.values(), *([self.classes] if self.classes else ())):
            if column.too_many:
                raise DataError(
                    f"{self.source.path}: column {column.name!r} has more than {MAX_LABELS:,}"
                    " different labels, too many for classes or categories; leave it out"
                )

    def inputs(self, part: RawTable) -> Array:
        """Return the features of a part (N, F)."""
        width = sum(len(self._labels(name)) for name in self.features)
        result = np.zeros((part.rows, width), self.options.dtype)
        start = 0
        for name in self.features:
            stop = start + len(self._labels(name))
            if name in self.categories:
                indices = self.categories[name].indices(part)
                known = np.flatnonzero(indices >= 0)
                result[known, start + indices[known]] = 1
            else:
                result[:, start] = self._numbers(part, name, self.options.fill)
            start = stop
        return result

    def targets(self, part: RawTable) -> Array:
        """Return the targets of a part (N,): indices of classes, or numbers."""
        assert self.target is not None
        if self.classes is None:
            return self._numbers(part, self.target, None).astype(self.options.dtype)
        indices = self.classes.indices(part)
        self.faults.add(part, self.target, indices < 0)
        return indices

    def _labels(self, name: str) -> Sequence[str | None]:
        """Return the labels of a column of categories; a single None for numbers."""
        return self.categories[name].ordered if name in self.categories else [None]

    def _numbers(self, part: RawTable, name: str, fill: float | None) -> Array:
        cells = part.columns[name]
        if cells.dtype.kind in "bif":
            values = cells.astype(np.float64)
            missing = np.isnan(values)
        elif part.typed:
            values = np.full(part.rows, np.nan)
            missing = np.array([cell is None for cell in cells.tolist()], bool)
        else:
            values, wrong = part.parse_numbers(name)
            missing = np.isnan(values) & ~wrong
            if wrong.any():
                column = source_column(part, name)
                missing |= column.where(column.is_missing)
        if fill is not None:
            values = np.where(missing, fill, values)
        self.faults.add(part, name, ~np.isfinite(values), missing)
        return values


def _spec(folder: Path, encoding: _Encoding) -> dict[str, Any]:
    data: dict[str, Any] = {"type": "npy", "inputs": str(folder / "inputs.npy")}
    if encoding.target is not None:
        data["targets"] = str(folder / "targets.npy")
    if encoding.classes is not None:
        data["classes"] = encoding.classes.ordered
    return data
