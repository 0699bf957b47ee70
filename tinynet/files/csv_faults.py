"""Messages about malformed rows of text tables, with the option that helps."""

import csv
import re
from collections.abc import Mapping, Sequence

from tinynet.files.csv_dialect import Dialect

MAX_LINES = 3
"""Lines that a message names."""

MAX_PREAMBLE = 50
"""Lines before a header that a message suggests to skip."""

DELIMITERS = ",;\t|"
"""Delimiters to suggest if the spec's delimiter does not fit the file."""

_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")

_REMEDIES = {
    "unexpected end of data": "close the double quote that a cell of this row begins with",
    "expected after": 'double a quote inside of a quoted cell: ""',
    "field larger": "if a double quote is missing, add it; if the cell is text, shorten it",
    "new-line": "end lines with a line feed",
}


def syntax(path: str, line: int, error: csv.Error) -> str:
    """Return the message about text that breaks RFC 4180, at the last line that was read."""
    text = str(error).partition(" - ")[0]
    remedy = next((r for key, r in _REMEDIES.items() if key in text), "")
    return f"{path}, line {line}: {text}{remedy and '; '}{remedy}"


def ragged(
    path: str, dialect: Dialect, width: int, sound: int, rows: Mapping[int, Sequence[str]]
) -> str:
    """Return the message about rows, by line, that have not ``width`` cells as the first has.

    ``sound`` is the number of rows that have.
    """
    (line, row), *others = rows.items()
    more = ""
    if others:
        shown = ", ".join(str(line) for line, _ in others[:MAX_LINES])
        rest = len(others) - MAX_LINES
        more = f" (also in line{'s' if len(others) > 1 else ''} {shown}"
        more += f" and {rest:,} more)" if rest > 0 else ")"
    remedy = _remedy(dialect, width, sound, rows)
    return f"{path}, line {line}: {len(row)} cells, but the first row has {width}{more}; {remedy}"


def _remedy(dialect: Dialect, width: int, sound: int, rows: Mapping[int, Sequence[str]]) -> str:
    line, row = next(iter(rows.items()))
    text = dialect.delimiter.join(row)
    if width == 1:
        for delimiter in DELIMITERS:
            if delimiter != dialect.delimiter and delimiter in text:
                return f"set {delimiter_options(delimiter, text)}"
    quote = "put a cell that holds the delimiter in double quotes"
    is_preamble = line <= MAX_PREAMBLE and sound <= len(rows) and {*map(len, rows.values())}
    if is_preamble == {len(row)} and len(row) > width:
        return f'if the table begins in line {line}, set "skip_rows": {line - 1}; else {quote}'
    return quote


def delimiter_options(delimiter: str, text: str) -> str:
    """Return the options, to be copied, of a row that another delimiter separates."""
    shown = "\\t" if delimiter == "\t" else delimiter
    options = f'"delimiter": "{shown}"'
    if delimiter != "," and any(map(_DECIMAL_COMMA.fullmatch, text.split(delimiter))):
        options += ' and "decimal": ","'
    return options
