"""Conversion of a table into a folder of .npy files."""

import json
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tinynet.builtin.tables.cells import MissingMarkers, SourceColumn
from tinynet.builtin.tables.learned import in_order
from tinynet.builtin.tables.raw_table import RawTable
from tinynet.commands.conversion.faults import FaultyColumns
from tinynet.commands.conversion.new_folder import new_folder
from tinynet.commands.conversion.npy_writer import NpyWriter
from tinynet.commands.conversion.source import Progress, TableSource
from tinynet.errors import DataError
from tinynet.types import Array

OWN_ENDINGS = (".npy", ".json")
"""Endings of the files in a folder that was converted."""

MAX_CLASSES = 10_000
"""Most classes of a target; more are a mistake."""

SPEC = "data.json"
"""The file with the ``data`` of a spec that reads the folder."""


@dataclass(frozen=True)
class NpyFolder:
    """The result of a conversion: rows, files, features, and the ``data`` of a spec."""

    rows: int
    files: list[str]
    features: list[str]
    data: dict[str, Any]


def write_npy_folder(
    source: TableSource, folder: Path, dtype: str, force: bool, progress: Progress
) -> NpyFolder:
    """Write the columns as ``inputs.npy`` (N, F), and the target as ``targets.npy`` (N,).

    Raises:
        DataError: for a source that cannot be read, and listing all columns with cells that are
            not finite numbers.
        RunExistsError: if the folder exists and may not be replaced.
    """
    with new_folder(folder, force, OWN_ENDINGS) as temporary:
        target = _Target(source)
        if source.target is not None:
            target.learn()
        names: list[str] = []

        def choose(header: Any) -> list[str]:
            names[:] = source.features(header)
            if not names:
                raise DataError(f"{source.path} has no column besides the target")
            return [*names, *([target.name] if target.name is not None else [])]

        with ExitStack() as stack:
            files: dict[str, NpyWriter] = {}

            def writer(name: str, dtype: str, shape: tuple[int, ...]) -> NpyWriter:
                file = stack.enter_context(open(temporary / name, "w+b"))
                return files.setdefault(name, NpyWriter(file, np.dtype(dtype), shape))

            faults = FaultyColumns()
            for part in source.parts(choose, progress):
                inputs = files.get("inputs.npy") or writer("inputs.npy", dtype, (len(names),))
                inputs.write(_numbers(source, part, names, faults))
                if target.name is not None:
                    kind = "int64" if target.classes is not None else dtype
                    targets = files.get("targets.npy") or writer("targets.npy", kind, ())
                    targets.write(target.values(part, faults))
            kept = [name for name in names if name not in faults.columns]
            faults.require_none(source.path, kept)
            rows = files["inputs.npy"].rows
            if not rows:
                raise DataError(f"{source.path} has a header and no rows")
            for file in files.values():
                file.finish()
        data = _spec(folder, target)
        (temporary / SPEC).write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    return NpyFolder(rows, sorted([*files, SPEC]), names, data)


def _numbers(source: TableSource, part: RawTable, names: list[str], faults: FaultyColumns) -> Array:
    """Return the columns (N, F) of a part, float64; cells that are no number become faults."""
    result = np.empty((part.rows, len(names)))
    for position, name in enumerate(names):
        result[:, position] = _column(part, name, faults)
    return result


def _column(part: RawTable, name: str, faults: FaultyColumns) -> Array:
    cells = part.columns[name]
    if cells.dtype.kind in "bif":
        values = cells.astype(np.float64)
    elif part.typed:
        values = np.full(part.rows, np.nan)
    else:
        values, _ = part.parse_numbers(name)
    faults.add(part, name, ~np.isfinite(values))
    return values


@dataclass
class _Target:
    """The target column: its classes, if it holds classes."""

    source: TableSource
    name: str | None = None
    classes: list[str] | None = None
    _index: dict[str, int] = field(default_factory=dict)

    def learn(self) -> None:
        """Read the column once, to see whether it holds classes, and which."""
        labels: set[str] = set()
        numbers = False

        def choose(header: Any) -> list[str]:
            self.name = self.source.find_target(header)
            return [str(self.name)]

        for part in self.source.parts(choose):
            column = self._column(part)
            if column.numbers is not None and not column.is_boolean:
                numbers |= bool(np.isfinite(column.numbers).any())
                if self.source.target_type != "class":
                    continue
            present = column.present
            labels.update(present)
            numbers |= any(part.numbers.parse_one(label) is not None for label in present)
            if len(labels) > MAX_CLASSES:
                break
        kind = self.source.target_type
        if kind == "number" or (kind == "auto" and numbers):
            return
        if len(labels) > MAX_CLASSES:
            raise DataError(
                f"{self.source.path}: the target {self.name!r} has more than {MAX_CLASSES:,}"
                " different labels; choose another column, or --target-type number"
            )
        self.classes = in_order(labels)
        self._index = {label: index for index, label in enumerate(self.classes)}

    def values(self, part: RawTable, faults: FaultyColumns) -> Array:
        """Return the targets of a part (N,): indices of classes, or numbers."""
        assert self.name is not None
        if self.classes is None:
            return _column(part, self.name, faults)
        texts, codes = self._column(part).coded
        places = np.array([self._index.get(text, -1) for text in texts], np.int64)
        values = places[codes] if len(texts) else np.empty(0, np.int64)
        faults.add(part, self.name, values < 0)
        return values

    def _column(self, part: RawTable) -> SourceColumn:
        assert self.name is not None
        return SourceColumn(
            self.name,
            part.columns[self.name],
            part.numbers,
            MissingMarkers(None, part.numbers),
            typed=part.typed,
            underscores=part.underscores,
        )


def _spec(folder: Path, target: _Target) -> dict[str, Any]:
    data: dict[str, Any] = {"type": "npy", "inputs": str(folder / "inputs.npy")}
    if target.name is not None:
        data["targets"] = str(folder / "targets.npy")
    if target.classes is not None:
        data["classes"] = target.classes
    return data
