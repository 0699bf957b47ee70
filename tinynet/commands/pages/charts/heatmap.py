"""Matrices of numbers in colors."""

from collections.abc import Iterator, Sequence

from tinynet.commands.pages.charts.drawing import Drawing, svg_chart
from tinynet.commands.pages.charts.numbers import number_text
from tinynet.commands.pages.charts.svg import (
    element,
    escape,
    pixels,
    shorten,
    text,
    text_width,
)
from tinynet.commands.report.charts import Heatmap

MAX_LABEL = 14
"""Most characters of a label."""

LEVELS = 50
"""Number of strengths of the color."""

SIDE = 300.0
"""Width of the cells together."""


def draw_heatmap(chart: Heatmap) -> Drawing:
    """Draw a matrix of numbers from 0 to 1; the larger a number, the stronger its color."""
    rows = [shorten(label, MAX_LABEL) for label in chart.rows]
    columns = [shorten(label, MAX_LABEL) for label in chart.columns]
    cell = min(26.0, SIDE / max(len(columns), len(rows), 1))
    left = 6 + max(map(text_width, rows), default=0)
    top = 8 + max(map(text_width, columns), default=0)
    if chart.row_label or chart.column_label:
        top += 14
    parts = []
    for index, label in enumerate(rows):
        if _labeled(index, cell):
            parts.append(text(left - 4, top + (index + 0.5) * cell + 3.5, label, "end"))
    for index, label in enumerate(columns):
        if _labeled(index, cell):
            x = left + (index + 0.5) * cell + 3.5
            parts.append(_upright(x, top - 4, label))
    parts += _cells(chart.values, left, top, cell)
    width, height = left + cell * len(columns), top + cell * len(rows)
    parts.append(
        element("rect", class_="frame", x=left, y=top, width=width - left, height=height - top)
    )
    if chart.row_label or chart.column_label:
        names = " \u00d7 ".join(filter(None, (chart.row_label, chart.column_label)))
        parts.append(text(0, 11, names, "start", "label"))
    description = _description(chart)
    size = max(width + 1, 200.0), height + 1
    return Drawing(svg_chart(chart.title, description, size, parts), description)


def _cells(
    values: Sequence[Sequence[float]], left: float, top: float, size: float
) -> Iterator[str]:
    """Yield a path for each strength of the color, with all cells that have it."""
    squares: dict[int, list[str]] = {}
    for i, row in enumerate(values):
        for j, value in enumerate(row):
            level = round(LEVELS * min(max(value, 0.0), 1.0)) if value == value else 0
            x, y, side = (pixels(v) for v in (left + j * size, top + i * size, size))
            squares.setdefault(level, []).append(f"M{x} {y}h{side}v{side}h-{side}z")
    for level, found in sorted(squares.items()):
        if level:
            yield element(
                "path", class_="cell", fill_opacity=f"{level / LEVELS:.2f}", d="".join(found)
            )


def _labeled(index: int, cell: float) -> bool:
    """Return True if there is space for the label of a row or column."""
    every = max(1, round(12 / cell))
    return index % every == 0


def _upright(x: float, y: float, label: str) -> str:
    """Return a text that runs upwards from a point."""
    place = f"translate({x:.1f} {y:.1f}) rotate(-90)"
    return element("text", escape(label), transform=place)


def _description(chart: Heatmap) -> str:
    """Return the largest value of the first rows."""
    parts = []
    for label, values in list(zip(chart.rows, chart.values, strict=True))[:10]:
        if values:
            best = max(range(len(values)), key=values.__getitem__)
            parts.append(f"{label}: {chart.columns[best]} {number_text(values[best], 2)}")
    return f"Largest value of each row: {'; '.join(parts)}." if parts else "There are no values."
