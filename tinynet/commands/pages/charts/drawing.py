"""Drawn charts, and their alternatives in words and numbers."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tinynet.commands.pages.charts.svg import element, escape

COLORS = 8
"""Number of colors of a chart; style.css defines them as ``--s1`` to ``--s8``."""

WIDTH = 400.0
"""Width of a chart at its usual size; the page scales it to the space there is."""


SMALL = 340.0
"""Width of a chart of which three fit side by side."""

LARGEST = 1.2
"""The largest factor by which the page enlarges a chart."""


@dataclass(frozen=True)
class LegendItem:
    """An entry of a legend.

    Attributes:
        name: The name of the line or group.
        style: The class of its lines and bars: ``s1`` to ``s8``, or ``reference``.
    """

    name: str
    style: str


@dataclass(frozen=True)
class Drawing:
    """A chart as SVG, with its alternatives in words and numbers.

    Attributes:
        svg: The SVG element.
        description: Its main figures, in one or two sentences.
        legend: The legend; empty if there is only one line or group.
        columns: The columns of the table of its values; empty without a table.
        rows: The rows of that table.
    """

    svg: str
    description: str
    legend: tuple[LegendItem, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def color(index: int) -> str:
    """Return the class of the line or group at an index; further ones repeat the colors, dashed."""
    style = f"s{index % COLORS + 1}"
    return style if index < COLORS else f"{style} dashed"


def svg_chart(
    title: str,
    description: str,
    size: tuple[float, float],
    children: Sequence[str],
    points: Mapping[str, Any] | None = None,
) -> str:
    """Return the SVG element of a chart, labeled for screen readers.

    Args:
        title: The name of the chart.
        description: Its main figures in words.
        size: Width and height in pixels.
        children: Its elements.
        points: The values for tooltips.
    """
    data = None if points is None else json.dumps(points, separators=(",", ":"), ensure_ascii=False)
    return element(
        "svg",
        f"<desc>{escape(description)}</desc>",
        *children,
        class_="chart",
        role="img",
        viewBox=f"0 0 {size[0]:g} {size[1]:g}",
        style=f"max-width:{LARGEST * size[0]:.0f}px",
        aria_label=title,
        data_points=data,
    )
