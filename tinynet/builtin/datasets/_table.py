"""The columns of a CSV file: which are used, and their cells."""

from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TypeAlias, TypeVar

from tinynet.builtin.datasets._faulty_cells import FaultyCells
from tinynet.errors import DataError
from tinynet.files.available_memory import require_memory
from tinynet.files.csv_blocks import Block, read_blocks
from tinynet.files.csv_dialect import Dialect
from tinynet.files.csv_rows import fault_kind, parse_numbers
from tinynet.text.wording import format_list, suggest

T = TypeVar("T")

Rows: TypeAlias = Iterator[tuple[int, list[str]]]
"""Line and cells of each row."""

_TOO_LARGE = (
    'name fewer columns in "features", or save the numbers as .npy files and read them with the'
    ' dataset "npy", which does not load them as a whole'
)

_DELIMITERS = ",;\t|"
"""Delimiters to suggest if the spec's delimiter does not fit the file."""


@dataclass
class Numbers:
    """Columns of numbers, read row by row; rows with a faulty cell have a line, but no values."""

    names: Sequence[str]
    lines: "array[int]" = field(default_factory=lambda: array("q"))
    values: "array[float]" = field(default_factory=lambda: array("d"))
    faults: FaultyCells = field(default_factory=FaultyCells)

    @property
    def nbytes(self) -> int:
        """Bytes that the rows take."""
        return self.values.itemsize * len(self.values) + self.lines.itemsize * len(self.lines)

    def add(self, line: int, cells: Sequence[str]) -> None:
        """Append a row."""
        self.lines.append(line)
        if (values := parse_numbers(cells)) is not None:
            self.values.extend(values)
            return
        for name, cell in zip(self.names, cells, strict=True):
            if (kind := fault_kind(cell)) is not None:
                self.faults.add(name, line, cell, kind)


def open_table(
    path: str, delimiter: str, header: bool, progress: Callable[[float], None] | None = None
) -> tuple[list[str], Rows]:
    """Return the names of all columns and the rows of data.

    Without a header, columns are named after their positions. For ``progress`` see `read_blocks`.

    Raises:
        DataError: for an empty file, and for a name that two columns have.
    """
    rows = chain.from_iterable(map(_rows, read_blocks(path, Dialect(delimiter), progress)))
    first = next(rows, None)
    if first is None:
        raise DataError(f"{path} is empty")
    line, cells = first
    if not header:
        return [str(position) for position in range(len(cells))], chain([first], rows)
    names = [cell.strip() for cell in cells]
    if repeated := repetitions(names):
        raise DataError(
            f"{path}, line {line}: two columns are named {repeated[0]!r}; rename one of them"
        )
    return names, rows


def _rows(block: Block) -> Rows:
    for row, line in enumerate(block.lines.tolist()):
        yield line, block.cells[row * block.width : (row + 1) * block.width]


def find_column(path: str, names: Sequence[str], column: str | int, delimiter: str) -> int:
    """Return the position of a column that is given by name or position.

    Raises:
        DataError: if the column does not exist.
    """
    if isinstance(column, int):
        if not -len(names) <= column < len(names):
            raise DataError(
                f"{path} has no column {column}: it has {len(names)}, counted from 0 to"
                f" {len(names) - 1}{other_delimiter(names, delimiter)}"
            )
        return column % len(names)
    if column not in names:
        hint = other_delimiter(names, delimiter) or f"; {suggest(column, names)}"
        if _are_numbers(names):
            hint += (
                '; its first row holds numbers: if it is a sample, set "header": false and give'
                " columns by position (-1 is the last)"
            )
        raise DataError(f"{path} has no column {column!r}{hint}")
    return names.index(column)


def _are_numbers(names: Sequence[str]) -> bool:
    """Return True if most names are numbers, as in a file without a header."""
    return 2 * sum(fault_kind(name) is None for name in names) > len(names)


def other_delimiter(names: Sequence[str], delimiter: str) -> str:
    """Return a hint for a message if the only column seems to hold several, else nothing."""
    if len(names) == 1:
        for other in _DELIMITERS:
            if other != delimiter and other in names[0]:
                shown = "\\t" if other == "\t" else other
                return f'; its first row is {names[0]!r}: set "delimiter": "{shown}"'
    return ""


def find_features(
    path: str, header: Sequence[str], names: Sequence[str], delimiter: str
) -> list[int]:
    """Return the positions of a model's features by their names in a header.

    Raises:
        DataError: listing every name that the header lacks.
    """
    place = {name: position for position, name in enumerate(header)}
    if missing := [name for name in names if name not in place]:
        hint = ""
        if other_delimiter(header, delimiter):
            hint = f"; separate the cells by {delimiter!r}, as in the file that was trained on"
        elif _are_numbers(header) and not _are_numbers(names):
            hint = (
                "; its first row holds numbers: put a line with the names of the columns before it"
            )
        raise DataError(
            f"{path}: the header lacks {format_list([repr(name) for name in missing])}; it names"
            f" {format_list([repr(name) for name in header])}{hint}"
        )
    return [place[name] for name in names]


def repetitions(items: Sequence[T]) -> list[T]:
    """Return the items that occur more than once."""
    return [item for item, count in Counter(items).items() if count > 1]


def memory_watch(path: str, held: Callable[[], int]) -> Callable[[float], None]:
    """Return a check of the memory that a whole table takes, estimated from the part that was read.

    It is called with the fraction of the file that was read; ``held`` returns the bytes that the
    rows of that part take. It raises DataError if the rest does not fit into memory.
    """
    checked = 0

    def check(fraction: float) -> None:
        nonlocal checked
        # Checking reads system files, so repeat it only after the part has grown by half.
        if 2 * (now := held()) >= 3 * checked and fraction > 0:
            checked = now
            require_memory(path, int(now / fraction), _TOO_LARGE, now)

    return check
