"""Scatter charts."""

from tinynet.commands.pages.charts.axes import drawable, frame_of, scale_of
from tinynet.commands.pages.charts.drawing import SMALL, Drawing, svg_chart
from tinynet.commands.pages.charts.lines import HEIGHT, SQUARE
from tinynet.commands.pages.charts.numbers import number_text
from tinynet.commands.pages.charts.svg import element, line, pixels
from tinynet.commands.report.charts import ScatterChart


def draw_scatter(chart: ScatterChart) -> Drawing:
    """Draw points, all in one color."""
    points = [(x, y) for x, y in chart.points if drawable(x) and drawable(y)]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    if chart.diagonal:
        x_scale = y_scale = scale_of([*xs, *ys])
    else:
        x_scale, y_scale = scale_of(xs), scale_of([*ys, *([0.0] if chart.baseline else [])])
    width, height = SQUARE if chart.diagonal else (SMALL, HEIGHT)
    frame = frame_of(
        x_scale, y_scale, width=width, height=height, x_label=chart.x_label, y_label=chart.y_label
    )
    parts = list(frame.elements)
    if chart.diagonal:
        parts.append(line(frame.left, frame.bottom, frame.right, frame.top, "line reference"))
    if chart.baseline:
        parts.append(line(frame.left, frame.y(0.0), frame.right, frame.y(0.0), "line reference"))
    steps = "".join(f"M{pixels(frame.x(x))} {pixels(frame.y(y))}h0" for x, y in points)
    if steps:
        parts.append(element("path", class_="points s1", d=steps))
    description = f"{len(points):,} points."
    if points:
        ends = [number_text(v) for v in (min(xs), max(xs), min(ys), max(ys))]
        description += f" {chart.x_label}: from {ends[0]} to {ends[1]}."
        description += f" {chart.y_label}: from {ends[2]} to {ends[3]}."
    return Drawing(svg_chart(chart.title, description, (width, height), parts), description)
