"""Tables in text files, read as `RawTable`."""

from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain

import numpy as np

from tinynet.builtin.tables.conversion_hint import conversion_command
from tinynet.builtin.tables.dialect import DialectConfig
from tinynet.builtin.tables.joining import MemoryWatch, join_tables, require_same_header
from tinynet.builtin.tables.number_columns import NumberColumns, TextAmongNumbersError
from tinynet.builtin.tables.raw_table import ChooseColumns, RawTable
from tinynet.builtin.tables.table_files import table_files
from tinynet.errors import DataError
from tinynet.files.csv_blocks import Block, read_blocks
from tinynet.files.number_cells import NumberFormat


def read_table(config: DialectConfig, path: str, choose: ChooseColumns | None = None) -> RawTable:
    """Read the columns that ``choose`` returns, by default all, of one file or of a pattern.

    Raises:
        DataError: with file and line, for a file that is not a table, for files of a pattern with
            other columns than the first, and for a table that does not fit into memory.
    """
    numbers = NumberColumns()
    while True:
        watch = MemoryWatch(path, conversion_command(config, path))
        try:
            return join_tables(path, _parts(config, path, choose, watch, numbers), watch)
        except TextAmongNumbersError:
            numbers.restart()


def read_table_chunks(
    config: DialectConfig,
    path: str,
    choose: ChooseColumns | None = None,
    progress: Callable[[float], None] | None = None,
) -> Iterator[RawTable]:
    """Yield the rows of one file, or of the files of a pattern, in parts of bounded size.

    Each file yields at least one part, which may have no rows. Arguments and errors as of
    `read_table`; ``progress`` is called with the part of all files that has been read. Every
    column is text.
    """
    return _parts(config, path, choose, progress, None)


def _parts(
    config: DialectConfig,
    path: str,
    choose: ChooseColumns | None,
    progress: Callable[[float], None] | None,
    numbers: NumberColumns | None,
) -> Iterator[RawTable]:
    first: RawTable | None = None
    paths = table_files(path)
    for number, file in enumerate(paths):

        def report(fraction: float, number: int = number) -> None:
            if progress is not None:
                progress((number + fraction) / len(paths))

        for table in _chunks(config, file, choose, report, numbers):
            first = first or table
            require_same_header(first, table)
            yield table


def _chunks(
    config: DialectConfig,
    path: str,
    choose: ChooseColumns | None,
    progress: Callable[[float], None],
    numbers: NumberColumns | None,
) -> Iterator[RawTable]:
    blocks = read_blocks(path, config.dialect, progress)
    first = next(blocks, None)
    if first is None:
        raise DataError(f"{path} is empty")
    second = next(blocks, None)  # a first row that is not part of the table differs from it
    header = _header(config, path, first)
    chosen = header if choose is None else choose(header)
    if numbers is not None and config.numbers == NumberFormat():
        numbers.choose(chosen)
    position = {name: place for place, name in enumerate(header)}

    def table(block: Block, start: int) -> RawTable:
        columns = {} if numbers is None else numbers.convert(block, start, position)
        for name in chosen:
            if name not in columns:
                texts = block.column(position[name])[start:]
                columns[name] = np.array(texts, np.dtypes.StringDType())
        lines = array("q", block.lines[start:].tobytes())
        return RawTable(
            path,
            {name: columns[name] for name in chosen},
            len(lines),
            header,
            lines,
            numbers=config.numbers,
            underscores=block.underscores,
        )

    yield table(first, 1 if config.header else 0)
    if second is not None:
        for block in chain([second], blocks):
            yield table(block, 0)


def _header(config: DialectConfig, path: str, first: Block) -> tuple[str, ...]:
    cells = first.cells[: first.width]
    if not config.header:
        return tuple(map(str, range(first.width)))
    repeated = [name for name, count in Counter(cells).items() if count > 1]
    if repeated:
        raise DataError(
            f"{path}, line {first.lines[0]}: two columns are named {repeated[0]!r}; rename one of"
            " them"
        )
    return tuple(cells)
