"""Tables for prediction, in any form: a file of either format, or an object of Python."""

import glob
import os
from collections.abc import Iterator
from typing import Any

from tinynet.builtin.tables.csv_files import read_table, read_table_chunks
from tinynet.builtin.tables.dialect import TAB_ENDINGS, DialectConfig
from tinynet.builtin.tables.parquet_files import (
    ENDINGS,
    is_parquet,
    read_parquet,
    read_parquet_chunks,
)
from tinynet.builtin.tables.python_tables import table_from_object
from tinynet.builtin.tables.raw_table import ChooseColumns, RawTable
from tinynet.builtin.tables.table_files import TEXT_ENDINGS
from tinynet.errors import DataError

TABLE_ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", *ENDINGS)
"""Endings of files that `source_chunks` reads."""


class _AnyDialect(DialectConfig):
    path: str


def source_chunks(config: Any, source: Any, choose: ChooseColumns) -> Iterator[RawTable]:
    """Yield the columns of a source, some rows at a time.

    Text tables have the dialect of ``config``; if it is of typed data and has none, the usual one.

    Args:
        config: The config of the dataset that the model was trained on.
        source: A path of a text table or of Parquet files, or an object: see `table_from_object`.
        choose: A function from the names of all columns to those that are read.

    Raises:
        DataError: for a source that is not a table.
    """
    if not isinstance(source, str | os.PathLike):
        table = table_from_object(source, choose)
        if table is None:
            raise DataError(
                f"a {type(source).__name__} is not a table; give a file, a DataFrame, a dict of"
                " columns, or a list of dicts"
            )
        yield table
        return
    path = _files(os.fspath(source))
    if is_parquet(path):
        yield from read_parquet_chunks(path, choose)
    else:
        yield from read_table_chunks(_dialect(config, path), path, choose)


def read_source(config: Any, source: str, choose: ChooseColumns) -> RawTable:
    """Return the columns of a whole text table or of Parquet files; see `source_chunks`."""
    path = _files(source)
    if is_parquet(path):
        return read_parquet(path, choose, config)
    return read_table(_dialect(config, path), path, choose)


def _dialect(config: Any, path: str) -> DialectConfig:
    """Return the dialect of a text table: that of the config, if both have the same kind of file.

    Cells of .tsv files are separated by tabs, whatever separates those of a .csv file.
    """
    if not isinstance(config, DialectConfig):
        return _AnyDialect(path=path)
    has_tabs, had_tabs = (
        file.lower().endswith(TAB_ENDINGS) for file in (path, str(getattr(config, "path", "")))
    )
    if has_tabs == had_tabs:
        return config
    return config.model_copy(update={"delimiter": "\t" if has_tabs else ","})


def _files(path: str) -> str:
    """Return a path; for a folder of text tables, the pattern of those with the first ending."""
    if os.path.isdir(path) and not any(map(is_parquet, glob.glob(f"{glob.escape(path)}/*.*"))):
        for ending in TEXT_ENDINGS:
            if glob.glob(f"{glob.escape(path)}/*{ending}"):
                return os.path.join(path, f"*{ending}")
    return path
