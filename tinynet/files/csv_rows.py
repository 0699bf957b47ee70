"""Text tables: RFC 4180, with checks that Python's `csv` does not make."""

import csv
import math
from collections.abc import Callable, Iterator, Sequence
from io import BufferedIOBase
from typing import Literal, TypeAlias

from tinynet.errors import DataError
from tinynet.files.packed import open_unpacked

MAX_LINE = 1 << 24
"""Bytes of one line; a longer one could fill the memory."""

MISSING = frozenset(["", "-", "?", "NA", "N/A", "n/a", "#N/A", "<NA>", "NULL", "null", "None"])
"""Cells that stand for a missing value, besides every spelling of NaN."""

FaultKind: TypeAlias = Literal["missing", "text", "infinite"]

_PROGRESS_CELLS = 1 << 16

_NAN = frozenset(["nan", "+nan", "-nan"])
_BOM = b"\xef\xbb\xbf"


def read_rows(
    path: str, delimiter: str, progress: Callable[[float], None] | None = None
) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not blank, each with the number (from 1) of its first line.

    The file may be gzipped. ``progress`` is called every few thousand cells with the part of the
    file that has been read.

    Raises:
        DataError: with file and line, for text that is not UTF-8 or breaks RFC 4180, and for a row
            with another number of cells than the first.
    """
    with open_unpacked(path) as file:
        reader = csv.reader(_decoded_lines(path, file.stream), delimiter=delimiter, strict=True)
        line, width, cells_read = 1, 0, 0
        try:
            for cells in reader:
                if cells:
                    width = width or len(cells)
                    if len(cells) != width:
                        raise DataError(
                            f"{path}, line {line}: {len(cells)} cells, but the first row has"
                            f" {width}; put a cell that holds the delimiter in double quotes"
                        )
                    yield line, cells
                    cells_read += width
                    if progress is not None and cells_read >= _PROGRESS_CELLS:
                        cells_read = 0
                        progress(file.fraction)
                line = reader.line_num + 1
        except csv.Error as error:
            raise DataError(f"{path}, line {reader.line_num}: {error}") from error


def parse_numbers(cells: Sequence[str]) -> list[float] | None:
    """Return the cells of one row as numbers, or None if one is not a finite number."""
    try:
        values = [float(cell) for cell in cells]
    except ValueError:
        return None
    # Python parses 1_000 as a thousand; in a table it is an identifier.
    return values if all(map(math.isfinite, values)) and "_" not in "".join(cells) else None


def is_missing(cell: str) -> bool:
    """Return True for a cell that stands for a missing value, such as ``NA``."""
    cell = cell.strip()
    return cell in MISSING or cell.lower() in _NAN


def fault_kind(cell: str) -> FaultKind | None:
    """Return why a cell is not a finite number, or None if it is one."""
    if parse_numbers([cell]) is not None:
        return None
    if is_missing(cell):
        return "missing"
    try:
        float(cell)
    except ValueError:
        return "text"
    return "text" if "_" in cell else "infinite"


def quote_cell(cell: str) -> str:
    """Return a cell in quotes, shortened if it is long."""
    return repr(cell if len(cell) <= 40 else cell[:40] + "…")


def _decoded_lines(path: str, file: BufferedIOBase) -> Iterator[str]:
    number = 0
    while raw := file.readline(MAX_LINE):
        number += 1
        if len(raw) == MAX_LINE:
            raise DataError(f"{path}, line {number} is longer than {MAX_LINE:,} bytes")
        if number == 1:
            raw = raw.removeprefix(_BOM)
        if b"\0" in raw:
            raise DataError(f"{path}, line {number} holds a NUL byte; is it a text file?")
        try:
            yield raw.decode()
        except UnicodeDecodeError as error:
            raise DataError(
                f"{path}, line {number}: byte {error.start + 1} is not UTF-8; save it as UTF-8"
            ) from error
