"""The table of epochs: a row of figures for each, on as many lines as the terminal needs."""

from collections.abc import Mapping, Sequence

from tinynet_cli.output import figure, printable

_EPOCH, _SPEED, _BEST = "epoch", "samples/s", "best"

_MARGIN = 7
"""Columns of the epoch; further lines of a row are indented by them."""

_NARROWEST = 8
"""Columns of the narrowest figure: ``0.123456`` has them."""


class EpochTable:
    """Rows of figures in columns. A column that does not fit moves to the row's next line."""

    def __init__(self, names: Sequence[str], width: int | None) -> None:
        """Place the columns.

        Args:
            names: The figures' names.
            width: Columns of the terminal; None for one line, however long.
        """
        self._lines: list[list[str]] = [[]]
        used = _MARGIN
        for name in [*names, _SPEED]:
            needed = 2 + _width(name)
            last = len(f"  {_BEST}") if name == _SPEED else 0
            if width is not None and self._lines[-1] and used + needed + last > width:
                self._lines.append([])
                used = _MARGIN
            self._lines[-1].append(name)
            used += needed

    @property
    def head(self) -> list[str]:
        """The lines above the first row."""
        cells = {name: printable(name) for line in self._lines for name in line}
        return self._laid_out(_EPOCH, cells)

    def row(
        self, epoch: str, figures: Mapping[str, float], speed: str, *, improved: bool
    ) -> list[str]:
        """Return the lines of an epoch.

        Args:
            epoch: Its number: ``3/30``.
            figures: The figures by name.
            speed: Samples in a second.
            improved: True if it is the best so far.
        """
        cells = {**{name: figure(value) for name, value in figures.items()}, _SPEED: speed}
        lines = self._laid_out(epoch, cells)
        if improved:
            lines[-1] += f"  {_BEST}"
        return lines

    def _laid_out(self, epoch: str, cells: Mapping[str, str]) -> list[str]:
        starts = [epoch.rjust(_MARGIN), *[" " * _MARGIN] * (len(self._lines) - 1)]
        return [
            "  ".join([start, *(cells[name].rjust(_width(name)) for name in line)])
            for start, line in zip(starts, self._lines, strict=True)
        ]


def _width(name: str) -> int:
    return max(len(printable(name)), _NARROWEST)
