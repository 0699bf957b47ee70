"""Progress as text on stderr: lines in a pipe, and a bar below them on a terminal."""

from typing import TYPE_CHECKING

from tinynet.progress.blocks import Evaluations, evaluations
from tinynet.progress.stream import ProgressStream
from tinynet.progress.surface import Position, Row
from tinynet.text.printing import figure, filled, message_text, terminal_width

if TYPE_CHECKING:
    from tinynet.progress.bar import Bar

_REDRAWN = 0.1
"""Seconds between two updates of a bar."""

_SILENCE = 60.0
"""Seconds after which a pipe gets a line with the position in a long epoch."""


class TextSurface:
    """Lines of text on stderr.

    A terminal has a bar at its bottom and lines that fit its width; lines for a pipe are whole.
    """

    def __init__(self, stream: ProgressStream | None = None) -> None:
        self._stream = ProgressStream() if stream is None else stream
        self._bar = _bar(self._stream)
        self.interval = _SILENCE if self._bar is None else _REDRAWN
        self._table: Evaluations | None = None
        self._total = 0

    @property
    def width(self) -> int | None:
        """Columns of the terminal; None for a pipe."""
        return terminal_width() if self._stream.isatty() else None

    def message(self, text: str) -> None:
        """Print a line, above the bar."""
        if self._bar is not None:
            self._bar.print(text)
        else:
            self._stream.write(f"{message_text(text)}\n")
            self._stream.flush()

    def prose(self, text: str) -> None:
        """Print a sentence; on a terminal it is wrapped between words."""
        for line in filled(text.split(), self.width, " "):
            self.message(line)

    def start(self, step: int, total_steps: int) -> None:
        """Draw the bar."""
        self._total = total_steps
        if self._bar is not None:
            self._bar.start(step, total_steps)

    def position(self, position: Position) -> None:
        """Update the bar; without one, print a line."""
        if self._bar is not None:
            self._bar.step(position)
            return
        done = f"epoch {position.epoch}, step {position.step:,} of {self._total:,}"
        loss, speed = figure(position.loss), position.speed
        self.message(f"{done}: loss {loss}, {speed} samples/s")

    def evaluating(self, share: float) -> None:
        """Update the bar."""
        if self._bar is not None:
            self._bar.evaluating(share)

    def evaluated(self, row: Row) -> None:
        """Print a row of the table, below its head if it is the first."""
        if self._table is None:
            self._table = evaluations(row.unit, list(row.figures), self.width)
            self._print_all(self._table.head)
        lines = self._table.row(row.label, row.figures, row.speed, improved=row.improved)
        self._print_all(lines)
        if self._bar is not None:
            name = list(row.figures)[-1]
            self._bar.note(f"{name} {figure(row.figures[name])}")

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.stop()

    def _print_all(self, lines: list[str]) -> None:
        for line in lines:
            self.message(line)


def _bar(stream: ProgressStream) -> "Bar | None":
    if not stream.interactive:
        return None
    from tinynet.progress.bar import Bar

    return Bar(stream)
