"""Everything that a command prints: text and tables for people, one JSON object for programs.

Names come from files, folders and plugins of strangers, so nothing is printed that could control a
terminal: no other module writes to stdout or stderr. A name is escaped in files and pipes, too, so
that it cannot start a line; a generated text, which is the whole result, is not.
"""

import json
import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

from tinynet.text.printing import counted as counted
from tinynet.text.printing import cut_middle as cut_middle
from tinynet.text.printing import figure as figure
from tinynet.text.printing import filled as filled
from tinynet.text.printing import message_text
from tinynet.text.printing import printable as printable
from tinynet.text.printing import short as short
from tinynet.text.printing import terminal_width as terminal_width
from tinynet_cli import streams


def echo(text: str = "", *, err: bool = False, multiline: bool = False) -> None:
    """Print a line; see `printable` for the characters that are escaped.

    Args:
        text: The line, without the line feed at its end.
        err: Print it on stderr.
        multiline: Keep the line feeds and tabs in the text.

    Raises:
        CheckpointIOError: if stdout cannot be written. A failing stderr is ignored.
    """
    write = streams.write_message if err else streams.write_result
    write(f"{printable(text, multiline=multiline)}\n")


def write_part(text: str) -> None:
    """Print a part of a text on stdout at once, without a line feed at its end.

    On a terminal it is escaped as by `echo`; a file or a pipe gets the text itself.
    """
    escaped = streams.result_is_terminal()
    streams.write_result(printable(text, multiline=True) if escaped else text)


def echo_message(text: str) -> None:
    """Print an error or a warning on stderr; its further lines are indented by two spaces.

    Any other line feed comes from a name, and is escaped.
    """
    streams.write_message(f"{message_text(text)}\n")


def warn(message: str) -> None:
    """Print a warning on stderr."""
    echo_message(f"warning: {message}")


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object; figures that are not finite become null.

    Paths are printed as text, and dataclasses as objects.
    """
    echo(json_text(_plain(value)))


def json_text(value: Any, *, indent: int | None = None) -> str:
    """Return a value as JSON in visible ASCII characters."""
    return json.dumps(value, indent=indent).replace("\x7f", "\\u007f")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if is_dataclass(value):
        return _plain(vars(value))
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def print_table(
    head: Sequence[str], rows: Sequence[Sequence[object]], *, width: int | None = None
) -> None:
    """Print rows in columns; numbers to the right, text to the left.

    Args:
        head: Names of the columns.
        rows: A cell for each column.
        width: Columns of the terminal; the last cell is shortened to fit. None leaves it.
    """
    cells = [[printable(name) for name in head], *([_text(cell) for cell in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    if width is not None:
        room = max(width - sum(widths[:-1]) - 2 * len(widths[:-1]), 20)
        for row in cells:
            row[-1] = textwrap.shorten(row[-1], room, placeholder=" ...")
    numeric = [
        bool(rows) and all(isinstance(row[i], int | float) for row in rows)
        for i in range(len(head))
    ]
    for row in cells:
        parts = [
            cell.rjust(size) if right else cell.ljust(size)
            for cell, size, right in zip(row, widths, numeric, strict=True)
        ]
        echo("  ".join(parts).rstrip())


def _text(cell: object) -> str:
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return printable(str(cell))
    return f"{cell:,}" if isinstance(cell, int) else figure(cell)


def print_figures(title: str, figures: Mapping[str, float]) -> None:
    """Print figures after a title; on a narrow terminal on several lines."""
    parts = [f"{name} {figure(value)}" for name, value in figures.items()]
    if not parts:
        echo(title)
        return
    width = terminal_width() if streams.result_is_terminal() else None
    for line in filled([f"{title} {parts[0]}", *parts[1:]], width):
        echo(line)


class LiveLines:
    """Lines at the end of a terminal that are replaced by others."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def show(self, lines: Sequence[str]) -> None:
        """Replace the lines; a narrower terminal may have broken the earlier ones."""
        from rich.cells import cell_len

        width = max(terminal_width(), 1)
        rows = sum(max(-(-cell_len(line) // width), 1) for line in self._lines)
        self._lines = [printable(line) for line in lines]
        start = f"\x1b[{rows}F\x1b[J" if rows else ""
        streams.write_result(start + "".join(f"{line}\n" for line in self._lines))
