"""Conversion of tables and .npz files into formats that are read in parts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tinynet.builtin.tables.dialect import DialectConfig
from tinynet.builtin.tables.parquet_files import ENDINGS, is_parquet
from tinynet.commands.conversion.npy_folder import NpyFolder, NpyOptions, write_npy_folder
from tinynet.commands.conversion.npz_arrays import NpzArrays, write_npz_arrays
from tinynet.commands.conversion.parquet_file import ParquetFile, write_parquet
from tinynet.commands.conversion.source import Progress, TableSource
from tinynet.errors import UsageError


def convert(
    source: str,
    destination: str | Path,
    *,
    columns: tuple[str, ...] | None = None,
    target: str | None = None,
    target_type: str = "auto",
    dtype: str = "float64",
    fill: float | None = None,
    one_hot: tuple[str, ...] = (),
    dialect: Mapping[str, Any] | None = None,
    force: bool = False,
    progress: Progress = lambda done: None,
) -> NpyFolder | NpzArrays | ParquetFile:
    """Convert a table, or an .npz file, in parts of bounded size.

    A table is a text file (perhaps gzipped), Parquet, a folder of Parquet files, or a pattern. It
    becomes a Parquet file if the destination has such an ending, else a folder of .npy files that
    the dataset `npy` reads. The destination appears when it is complete.

    Args:
        source: The file, pattern or folder.
        destination: The file or folder to write.
        columns: The columns to convert, in order; by default all.
        target: The column of targets: ``targets.npy``.
        target_type: ``"auto"``, ``"class"`` or ``"number"``, as in the dataset `csv`.
        dtype: The dtype of numbers in .npy files.
        fill: The number in place of a missing one in .npy files; by default it is an error.
        one_hot: The columns of categories: .npy files have a feature of 0 and 1 for each category,
            and a missing cell is 0 in all of them.
        dialect: Options of a text table, as in the dataset `csv`.
        force: Replace an existing destination.
        progress: A function that is called with the part that is done.

    Raises:
        DataError: for a source that cannot be read, and for cells that do not fit the format.
        RunExistsError: if the destination exists and may not be replaced.
        UsageError: for options that contradict each other.
    """
    path = Path(destination)
    to_parquet = path.suffix.lower() in ENDINGS
    if source.lower().endswith(".npz"):
        if to_parquet:
            raise UsageError(f"{source} holds arrays, which Parquet cannot; name a folder instead")
        return write_npz_arrays(source, path, force, progress)
    table = TableSource(source, _dialect(source, dialect or {}), columns, target, target_type)
    if not to_parquet:
        return write_npy_folder(table, path, NpyOptions(dtype, fill, one_hot), force, progress)
    if is_parquet(source):
        raise UsageError(f"{source} is Parquet already; name a folder to write .npy files")
    return write_parquet(table, path, force, progress)


class _Dialect(DialectConfig):
    path: str


def _dialect(source: str, options: Mapping[str, Any]) -> DialectConfig:
    try:
        return _Dialect(path=source, **options)
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise UsageError("; ".join(problems)) from error
