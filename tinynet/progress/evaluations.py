"""The table of evaluations: a row of figures for each, on as many lines as the terminal needs."""

from collections.abc import Mapping, Sequence

from tinynet.text.printing import figure, printable

_BEST = "best"

_MARGIN = 7
"""Columns of the epoch or step; further lines of a row are indented by them."""

_NARROWEST = 8
"""Columns of the narrowest figure: ``0.123456`` has them."""


class EvaluationTable:
    """Rows of figures in columns. A column that does not fit moves to the row's next line."""

    def __init__(
        self,
        unit: str,
        names: Sequence[str],
        width: int | None,
        *,
        last: str | None = "samples/s",
        gap: int = 2,
    ) -> None:
        """Place the columns.

        Args:
            unit: The heading of the first column: ``epoch`` or ``step``.
            names: The figures' names.
            width: Columns of the terminal; None for one line, however long.
            last: The heading of the last column; None for a table without it.
            gap: The space between two columns.
        """
        self._unit, self._last, self._gap = unit, last, " " * gap
        self._lines: list[list[str]] = [[]]
        used = _MARGIN
        for name in [*names, *([last] if last is not None else [])]:
            needed = gap + _width(name)
            mark = gap + len(_BEST) if name == (last or names[-1]) else 0
            if width is not None and self._lines[-1] and used + needed + mark > width:
                self._lines.append([])
                used = _MARGIN
            self._lines[-1].append(name)
            used += needed

    @property
    def head(self) -> list[str]:
        """The lines above the first row."""
        cells = {name: printable(name) for line in self._lines for name in line}
        return self._laid_out(self._unit, cells)

    def row(
        self, label: str, figures: Mapping[str, float], last: str, *, improved: bool
    ) -> list[str]:
        """Return the lines of an evaluation.

        Args:
            label: The epoch, ``3/30``, or the step, ``400``.
            figures: The figures by name.
            last: The text of the last column.
            improved: True if it is the best so far.
        """
        cells = {name: figure(value) for name, value in figures.items()}
        cells |= {} if self._last is None else {self._last: last}
        lines = self._laid_out(label, cells)
        if improved:
            lines[-1] += f"{self._gap}{_BEST}"
        return lines

    def _laid_out(self, label: str, cells: Mapping[str, str]) -> list[str]:
        starts = [label.rjust(_MARGIN), *[" " * _MARGIN] * (len(self._lines) - 1)]
        return [
            self._gap.join([start, *(cells.get(name, "").rjust(_width(name)) for name in line)])
            for start, line in zip(starts, self._lines, strict=True)
        ]


def _width(name: str) -> int:
    return max(len(printable(name)), _NARROWEST)
