"""Messages about malformed rows of text tables, with the option that helps."""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tinynet.files.csv_dialect import Dialect

MAX_LINES = 3
"""Lines that a message names."""

MAX_PREAMBLE = 50
"""Lines before a header that a message suggests to skip."""

DELIMITERS = ",;\t|"
"""Delimiters to suggest if the spec's delimiter does not fit the file."""

COMMENTS = ("#", "%", "//")
"""Beginnings of lines that are probably comments."""

_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")

_NUMBER = re.compile(r"\s*[+-]?[0-9]+[0-9.,]*\s*")

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


def spreadsheet_note(path: str, line: int, first: Sequence[str], dialect: Dialect) -> str | None:
    """Return the message about a first row that is a note for spreadsheets, such as ``sep=;``."""
    text = dialect.delimiter.join(first).rstrip()
    if not re.fullmatch("sep=.", text):
        return None
    options = f'"skip_rows": {line}'
    if text[4] != dialect.delimiter:
        options += f" and {delimiter_options(text[4], '')}"
    return f"{path}, line {line}: {text!r} is a note for spreadsheets, not a row; set {options}"


@dataclass(frozen=True)
class Ragged:
    """Rows that have not as many cells as the first row.

    Attributes:
        first: The cells of the first row.
        sound: Number of rows beside them with as many cells as the first.
        rows: The cells of each, by line.
    """

    first: Sequence[str]
    sound: int
    rows: Mapping[int, Sequence[str]]

    def message(self, path: str, dialect: Dialect) -> str:
        """Return the message, with the option that a file of this form needs."""
        (line, row), *others = self.rows.items()
        more = ""
        if others:
            shown = ", ".join(str(line) for line, _ in others[:MAX_LINES])
            rest = len(others) - MAX_LINES
            more = f" (also in line{'s' if len(others) > 1 else ''} {shown}"
            more += f" and {rest:,} more)" if rest > 0 else ")"
        return (
            f"{path}, line {line}: {len(row)} cells, but the first row has {len(self.first)}"
            f"{more}; {self._remedy(dialect)}"
        )

    def _remedy(self, dialect: Dialect) -> str:
        line, row = next(iter(self.rows.items()))
        start, text = self.first[0], dialect.delimiter.join(row)
        for cell in (start, row[0]):
            if cell.startswith(COMMENTS) and dialect.comment_prefix is None:
                return f'if these lines are comments, set "comment_prefix": "{cell[0]}"'
        if len(self.first) == 1:
            for delimiter in DELIMITERS:
                if delimiter != dialect.delimiter and delimiter in text:
                    return f"set {delimiter_options(delimiter, text)}"
        quote = "put a cell that holds the delimiter in double quotes"
        if self._lacks_a_name(row):
            if all(not other[-1].strip() for other in self.rows.values()):
                return "the rows end with a delimiter; remove it, or add one to the header"
            return f"if the header lacks the name of a column, add it; else {quote}"
        if self._is_preamble(line, row):
            return f'if the table begins in line {line}, set "skip_rows": {line - 1}; else {quote}'
        return quote

    def _lacks_a_name(self, row: Sequence[str]) -> bool:
        """Return True if every row but the first has one cell more, and the first is a header."""
        alike = all(len(other) == len(self.first) + 1 for other in self.rows.values())
        return alike and not self.sound and any(map(_NUMBER.fullmatch, row))

    def _is_preamble(self, line: int, row: Sequence[str]) -> bool:
        """Return True if the first rows seem to stand before a wider table."""
        alike = all(len(other) == len(row) for other in self.rows.values())
        wider = len(row) > len(self.first)
        return wider and alike and line <= MAX_PREAMBLE and self.sound <= len(self.rows)


def delimiter_options(delimiter: str, text: str) -> str:
    """Return the options, to be copied, of a row that another delimiter separates."""
    shown = "\\t" if delimiter == "\t" else delimiter
    options = f'"delimiter": "{shown}"'
    if delimiter != "," and any(map(_DECIMAL_COMMA.fullmatch, text.split(delimiter))):
        options += ' and "decimal": ","'
    return options
