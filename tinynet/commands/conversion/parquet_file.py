"""Conversion of a text table into a Parquet file."""

import re
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path
from typing import Any

import numpy as np

from tinynet.builtin.tables.cells import MissingMarkers
from tinynet.builtin.tables.parquet_files import import_parquet
from tinynet.builtin.tables.raw_table import RawTable
from tinynet.commands.conversion.source import Progress, TableSource
from tinynet.errors import DataError, RunExistsError
from tinynet.files.atomic import WriteAt, replacing_output

_ROW_GROUP = 1 << 16
"""Rows that are written, and later read, at a time."""

_LEADING_ZERO = re.compile(r"[+-]?0[0-9]", re.ASCII)

_UNSCALED = re.compile(r"[^.eE]+")
"""An integer, perhaps with thousands separators."""


@dataclass(frozen=True)
class ParquetFile:
    """The result of a conversion: rows, and the type of each column."""

    rows: int
    columns: dict[str, str]


def write_parquet(source: TableSource, path: Path, force: bool, progress: Progress) -> ParquetFile:
    """Write the columns as integers, floats or text, the narrowest that keeps all cells.

    Numbers with leading zeros, or too large for a float, are text. Missing cells of numbers, and
    empty cells of text, become null; other cells of text stay as they are. The table is read twice:
    first for the types.

    Raises:
        DataError: for a source that cannot be read.
        RunExistsError: if the file exists and ``force`` is False.
    """
    parquet = import_parquet()
    if path.exists() and not force:
        raise RunExistsError(f"{path} already exists; choose another name, or add --force")

    def choose(header: Any) -> list[str]:
        target = source.find_target(header)
        features = source.features(header)
        return [name for name in header if name in features or name == target]

    types: dict[str, _Type] = {}
    for part in source.parts(choose, lambda done: progress(done / 2)):
        for name in part.columns:
            types.setdefault(name, _Type()).narrow(part, name)
    schema = _schema(types)
    path.parent.mkdir(parents=True, exist_ok=True)
    rows, pending = 0, 0
    with replacing_output(path) as write_at:
        with parquet.ParquetWriter(_Appender(write_at), schema, compression="zstd") as writer:
            tables: list[Any] = []
            for part in source.parts(choose, lambda done: progress((1 + done) / 2)):
                tables.append(_table(part, types, schema))
                rows, pending = rows + part.rows, pending + part.rows
                if pending >= _ROW_GROUP:
                    writer.write_table(_concatenated(tables))
                    tables, pending = [], 0
            if pending:
                writer.write_table(_concatenated(tables))
        if not rows:
            raise DataError(f"{source.path} has a header and no rows")
    return ParquetFile(rows, {name: str(kind.arrow) for name, kind in types.items()})


class _Type:
    """The type of a column, as far as it was read."""

    def __init__(self) -> None:
        self._is_number = self._is_integer = True
        self._is_complete, self._is_large = True, False

    @property
    def is_integer(self) -> bool:
        """True for integers; large ones with a missing cell would be read as floats."""
        exact = self._is_complete or not self._is_large
        return self._is_number and self._is_integer and exact

    @property
    def is_number(self) -> bool:
        """True for integers and floats."""
        return self.is_integer or (self._is_number and not self._is_large)

    @property
    def arrow(self) -> Any:
        """The type in pyarrow."""
        import pyarrow as pa

        if self.is_integer:
            return pa.int64()
        return pa.float64() if self.is_number else pa.string()

    def narrow(self, part: RawTable, name: str) -> None:
        """Take the cells of one more part into account."""
        if not self._is_number:
            return
        values, wrong = part.parse_numbers(name)
        absent, present = part.columns[name][np.isnan(values)], ~np.isnan(values)
        cells, values = part.columns[name][present], values[present]
        is_missing = MissingMarkers(None, part.numbers)
        self._is_number = (
            all(map(is_missing, absent[wrong[~present]].tolist()))
            and bool(np.isfinite(values).all())
            and not any(map(_LEADING_ZERO.match, cells.tolist()))
        )
        self._is_complete &= not len(absent)
        self._is_integer &= _are_integers(cells)
        large = cells[np.abs(values) >= 1 << 53].tolist()
        self._is_large |= any(map(_UNSCALED.fullmatch, large))


def _are_integers(cells: Any) -> bool:
    """Return True if cells are integers of 64 bits."""
    try:
        cells.astype(np.int64)
    except (ValueError, OverflowError):
        return False
    return True


def _schema(types: dict[str, _Type]) -> Any:
    import pyarrow as pa

    return pa.schema([(name, kind.arrow) for name, kind in types.items()])


def _table(part: RawTable, types: dict[str, _Type], schema: Any) -> Any:
    import pyarrow as pa

    columns = []
    for name, kind in types.items():
        if kind.is_number:
            values, _ = part.parse_numbers(name)
            missing = np.isnan(values)
            if kind.is_integer:  # not by way of floats, which round large ones
                values = np.zeros(part.rows, np.int64)
                values[~missing] = part.columns[name][~missing].astype(np.int64)
            columns.append(pa.array(values, kind.arrow, mask=missing))
        else:
            texts = [cell or None for cell in part.columns[name].tolist()]
            columns.append(pa.array(texts, kind.arrow))
    return pa.Table.from_arrays(columns, schema=schema)


def _concatenated(tables: list[Any]) -> Any:
    import pyarrow as pa

    return pa.concat_tables(tables)


class _Appender(RawIOBase):
    """A file for pyarrow that appends to an atomic output."""

    def __init__(self, write_at: WriteAt) -> None:
        super().__init__()
        self._write_at, self._position = write_at, 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        self._write_at(self._position, view)
        self._position += len(view)
        return len(view)
