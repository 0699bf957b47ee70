"""The numbers of charts, tables and pictures of a report, without their appearance."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Cell: TypeAlias = str | int | float | None
"""A value of a table. None is an empty cell; integers and floats are aligned as numbers."""


@dataclass(frozen=True)
class Table:
    """Rows of cells below names of columns.

    Attributes:
        columns: The names of the columns.
        rows: The cells of each row, as many as columns.
        title: The title; empty if the section's is enough.
        note: A sentence below the table; empty for none.
        left_out: The number of further rows, which are not in the report.
        shares: The columns whose numbers are shares from 0 to 1, shown as percentages.
        totals: The number of last rows that sum up the others, such as averages.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    title: str = ""
    note: str = ""
    left_out: int = 0
    shares: frozenset[str] = frozenset()
    totals: int = 0


@dataclass(frozen=True)
class Fact:
    """A name with a value in words: ``Optimizer``, ``adam, learning rate 0.003``."""

    name: str
    text: str


@dataclass(frozen=True)
class Figure:
    """A number with a name, such as a metric.

    Attributes:
        name: The name: ``val/accuracy``.
        value: The number; None if it is not finite.
        note: Further words: ``best of 20 epochs``; empty for none.
    """

    name: str
    value: float | None
    note: str = ""


@dataclass(frozen=True)
class Picture:
    """An image.

    Attributes:
        png: The content of a PNG file.
        width: The width in pixels of the image; it may be shown larger, without smoothing.
        height: The height.
        alt: A description for readers who do not see it.
        caption: A short text below it; empty for none.
    """

    png: bytes
    width: int
    height: int
    alt: str
    caption: str = ""


@dataclass(frozen=True)
class Line:
    """A line of a chart.

    Attributes:
        name: The name in the legend.
        x: The positions, ascending.
        y: The values, as many as positions; None is a gap.
        role: ``"plain"``; ``"reference"`` is drawn thin and gray, such as the line of chance.
    """

    name: str
    x: tuple[float, ...]
    y: tuple[float | None, ...]
    role: Literal["plain", "reference"] = "plain"


@dataclass(frozen=True)
class Mark:
    """A position on the horizontal axis that is marked by a vertical line.

    Attributes:
        x: The position.
        label: A short text: ``best epoch 7``.
        kind: ``"best"``, ``"end"`` (the end of an interrupted run or of early stopping) or
            ``"resume"``.
    """

    x: float
    label: str
    kind: Literal["best", "end", "resume"]


@dataclass(frozen=True)
class LineChart:
    """Lines over one horizontal axis.

    Attributes:
        title: The title.
        x_label: The name of the horizontal axis.
        y_label: The name of the vertical axis.
        lines: The lines.
        marks: Marked positions.
        log_y: True if the vertical axis is logarithmic; all values are then positive.
        x_range: The range of the horizontal axis; None for that of the lines.
        y_range: The range of the vertical axis; None for that of the lines.
        square: True if both axes have the same length, as those of ROC curves.
        note: A sentence below the chart; empty for none.
    """

    title: str
    x_label: str
    y_label: str
    lines: tuple[Line, ...]
    marks: tuple[Mark, ...] = ()
    log_y: bool = False
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    square: bool = False
    note: str = ""


@dataclass(frozen=True)
class ScatterChart:
    """Points.

    Attributes:
        title: The title.
        x_label: The name of the horizontal axis.
        y_label: The name of the vertical axis.
        points: The points (x, y), at most a thousand.
        diagonal: True if the line y = x is drawn, and both axes have the same range and length.
        baseline: True if the line y = 0 is drawn.
        note: A sentence below the chart; empty for none.
    """

    title: str
    x_label: str
    y_label: str
    points: tuple[tuple[float, float], ...]
    diagonal: bool = False
    baseline: bool = False
    note: str = ""


@dataclass(frozen=True)
class Histogram:
    """Counts in intervals side by side.

    Attributes:
        title: The title.
        x_label: The name of the horizontal axis.
        edges: The limits of the intervals, ascending, one more than counts.
        counts: The number of values in each interval.
        y_label: The name of the vertical axis.
        note: A sentence below the chart; empty for none.
    """

    title: str
    x_label: str
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    y_label: str = "samples"
    note: str = ""


@dataclass(frozen=True)
class BarGroup:
    """The bars of one color in a bar chart: a value for each label, None for no bar."""

    name: str
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class BarChart:
    """Horizontal bars, one or several for each label.

    Attributes:
        title: The title.
        labels: The labels, from top to bottom.
        groups: The bars of each color; one group needs no legend.
        x_label: The name of the axis of values.
        note: A sentence below the chart; empty for none.
    """

    title: str
    labels: tuple[str, ...]
    groups: tuple[BarGroup, ...]
    x_label: str
    note: str = ""


@dataclass(frozen=True)
class Heatmap:
    """A matrix of numbers in colors, such as attention weights.

    Attributes:
        title: The title.
        rows: The labels of the rows, from top to bottom.
        columns: The labels of the columns.
        values: The numbers of each row, from 0 to 1.
        row_label: The name of the axis of the rows.
        column_label: The name of the axis of the columns.
        note: A sentence below it; empty for none.
    """

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: tuple[tuple[float, ...], ...]
    row_label: str = ""
    column_label: str = ""
    note: str = ""
