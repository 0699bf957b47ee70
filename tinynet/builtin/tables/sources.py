"""Tables for prediction, in any form: a file of either format, or an object of Python."""

import os
from collections.abc import Iterator
from typing import Any

from tinynet.builtin.tables.csv_files import read_table_chunks
from tinynet.builtin.tables.dialect import DialectConfig
from tinynet.builtin.tables.parquet_files import ENDINGS, is_parquet, read_parquet_chunks
from tinynet.builtin.tables.python_tables import table_from_object
from tinynet.builtin.tables.raw_table import ChooseColumns, RawTable
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
    path = os.fspath(source)
    if is_parquet(path):
        yield from read_parquet_chunks(path, choose)
    else:
        dialect = config if isinstance(config, DialectConfig) else _AnyDialect(path=path)
        yield from read_table_chunks(dialect, path, choose)
