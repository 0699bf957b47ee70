"""Text for terminals and pages: escaped names, short figures and paths, and filled lines.

Names come from files, folders and plugins of strangers; `printable` escapes the characters that
could control a terminal or start a line.
"""

import shutil
from collections.abc import Iterable
from pathlib import Path


def printable(text: str, *, multiline: bool = False) -> str:
    r"""Return the text with every character that is not visible escaped: ``\x1b``, ``\u202e``.

    That includes control characters, bidirectional overrides, line separators and surrogates.

    Args:
        text: The text, perhaps from a stranger.
        multiline: Keep line feeds and tabs.
    """
    kept = "\n\t" if multiline else ""
    return "".join(c if c.isprintable() or c in kept else ascii(c)[1:-1] for c in text)


def message_text(text: str) -> str:
    """Return an error or a warning with escaped names; its further lines are indented.

    A line feed that no two spaces follow comes from a name, and is escaped.
    """
    return "\n  ".join(printable(line) for line in text.split("\n  "))


def figure(value: float) -> str:
    """Return a figure as short text: ``0.9833``, ``4127.3``, ``1.25e-05``."""
    size = abs(value)
    if size == 0 or 0.001 <= size < 100:
        return f"{value:.4f}"
    return f"{value:.1f}" if 100 <= size < 1_000_000 else f"{value:.2e}"


def counted(number: int, word: str, ending: str = "s") -> str:
    """Return a number and its word: ``1 epoch``, ``1,200 steps``, ``3 classes`` with ``"es"``."""
    return f"{number:,} {word}{'' if number == 1 else ending}"


def cut_middle(text: str, most: int | None) -> str:
    """Return a text of at most ``most`` characters, without its middle: names differ at the end.

    None leaves it as it is.
    """
    if most is None or len(text) <= most:
        return text
    if most < 6:
        return text[:most]
    end = most // 2 - 2
    return f"{text[: most - end - 3]}...{text[-end:]}"


def short_labels(paths: Iterable[str], least: int = 2) -> dict[str, str]:
    """Return the shortest clear ends of dotted paths that differ.

    An end starts with a name: ``optimizer.learning_rate``, ``layers.0.units``.

    Args:
        paths: The paths.
        least: Fewest names of an end. One name alone, such as ``path`` or ``test``, may be of
            several things.
    """
    paths = [*paths]
    labels = {}
    for path in paths:
        parts = path.split(".")
        counts = range(min(least, len(parts)), len(parts) + 1)
        ends = (".".join(parts[-n:]) for n in counts if not parts[-n].isdigit())
        others = [f".{other}" for other in paths if other != path]
        labels[path] = next(
            (end for end in ends if not any(other.endswith(f".{end}") for other in others)), path
        )
    return labels


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
