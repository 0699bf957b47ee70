"""Parquet files, read by pyarrow as `RawTable`."""

import glob
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from typing import Any

from tinynet.builtin.tables.arrow_columns import column_array, is_readable
from tinynet.builtin.tables.conversion_hint import conversion_command
from tinynet.builtin.tables.joining import MemoryWatch, join_tables, require_same_header
from tinynet.builtin.tables.raw_table import ChooseColumns, RawTable
from tinynet.builtin.tables.table_files import table_files
from tinynet.builtin.tables.time_zones import zone_of
from tinynet.errors import DataError
from tinynet.files.natural_order import natural_key
from tinynet.files.regular import open_file
from tinynet.text.wording import format_list

ENDINGS = (".parquet", ".parq", ".pq")
"""Endings of Parquet files."""

_MAGIC = b"PAR1"
_ROWS = 1 << 16
"""Rows of a chunk."""


def import_parquet() -> Any:
    """Return the module ``pyarrow.parquet``.

    Raises:
        DataError: naming the package to install if it is missing.
    """
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise DataError(
            "Parquet files need pyarrow: pip install 'tinynet-core[parquet]'"
        ) from error
    return pyarrow.parquet


def is_parquet(path: str) -> bool:
    """Return True if a path names Parquet files: by its ending, or as a folder."""
    return path.lower().endswith(ENDINGS) or os.path.isdir(path)


def read_parquet(path: str, choose: ChooseColumns | None = None, config: Any = None) -> RawTable:
    """Read the columns that ``choose`` returns, by default all, of a file, folder or pattern.

    ``config`` is that of the dataset, for messages.

    Raises:
        DataError: for a file that is not Parquet, or is damaged; for columns of a nested type; for
            files with other columns than the first; and for a table that does not fit into memory.
    """
    watch = MemoryWatch(path, conversion_command(config, path))
    return join_tables(path, read_parquet_chunks(path, choose, watch), watch)


def first_schema(path: str) -> Any:
    """Return pyarrow's schema of a file, or of the first one of a folder or pattern.

    Raises:
        DataError: for a file that is not Parquet, or is damaged.
    """
    with _open(_pieces(path)[0]) as file:
        return file.schema_arrow


def read_parquet_chunks(
    path: str,
    choose: ChooseColumns | None = None,
    progress: Callable[[float], None] | None = None,
) -> Iterator[RawTable]:
    """Yield the rows of a file, of a folder's files, or of a pattern, in parts of bounded size.

    Each file yields at least one part, which may have no rows. Arguments and errors as of
    `read_parquet`; ``progress`` is called with the part of all files that has been read.
    """
    first: RawTable | None = None
    paths = _pieces(path)
    for number, file in enumerate(paths):

        def report(fraction: float, number: int = number) -> None:
            if progress is not None:
                progress((number + fraction) / len(paths))

        for table in _chunks(file, choose, report):
            first = first or table
            require_same_header(first, table)
            yield table


def _pieces(path: str) -> list[str]:
    """Return the files of a path: those of a folder have an ending of Parquet files."""
    if not os.path.isdir(path):
        return table_files(path)
    found = (
        file
        for file in glob.glob(os.path.join(glob.escape(path), "*"))
        if file.lower().endswith(ENDINGS) and os.path.isfile(file)
    )
    files = sorted(found, key=natural_key)
    if not files:
        raise DataError(f"{path} is a folder without Parquet files ({', '.join(ENDINGS)})")
    return files


def _chunks(
    path: str, choose: ChooseColumns | None, progress: Callable[[float], None]
) -> Iterator[RawTable]:
    with _open(path) as file:
        schema = file.schema_arrow
        header = tuple(schema.names)
        _require_unique(path, header)
        chosen = header if choose is None else tuple(choose(header))
        _require_readable(path, {name: schema.field(name).type for name in chosen})
        kinds = {name: schema.field(name) for name in chosen}
        zones = {name: zone for name, k in kinds.items() if (zone := zone_of(k)) is not None}
        rows, total = 0, file.metadata.num_rows

        def table(batch: Any) -> RawTable:
            columns = {name: _column(path, batch, name) for name in chosen}
            return RawTable(
                path, columns, batch.num_rows, header, typed=True, start=rows, zones=zones
            )

        yield table(schema.empty_table())
        # A name with a point selects the parts of a nested column as well.
        for batch in file.iter_batches(_ROWS, columns=[*chosen]):
            yield table(batch)
            rows += batch.num_rows
            progress(rows / total if total else 1.0)


@contextmanager
def _open(path: str) -> Iterator[Any]:
    """Open a file with pyarrow; every error of it is a `DataError`."""
    parquet = import_parquet()
    import pyarrow as pa

    with open_file(path) as stream:
        _require_parquet(path, stream)
        try:
            with parquet.ParquetFile(stream) as file:
                yield file
        except DataError:
            raise
        except (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:
            reason = " ".join(str(error).split())
            raise DataError(
                f"{path} is damaged, or not a Parquet file that pyarrow reads: {reason}"
            ) from error


def _require_parquet(path: str, stream: BufferedReader) -> None:
    size = os.fstat(stream.fileno()).st_size
    start = stream.peek(4)[:4]
    if start != _MAGIC:
        hint = '; for a text table, set "type": "csv"' if start.isascii() and start else ""
        raise DataError(f"{path} is {'not a Parquet file' if size else 'empty'}{hint}")
    stream.seek(max(0, size - 4))
    if stream.read(4) != _MAGIC or size < 12:
        raise DataError(f"{path} is truncated: a Parquet file ends with PAR1; copy it again")
    stream.seek(0)


def _require_unique(path: str, header: tuple[str, ...]) -> None:
    repeated = [name for name, count in Counter(header).items() if count > 1]
    if repeated:
        raise DataError(f"{path}: two columns are named {repeated[0]!r}; rename one of them")
    if not header:
        raise DataError(f"{path} has no columns")


def _require_readable(path: str, kinds: dict[str, Any]) -> None:
    wrong = {name: str(kind) for name, kind in kinds.items() if not is_readable(kind)}
    if not wrong:
        return
    listed = format_list([f"{name!r} ({kind})" for name, kind in wrong.items()])
    ignored = ", ".join(f'"{name}": "ignore"' for name in wrong)
    raise DataError(
        f"{path}: columns of a type that is not a number, a text, a date or a boolean: {listed};"
        f' leave them out: "columns": {{{ignored}}}, or save their parts as columns'
    )


def _column(path: str, batch: Any, name: str) -> Any:
    import pyarrow as pa

    try:
        return column_array(batch.column(name))
    except pa.ArrowException as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"{path}: column {name!r} cannot be read ({reason}); leave it out:"
            f' "columns": {{"{name}": "ignore"}}'
        ) from error
