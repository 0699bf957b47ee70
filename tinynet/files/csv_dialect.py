"""The form of a text table: delimiter, encoding, and lines that are not rows."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Dialect:
    """The form of a text table.

    Attributes:
        delimiter: The one character between two cells.
        skip_rows: Lines before the first row.
        comment_prefix: Lines that begin with it are skipped, except inside of a quoted cell.
        encoding: Python's name of the encoding.
    """

    delimiter: str = ","
    skip_rows: int = 0
    comment_prefix: str | None = None
    encoding: str = "utf-8"
