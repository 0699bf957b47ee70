"""Tables in text files, read as `RawTable`."""

from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from tinynet.builtin.tables.dialect import DialectConfig
from tinynet.builtin.tables.raw_table import ChooseColumns, RawTable
from tinynet.builtin.tables.table_files import table_files
from tinynet.errors import DataError
from tinynet.files.available_memory import require_memory
from tinynet.files.csv_blocks import Block, read_blocks
from tinynet.text.wording import format_list
from tinynet.types import Array

_BYTES_PER_CELL = 24
"""Bytes of a short cell: 16 as text, 8 as a number."""

_TOO_LARGE = (
    "convert it to files that are read in parts: tinynet convert {path} FOLDER, or name fewer"
    ' columns in "features"'
)


def read_table(config: DialectConfig, path: str, choose: ChooseColumns | None = None) -> RawTable:
    """Read the columns that ``choose`` returns, by default all, of one file or of a pattern.

    Raises:
        DataError: with file and line, for a file that is not a table, for files of a pattern with
            other columns than the first, and for a table that does not fit into memory.
    """
    watch = _MemoryWatch(path)
    parts: dict[str, list[Array]] = {}
    lines, files, table = array("q"), list[tuple[str, int]](), None
    underscores = False
    for table in read_table_chunks(config, path, choose, watch):
        assert table.lines is not None
        watch.held += table.rows * (8 + _BYTES_PER_CELL * len(table.columns))
        if not files or files[-1][0] != table.place:
            files.append((table.place, len(lines)))
        lines.extend(table.lines)
        underscores |= table.underscores and table.rows > 0
        for name, cells in table.columns.items():
            parts.setdefault(name, []).append(cells)
    assert table is not None
    columns = {name: np.concatenate(parts.pop(name)) for name in [*parts]}
    several = files if files[0][0] != path else ()
    return RawTable(
        path,
        columns,
        len(lines),
        table.header,
        lines,
        several,
        numbers=config.numbers,
        underscores=underscores,
    )


def read_table_chunks(
    config: DialectConfig,
    path: str,
    choose: ChooseColumns | None = None,
    progress: Callable[[float], None] | None = None,
) -> Iterator[RawTable]:
    """Yield the rows of one file, or of the files of a pattern, in parts of bounded size.

    Each file yields at least one part, which may have no rows. Arguments and errors as of
    `read_table`; ``progress`` is called with the part of all files that has been read.
    """
    first: RawTable | None = None
    paths = table_files(path)
    for number, file in enumerate(paths):

        def report(fraction: float, number: int = number) -> None:
            if progress is not None:
                progress((number + fraction) / len(paths))

        for table in _chunks(config, file, choose, report):
            if first is None:
                first = table
            elif table.header != first.header:
                raise DataError(_different_columns(first, table))
            yield table


def _chunks(
    config: DialectConfig,
    path: str,
    choose: ChooseColumns | None,
    progress: Callable[[float], None],
) -> Iterator[RawTable]:
    blocks = read_blocks(path, config.dialect, progress)
    first = next(blocks, None)
    if first is None:
        raise DataError(f"{path} is empty")
    header = _header(config, path, first)
    chosen = header if choose is None else tuple(choose(header))
    position = {name: place for place, name in enumerate(header)}
    start = 1 if config.header else 0

    def table(block: Block, start: int) -> RawTable:
        columns = {
            name: np.array(block.column(position[name])[start:], np.dtypes.StringDType())
            for name in chosen
        }
        lines = array("q", block.lines[start:].tobytes())
        return RawTable(
            path,
            columns,
            len(lines),
            header,
            lines,
            numbers=config.numbers,
            underscores=block.underscores,
        )

    yield table(first, start)
    for block in blocks:
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


def _different_columns(first: RawTable, other: RawTable) -> str:
    """Return the message about a file of a pattern with other columns than the first file."""
    place = f"{other.place} and {first.place} belong to one table, but"
    if len(first.header) != len(other.header) and first.header[0] == other.header[0] == "0":
        return f"{place} have {len(other.header)} and {len(first.header)} columns"
    lacking = [name for name in first.header if name not in other.header]
    extra = [name for name in other.header if name not in first.header]
    if not lacking and not extra:
        order = format_list([repr(name) for name in first.header])
        return f"{place} their columns are in different orders; write them in this one: {order}"
    clauses = []
    if lacking:
        clauses.append(f"the first lacks {format_list([repr(name) for name in lacking])}")
    if extra:
        clauses.append(f"only the first has {format_list([repr(name) for name in extra])}")
    return f"{place} {' and '.join(clauses)}; give all files the same columns"


@dataclass
class _MemoryWatch:
    """A check of the memory that a whole table takes, estimated from the part that was read."""

    path: str
    held: int = 0
    _checked: int = 0

    def __call__(self, fraction: float) -> None:
        # Checking reads system files, so repeat it only after the part has grown by half.
        if 2 * self.held >= 3 * self._checked and fraction > 0:
            self._checked = self.held
            remedy = _TOO_LARGE.format(path=self.path)
            require_memory(self.path, int(self.held / fraction), remedy, self.held)
