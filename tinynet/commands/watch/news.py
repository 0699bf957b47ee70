"""The changes of watched runs as lines for a pipe: each line is printed once and stays."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tinynet.commands.watch.following import Watched
from tinynet.commands.watch.timing import clock
from tinynet.commands.watch.view import (
    closing,
    epoch_label,
    figures_of,
    position_text,
    run_table,
    state_text,
    table_row,
)
from tinynet.progress.blocks import Evaluations
from tinynet.run.record import RunRecord
from tinynet.text.printing import figure, short


class News:
    """The lines that a pipe gets: new evaluations, and changes of a run's state.

    Lines of several runs start with the run's name; a single run has a table.
    """

    def __init__(self, *, several: bool) -> None:
        self._several = several
        self._states: dict[Path, str] = {}
        self._steps: dict[Path, int] = {}
        self._table: Evaluations | None = None

    def lines(self, states: Sequence[Watched]) -> Iterator[str]:
        """Yield the lines about everything that is new since the last call."""
        for state in states:
            text, known = state_text(state), self._states.get(state.path)
            if known is None and state.training:
                yield self._sentence(state, text)
            yield from self._evaluations(state)
            if text != known and not state.training:
                yield self._sentence(state, text)
                if state.record is not None:
                    start = f"{short(state.path)}: " if self._several else ""
                    yield from (f"{start}{line}" for line in closing(state.record))
            self._states[state.path] = text

    def _sentence(self, state: Watched, text: str) -> str:
        where = "" if state.record is None else f", {position_text(state.record)}"
        return f"{short(state.path)}: {text}{where}"

    def _evaluations(self, state: Watched) -> Iterator[str]:
        if state.record is None:
            return
        last, history = self._steps.get(state.path, -1), state.record.history
        for line, seconds in zip(history, clock(history), strict=True):
            if line["step"] > last:
                yield from self._evaluation(state, state.record, line, seconds)
                self._steps[state.path] = line["step"]

    def _evaluation(
        self, state: Watched, record: RunRecord, line: dict[str, Any], seconds: float
    ) -> Iterator[str]:
        if self._several:
            figures = (f"{name} {figure(value)}" for name, value in figures_of(line).items())
            epoch = epoch_label(record, line["epoch"])
            yield f"{short(state.path)}: epoch {epoch}, step {line['step']:,}: {', '.join(figures)}"
            return
        if self._table is None:
            self._table = run_table(record, line, None)
            yield from self._table.head
        yield from table_row(self._table, record, line, seconds)
