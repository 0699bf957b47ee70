"""Everything that a command prints: text and tables for people, one JSON object for programs.

Names come from files, folders and plugins of strangers, so nothing is printed that could control a
terminal: no other module writes to stdout or stderr. A name is escaped in files and pipes, too, so
that it cannot start a line; a generated text, which is the whole result, is not.
"""

import json
import math
import shutil
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

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


def message_text(text: str) -> str:
    """Return a message as `echo_message` prints it."""
    return "\n  ".join(printable(line) for line in text.split("\n  "))


def warn(message: str) -> None:
    """Print a warning on stderr."""
    echo_message(f"warning: {message}")


def printable(text: str, *, multiline: bool = False) -> str:
    r"""Return the text with every character that is not visible escaped: ``\x1b``, ``\u202e``.

    That includes control characters, bidirectional overrides, line separators and surrogates.

    Args:
        text: The text, perhaps from a stranger.
        multiline: Keep line feeds and tabs.
    """
    kept = "\n\t" if multiline else ""
    return "".join(c if c.isprintable() or c in kept else ascii(c)[1:-1] for c in text)


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


def figure(value: float) -> str:
    """Return a figure as short text: ``0.9833``, ``4127.3``, ``1.25e-05``."""
    size = abs(value)
    if size == 0 or 0.001 <= size < 100:
        return f"{value:.4f}"
    return f"{value:.1f}" if 100 <= size < 1_000_000 else f"{value:.2e}"


def filled(words: Iterable[str], width: int | None, gap: str = "  ") -> list[str]:
    """Return lines of words that are never cut.

    Args:
        words: The words, or other parts that must stay whole.
        width: Columns of the terminal; None for a single line.
        gap: The space between two words.
    """
    lines: list[str] = []
    for word in words:
        if lines and (width is None or len(lines[-1]) + len(gap) + len(word) <= width):
            lines[-1] += gap + word
        else:
            lines.append(word if not lines else f"  {word}")
    return lines


def print_figures(title: str, figures: Mapping[str, float]) -> None:
    """Print figures after a title; on a narrow terminal on several lines."""
    parts = [f"{name} {figure(value)}" for name, value in figures.items()]
    if not parts:
        echo(title)
        return
    width = terminal_width() if streams.result_is_terminal() else None
    for line in filled([f"{title} {parts[0]}", *parts[1:]], width):
        echo(line)


def short(path: Path) -> str:
    """Return a path relative to the current folder, if that is shorter."""
    if not path.is_absolute():
        return str(path)
    near = Path.cwd()
    relative = path.relative_to(near) if path.is_relative_to(near) else path
    return min(str(relative), str(path), key=len)


def terminal_width() -> int:
    """Return the columns of the terminal, or 100 without one."""
    return shutil.get_terminal_size((100, 24)).columns
