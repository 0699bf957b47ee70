"""Text tables: RFC 4180 and the checks that Python's `csv` leaves to us."""

import csv
import math
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from tinynet.errors import DataError
from tinynet.files.regular import open_file

MAX_LINE = 1 << 24
"""Bytes of one line; a longer one is no table, and would fill the memory."""

_BOM = b"\xef\xbb\xbf"


def read_rows(path: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank, each with the number (from 1) of the line it starts on.

    Raises:
        DataError: naming file and line, for text that is no UTF-8 or breaks RFC 4180, and for a row
            that has not as many cells as the first.
    """
    with open_file(path) as file:
        reader = csv.reader(_decoded_lines(path, file), delimiter=delimiter, strict=True)
        line, width = 1, 0
        while True:
            try:
                cells = next(reader, None)
            except csv.Error as error:
                raise DataError(f"{path}, line {reader.line_num}: {error}") from error
            if cells is None:
                return
            if cells:
                width = width or len(cells)
                if len(cells) != width:
                    raise DataError(
                        f"{path}, line {line}: {len(cells)} cells, where the first row has {width}"
                    )
                yield line, cells
            line = reader.line_num + 1


def numbers(place: str, names: Sequence[str], cells: Sequence[str]) -> list[float]:
    """The cells of one row as numbers.

    Raises:
        DataError: naming the column of the first that is none.
    """
    try:
        values = [float(cell) for cell in cells]
    except ValueError:
        values = []
    if values and all(map(math.isfinite, values)) and "_" not in "".join(cells):
        return values
    for name, cell in zip(names, cells, strict=True):
        if fault := number_fault(cell):
            raise DataError(f"{place}, column {name!r}: {fault}")
    return values


def number_fault(cell: str) -> str | None:
    """What keeps a cell from being a number, or None."""
    if not cell.strip():
        return "the cell is empty"
    try:
        # Python reads 1_000 as a thousand; in a table it is somebody's identifier.
        value = math.nan if "_" in cell else float(cell)
    except ValueError:
        value = math.nan
    return None if math.isfinite(value) else f"{_short(cell)} is not a finite number"


def _short(cell: str) -> str:
    return repr(cell if len(cell) <= 40 else cell[:40] + "…")


def _decoded_lines(path: str, file: BinaryIO) -> Iterator[str]:
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
