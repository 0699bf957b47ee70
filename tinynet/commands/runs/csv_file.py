"""Tables of runs as CSV files."""

import csv
import io
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from tinynet.commands.runs.columns import Cell
from tinynet.errors import explaining_io
from tinynet.files.atomic import replacing_output
from tinynet.files.outputs import require_ending
from tinynet.text.printing import printable

_FORMULA = ("=", "+", "-", "@", "'")
"""The first characters of a text that a spreadsheet computes, and the one that prevents it."""


ENDINGS = (".csv",)


def write_csv(path: str | Path, table: Mapping[str, list[Cell]]) -> None:
    """Write a table to a file that the user names; see `csv_text`.

    Raises:
        UsageError: if the name does not end in .csv, or the file belongs to a run.
        CheckpointIOError: if the file cannot be written.
    """
    require_ending(path, ENDINGS, "a CSV table")
    with explaining_io(Path(path)), replacing_output(Path(path)) as write_at:
        write_at(0, csv_text(table).encode())


def csv_text(table: Mapping[str, list[Cell]]) -> str:
    """Return a table, given by its columns, as CSV; None is an empty cell.

    A text that a spreadsheet would compute begins with ``'``.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([_text(name) for name in table])
    writer.writerows([_text(cell) for cell in row] for row in zip(*table.values(), strict=True))
    return stream.getvalue()


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.isoformat()
    if not isinstance(cell, str):
        return json.dumps(cell)
    text = printable(cell)
    return f"'{text}" if text.startswith(_FORMULA) else text
