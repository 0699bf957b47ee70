"""The form of a text table, detected from its first lines."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tinynet.builtin.tables.dialect import TAB_ENDINGS
from tinynet.errors import DataError
from tinynet.files.csv_rows import is_missing
from tinynet.files.packed import open_unpacked
from tinynet.text.shell import shell_path

SAMPLE_BYTES = 1 << 18
SAMPLE_ROWS = 500
"""The part of a file that decides."""

_DELIMITERS = (",", ";", "\t", "|")

_POINT = re.compile(r"[+-]?[0-9]+\.[0-9]+", re.ASCII)
_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+", re.ASCII)
_GROUPED = {
    ",": re.compile(r"[+-]?[1-9][0-9]{0,2}(,[0-9]{3})+(\.[0-9]+)?", re.ASCII),
    ".": re.compile(r"[+-]?[1-9][0-9]{0,2}(\.[0-9]{3})+(,[0-9]+)?", re.ASCII),
}
"""Numbers with groups of three digits, by the separator of the groups."""

_EQUAL_WIDTHS = 0.95
"""Part of the lines with the same number of cells from which spaces are taken for delimiters."""


@dataclass(frozen=True)
class DetectedDialect:
    """The form of a text table.

    Attributes:
        options: The options of `csv` that differ from their defaults.
        header: True if the first row names the columns.
    """

    options: dict[str, str | int | bool]
    header: bool


def detect_dialect(path: str, header: bool | None = None) -> DetectedDialect:
    """Return the form of a text table; ``header`` is that of the user, None to detect it.

    Raises:
        DataError: for a file that is empty or cannot be read as text.
    """
    encoding, text = _decoded(path)
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise DataError(f"{path} is empty")
    options: dict[str, str | int | bool] = {}
    if encoding != "utf-8":
        options["encoding"] = encoding
    if lines[0].startswith("#"):
        options["comment_prefix"] = "#"
        lines = [line for line in lines if not line.startswith("#")]
    delimiter, skipped, rows = _rows(lines)
    if len(rows[0]) == 1 and (spaced := _rows_between_spaces(path, lines)):
        delimiter, rows = " ", spaced
    if skipped:
        # Lines of the file, blank ones too, since that is what the option counts.
        first = lines[skipped]
        options["skip_rows"] = text.splitlines().index(first)
    if delimiter != ("\t" if path.lower().endswith(TAB_ENDINGS) else ","):
        options["delimiter"] = delimiter
    options |= _number_format(rows[1:] or rows, delimiter)
    has_header = _has_header(rows) if header is None else header
    if not has_header:
        options["header"] = False
    return DetectedDialect(options, has_header)


def _decoded(path: str) -> tuple[str, str]:
    """Return the encoding of a file, and the start of its text without an incomplete line."""
    with open_unpacked(path) as file:
        content = file.stream.read(SAMPLE_BYTES)
    whole = len(content) < SAMPLE_BYTES
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16", content.decode("utf-16", errors="ignore")
    if b"\0" in content:
        raise DataError(f"{path} holds NUL bytes; it is not a text table")
    if not whole:
        content = content[: content.rfind(b"\n") + 1] or content
    try:
        return "utf-8", content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "cp1252", content.decode("cp1252", errors="replace")


def _rows(lines: Sequence[str]) -> tuple[str, int, list[list[str]]]:
    """Return the delimiter, the number of lines before the table, and its first rows.

    The delimiter is the one by which most lines have the same number of cells, above one.
    """
    best: tuple[float, str, int, list[list[str]]] = (0.0, ",", 0, [])
    for delimiter in _DELIMITERS:
        rows = list(_parsed(lines[:SAMPLE_ROWS], delimiter))
        if not rows:
            continue
        width, count = Counter(map(len, rows)).most_common(1)[0]
        if width == 1:
            continue
        skipped = next(i for i, row in enumerate(rows) if len(row) == width)
        table = [row for row in rows[skipped:] if len(row) == width]
        score = count / len(rows) + min(width, 20) / 1000
        if score > best[0]:
            best = score, delimiter, skipped, table
    if not best[0]:
        return ",", 0, [[line.strip().strip('"')] for line in lines[:SAMPLE_ROWS]]
    return best[1:]


def _rows_between_spaces(path: str, lines: Sequence[str]) -> list[list[str]]:
    """Return the rows of a table whose cells are separated by single spaces; none if it is not one.

    Raises:
        DataError: for a table whose columns are aligned by runs of spaces.
    """
    sample = lines[:SAMPLE_ROWS]
    rows = _of_equal_width(_parsed(sample, " "))
    if rows and all(map(all, rows)):  # no cell is empty, as between two spaces
        return rows
    if _of_equal_width([line.split() for line in sample]):
        raise DataError(
            f"{path} has columns between runs of spaces, but a delimiter is one character; write it"
            f" with single ones: sed 's/^[ \\t]*//; s/[ \\t][ \\t]*/ /g; s/ $//'"
            f" {shell_path(path)} > table.csv"
        )
    return []


def _of_equal_width(rows: Iterable[list[str]]) -> list[list[str]]:
    """Return the rows of the usual width, if it is above one and nearly all have it."""
    rows = list(rows)
    width, count = Counter(map(len, rows)).most_common(1)[0] if rows else (0, 0)
    if width < 2 or count < _EQUAL_WIDTHS * len(rows) or not any(map(_is_number, rows[-1])):
        return []
    return [row for row in rows if len(row) == width]


def _parsed(lines: Sequence[str], delimiter: str) -> Iterator[list[str]]:
    reader = csv.reader(lines, delimiter=delimiter)
    try:
        for row in reader:
            yield [cell.strip() for cell in row]
    except csv.Error:
        return


def _number_format(rows: Sequence[Sequence[str]], delimiter: str) -> dict[str, str | int | bool]:
    """Return the options for decimal commas and groups of digits.

    ``1,234`` may be either number. It has a decimal comma where another cell can only have one, or
    where the delimiter is a semicolon, unless another cell can only have groups.
    """
    cells = [cell for row in rows for cell in row if cell]
    by_comma = [cell for cell in cells if _GROUPED[","].fullmatch(cell)]
    by_point = [cell for cell in cells if _GROUPED["."].fullmatch(cell)]
    for separator in (" ", "'"):
        if found := _grouped_columns(rows, separator):
            decimals = {"decimal": ","} if any("," in cell for cell in found) else {}
            return {"thousands": separator, **decimals}
    points = _separated(cells, _POINT, ".") + sum("." in cell for cell in by_comma)
    commas = _separated(cells, _COMMA, ",") + sum("," in cell for cell in by_point)
    surely_grouped = any(cell.count(",") > 1 for cell in by_comma)
    if commas and commas >= points:
        return {"decimal": ",", **({"thousands": "."} if by_point and not points else {})}
    if by_comma and delimiter == ";" and not surely_grouped and not points:
        return {"decimal": ","}
    if by_comma and not commas:
        return {"thousands": ","}
    return {}


def _grouped_columns(rows: Sequence[Sequence[str]], separator: str) -> list[str]:
    """Return the cells of the columns of numbers in which a separator is between groups."""
    space = r"\s" if separator == " " else separator
    number = re.compile(rf"[+-]?([1-9][0-9]{{0,2}}({space}[0-9]{{3}})+|[0-9]+)([.,][0-9]+)?")
    found: list[str] = []
    for column in zip(*rows, strict=True):
        cells = [cell for cell in column if not is_missing(cell)]
        plain = [not re.search(space, cell) for cell in cells]
        if not all(plain) and all(map(number.fullmatch, cells)):
            found += cells
    return found


def _separated(cells: Sequence[str], form: re.Pattern[str], separator: str) -> int:
    """Return how many cells have a separator that can only be that of decimals."""
    grouped = _GROUPED[separator]
    return sum(bool(form.fullmatch(cell)) and not grouped.fullmatch(cell) for cell in cells)


def _has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Return True unless the first row looks like all others."""
    first, rest = rows[0], rows[1:]
    if any(_is_number(cell) for cell in first):
        return False
    if not rest:
        return True
    # A name is not a value of its own column, as the first row of a table without names is.
    repeated = sum(
        cell != "" and any(row[column] == cell for row in rest) for column, cell in enumerate(first)
    )
    return 2 * repeated < len(first)


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return cell.strip().lower() not in ("nan", "inf", "infinity")
