"""Progress in a notebook: a table and a bar that are updated in place."""

import sys
import time
from collections.abc import Callable
from typing import Any, Protocol

from tinynet.progress.evaluations import EvaluationTable
from tinynet.progress.page import page
from tinynet.progress.surface import Position, Row
from tinynet.text.duration import duration
from tinynet.text.printing import figure, message_text

_REDRAWN = 0.25
"""Seconds between two updates."""

_MOST_ROWS = 50
"""Rows that are shown; earlier ones are in the run's log."""


class Handle(Protocol):
    """An output of a notebook that can be replaced, as `IPython.display.display` returns it."""

    def update(self, data: dict[str, str], *, raw: bool) -> None:
        """Replace the output by one with the same content in several formats."""


class NotebookSurface:
    """A table of evaluations with a bar below it, in the output of a notebook's cell."""

    interval = _REDRAWN

    def __init__(self, show: Callable[[dict[str, str]], Handle | None] | None = None) -> None:
        """Show nothing yet.

        Args:
            show: Function that shows content in several formats by MIME type.
        """
        self._show = _display if show is None else show
        self._handle: Handle | None = None
        self._failed = False
        self._drawn_at = float("-inf")
        self._before: list[str] = []
        self._after: list[str] = []
        self._rows: list[Row] = []
        self._hidden = 0
        self._total = 0
        self._first: tuple[int, float] | None = None
        self._status: tuple[float, str] | None = None
        self._training = False

    @property
    def width(self) -> int | None:
        """None: a notebook has no columns."""
        return None

    def message(self, text: str) -> None:
        """Show a warning or a note, above the table or, after the first row, below it."""
        lines = self._after if self._rows else self._before
        lines.append(message_text(text))
        self._draw(now=True)

    prose = message

    def start(self, step: int, total_steps: int) -> None:
        """Show the bar."""
        self._total, self._training = total_steps, True
        self._first = step, time.monotonic()
        self._status = step / max(total_steps, 1), f"step {step:,} of {total_steps:,}"
        self._draw(now=True)

    def position(self, position: Position) -> None:
        """Update the bar."""
        parts = [
            f"epoch {position.epoch}",
            f"loss {figure(position.loss)}",
            f"{position.speed} samples/s",
            *self._time_left(position.step),
        ]
        self._status = position.step / max(self._total, 1), ", ".join(parts)
        self._draw()

    def evaluating(self, share: float) -> None:
        """Show the share of the validation split that is evaluated."""
        if self._status is not None:
            self._status = self._status[0], f"evaluating {share:.0%}"
            self._draw()

    def evaluated(self, row: Row) -> None:
        """Add a row to the table."""
        self._rows.append(row)
        if len(self._rows) > _MOST_ROWS:
            del self._rows[0]
            self._hidden += 1
        self._draw()

    def close(self) -> None:
        """Remove the bar, and show the final table."""
        self._training = False
        if self._handle is not None:
            self._draw(now=True)

    def _time_left(self, step: int) -> list[str]:
        assert self._first is not None
        done, seconds = step - self._first[0], time.monotonic() - self._first[1]
        if done <= 0 or self._total <= step:
            return []
        return [f"{duration(seconds / done * (self._total - step))} left"]

    def _draw(self, *, now: bool = False) -> None:
        clock = time.monotonic()
        if self._failed or (not now and clock - self._drawn_at < _REDRAWN):
            return
        self._drawn_at = clock
        status = self._status if self._training else None
        html = page(self._before, self._rows, self._hidden, status, self._after)
        data = {"text/html": html, "text/plain": self._text()}
        try:
            if self._handle is None:
                self._handle = self._show(data)
            else:
                self._handle.update(data, raw=True)
        except Exception:
            # A notebook that was closed must not end the training.
            self._failed = True

    def _text(self) -> str:
        """Return the content for programs that show no HTML."""
        lines = [*self._before]
        if self._rows:
            first = self._rows[0]
            table = EvaluationTable(first.unit, list(first.figures), None)
            lines += table.head
            for row in self._rows:
                lines += table.row(row.label, row.figures, row.speed, improved=row.improved)
        return "\n".join([*lines, *self._after])


def in_notebook() -> bool:
    """Return True if this process is the kernel of a notebook."""
    module: Any = sys.modules.get("IPython")  # never imported where nothing else uses it
    shell = None if module is None else module.get_ipython()
    return getattr(shell, "kernel", None) is not None


def _display(data: dict[str, str]) -> Handle | None:
    from IPython.display import display

    handle: Handle | None = display(data, raw=True, display_id=True)
    return handle
