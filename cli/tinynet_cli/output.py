"""Printing results: a table for people, one JSON object for programs."""

import json
import math
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object; figures that are not finite become null."""
    click.echo(json.dumps(_finite(value)))


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
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
    cells = [list(head), *([_text(cell) for cell in row] for row in rows)]
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
        click.echo("  ".join(parts).rstrip())


def _text(cell: object) -> str:
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return printable(str(cell))
    return f"{cell:,}" if isinstance(cell, int) else figure(cell)


def printable(text: str) -> str:
    """The text with whatever could steer a terminal escaped: it may come from a stranger."""
    return "".join(
        c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text
    )


def figure(value: float) -> str:
    """A figure as short as it tells something: ``0.9833``, ``4127.3``, ``1.25e-05``."""
    size = abs(value)
    if size == 0 or 0.001 <= size < 100:
        return f"{value:.4f}"
    return f"{value:.1f}" if 100 <= size < 1_000_000 else f"{value:.2e}"


def figures_line(figures: Mapping[str, float]) -> str:
    """Figures on one line: ``loss 0.0597  accuracy 0.9833``."""
    return "  ".join(f"{name} {figure(value)}" for name, value in figures.items())


def short(path: Path) -> str:
    """A path as a person would type it here: from the current folder where that is shorter."""
    if not path.is_absolute():
        return str(path)
    near = Path.cwd()
    relative = path.relative_to(near) if path.is_relative_to(near) else path
    return min(str(relative), str(path), key=len)


def terminal_width() -> int:
    """Columns of the terminal, or as many as a line of text should have."""
    return shutil.get_terminal_size((100, 24)).columns
