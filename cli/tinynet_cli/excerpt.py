"""Mistakes with the line of the file that each is in, and a caret below it."""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinynet.errors import Problem

MAX_BYTES = 2**20
"""Limit of the bytes read from a file; specs are smaller."""

WIDTH = 88
"""Characters of a line that are shown; of a longer one, those around the mistake."""


def excerpts(source: str, problems: "Sequence[Problem]") -> Iterator[str]:
    """Yield the lines that show every mistake, and the line of the file that it is in.

    Args:
        source: The file.
        problems: The mistakes in it.
    """
    lines = _lines(source)
    for problem in problems:
        yield from _excerpt(source, problem, lines)


def _lines(source: str) -> list[str]:
    try:
        with open(source, "rb") as file:
            text = file.read(MAX_BYTES).decode("utf-8-sig")
    except (OSError, ValueError):
        return []
    return re.split(r"\r\n|\r|\n", text)


def _excerpt(source: str, problem: "Problem", lines: list[str]) -> Iterator[str]:
    place = f"{source}:" if problem.line is not None else f"{source}: "
    yield f"{place}{problem}"
    yield from _pointed(problem.line, problem.column, "^", lines)
    for use in problem.shown_uses:
        yield from _pointed(use.line, use.column, f"^ {use.what} here", lines)


def _pointed(line: int | None, column: int | None, mark: str, lines: list[str]) -> Iterator[str]:
    """Yield a line of the file, and a mark below one of its columns."""
    if line is None or column is None or line > len(lines):
        return
    before, after = _around(lines[line - 1], column - 1)
    number = str(line)
    margin = " " * len(number)
    yield f"  {number} | {before}{after}"
    yield f"  {margin} | {' ' * _width(before)}{mark}"


def _around(line: str, column: int) -> tuple[str, str]:
    """Return the displayed part of a line, split at the column."""
    start = max(0, min(column - WIDTH // 2, len(line) - WIDTH))
    # One cell for each unprintable character, so that the caret stays below the mistake.
    shown = "".join(c if c.isprintable() else " " for c in line[start : start + WIDTH])
    return shown[: column - start], shown[column - start :]


def _width(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)
