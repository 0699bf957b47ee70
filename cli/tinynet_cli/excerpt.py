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
    if problem.line is None or problem.column is None or problem.line > len(lines):
        return message
    before, after = _around(lines[problem.line - 1], problem.column - 1)
    number = str(problem.line)
    margin = " " * len(number)
    return f"{message}\n  {number} | {before}{after}\n  {margin} | {' ' * _width(before)}^"


def _around(line: str, column: int) -> tuple[str, str]:
    """What is shown of a line, cut in two at the column."""
    start = max(0, min(column - WIDTH // 2, len(line) - WIDTH))
    # One cell for each character that is none, so that the caret stays below the mistake.
    shown = "".join(c if c.isprintable() else " " for c in line[start : start + WIDTH])
    return shown[: column - start], shown[column - start :]


def _width(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)
