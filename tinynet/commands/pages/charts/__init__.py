"""Charts as SVG text, computed from plain numbers."""

from tinynet.commands.pages.charts.bars import draw_bars, draw_histogram
from tinynet.commands.pages.charts.drawing import Drawing, LegendItem
from tinynet.commands.pages.charts.heatmap import draw_heatmap
from tinynet.commands.pages.charts.lines import draw_lines
from tinynet.commands.pages.charts.scatter import draw_scatter

__all__ = [
    "Drawing",
    "LegendItem",
    "draw_bars",
    "draw_heatmap",
    "draw_histogram",
    "draw_lines",
    "draw_scatter",
]
