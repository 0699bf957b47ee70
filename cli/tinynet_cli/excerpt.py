"""The line of a file that a mistake is in, with a caret below it, as compilers show it."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinynet.errors import Problem

WIDTH = 88
"""Characters of a line that are shown; of a longer one, those around the mistake."""


def excerpts(source: str, problems: "Sequence[Problem]") -> str:
    """Every mistake, each with the line it is in, where that can be read (again).

    Args:
        source: The file.
        problems: The mistakes in it.
    """
    lines = _lines(source)
    return "\n".join(_excerpt(source, problem, lines) for problem in problems)


def _lines(source: str) -> list[str]:
    try:
        text = Path(source).read_bytes().decode("utf-8-sig")
    except (OSError, ValueError):
        return []
    return re.split(r"\r\n|\r|\n", text)


def _excerpt(source: str, problem: "Problem", lines: list[str]) -> str:
    place = f"{source}:" if problem.line is not None else f"{source}: "
    message = f"{place}{problem}"
    shown = [_pointed(problem.line, problem.column, "^", lines)]
    uses = problem.shown_uses
    shown += [_pointed(use.line, use.column, f"^ {use.what} here", lines) for use in uses]
    return "\n".join(filter(None, [message, *shown]))


def _pointed(line: int | None, column: int | None, mark: str, lines: list[str]) -> str:
    """A line of the file, and a mark below one of its columns."""
    if line is None or column is None or line > len(lines):
        return ""
    before, after = _around(lines[line - 1], column - 1)
    number = str(line)
    margin = " " * len(number)
    return f"  {number} | {before}{after}\n  {margin} | {' ' * _width(before)}{mark}"


def _around(line: str, column: int) -> tuple[str, str]:
    """What is shown of a line, cut in two at the column."""
    start = max(0, min(column - WIDTH // 2, len(line) - WIDTH))
    # One cell for each character that is none, so that the caret stays below the mistake.
    shown = "".join(c if c.isprintable() else " " for c in line[start : start + WIDTH])
    return shown[: column - start], shown[column - start :]


def _width(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)
