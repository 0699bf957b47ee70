"""Line charts."""

import math
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

from tinynet.commands.pages.charts.axes import Frame, Scale, drawable, frame_of, scale_of
from tinynet.commands.pages.charts.drawing import WIDTH, Drawing, LegendItem, color, svg_chart
from tinynet.commands.pages.charts.numbers import column_texts, number_text
from tinynet.commands.pages.charts.svg import clean, element, line, pixels, text, text_width
from tinynet.commands.report.charts import Line, LineChart, Mark

MAX_POINTS = 400
"""Most points of a drawn line; of more, the extremes of each interval are kept."""

MAX_ROWS = 50
"""Most rows of the table of values."""

ROW = 13.0
"""Height of a row of labels."""

MAX_DOTS = 40
"""Most points of a line whose points are drawn as dots, too."""

HEIGHT = 230.0

SQUARE = (330.0, 320.0)
"""Width and height of a chart whose axes have the same length."""

Point = tuple[float, float | None]


def draw_lines(chart: LineChart) -> Drawing:
    """Draw lines over one horizontal axis, with marks."""
    plain = [entry for entry in chart.lines if entry.role == "plain"]
    styles = {id(entry): color(index) for index, entry in enumerate(plain)}
    points = {id(entry): thin(_points(entry)) for entry in chart.lines}
    drawn = [point for entry in chart.lines for point in points[id(entry)]]
    labels = len({row for *_, row in _placed(chart.marks, _frame(chart, drawn))})
    frame = _frame(chart, drawn, ROW * labels)
    references = [entry for entry in chart.lines if entry.role == "reference"]
    parts = [*frame.elements, *_marks(chart.marks, frame)]
    for entry in [*references, *plain]:
        parts += _line(points[id(entry)], frame, styles.get(id(entry), "reference"))
    description = _description(chart, plain)
    tooltips = {
        **_scales(frame, chart.x_label),
        "lines": [
            {
                "name": clean(entry.name),
                "style": styles[id(entry)],
                "x": [_digits(x) for x, _ in points[id(entry)]],
                "y": [_digits(y) for _, y in points[id(entry)]],
            }
            for entry in plain
        ],
    }
    legend = [
        LegendItem(entry.name, styles.get(id(entry), "reference"))
        for entry in [*plain, *references]
    ]
    columns, rows = _table(chart, plain)
    return Drawing(
        svg_chart(chart.title, description, (frame.width, frame.height), parts, tooltips),
        description,
        tuple(legend) if len(legend) > 1 else (),
        columns,
        rows,
    )


def _points(entry: Line) -> list[Point]:
    """Return the points of a line; y is None where nothing can be drawn."""
    pairs = zip(entry.x, entry.y, strict=True)
    return [(x, y if y is not None and drawable(y) else None) for x, y in pairs if drawable(x)]


def thin(points: Sequence[Point], most: int = MAX_POINTS) -> list[Point]:
    """Return at most ``most`` points: of a longer line its ends and the extremes between."""
    if len(points) <= most:
        return list(points)
    size = math.ceil((len(points) - 2) / (most // 2 - 1))
    kept = [points[0]]
    for start in range(1, len(points) - 1, size):
        part = points[start : min(start + size, len(points) - 1)]
        values = [point for point in part if point[1] is not None]
        if not values:
            kept.append(part[0])
            continue
        low = min(values, key=lambda point: point[1] or 0.0)
        high = max(values, key=lambda point: point[1] or 0.0)
        kept += sorted({low, high}, key=lambda point: point[0])
    return [*kept, points[-1]]


def _frame(chart: LineChart, points: list[Point], headroom: float = 0.0) -> Frame:
    """Return the frame that holds points, with space above it for labels."""
    xs = [x for x, y in points if y is not None] + [m.x for m in chart.marks if drawable(m.x)]
    whole = bool(xs) and all(float(x).is_integer() for x in xs) and max(xs) > min(xs)
    x = scale_of(xs, tight=True, integers=whole, limits=chart.x_range)
    y = scale_of((y for _, y in points if y is not None), log=chart.log_y, limits=chart.y_range)
    width, height = SQUARE if chart.square else (WIDTH, HEIGHT)
    y_label = chart.y_label if chart.y_label.lower() != chart.title.lower() else ""
    return frame_of(
        x, y, width=width, height=height + headroom, headroom=headroom,
        x_label=chart.x_label, y_label=y_label,
    )  # fmt: skip


def _line(points: Sequence[Point], frame: Frame, style: str) -> list[str]:
    """Return the path of a line, and dots if its points are few or isolated."""
    steps, dots, command = [], [], "M"
    drawn = sum(y is not None for _, y in points)
    for index, (x, y) in enumerate(points):
        if y is None:
            command = "M"
            continue
        place = f"{pixels(frame.x(x))} {pixels(frame.y(y))}"
        steps.append(command + place)
        around = [points[i][1] for i in (index - 1, index + 1) if 0 <= i < len(points)]
        if style != "reference" and (drawn <= MAX_DOTS or all(value is None for value in around)):
            dots.append(f"M{place}h0")
        command = "L"
    paths = [element("path", class_=f"line {style}", d="".join(steps))] if steps else []
    if dots:
        paths.append(element("path", class_=f"dots {style}", d="".join(dots)))
    return paths


def _placed(marks: Sequence[Mark], frame: Frame) -> Iterator[tuple[Mark, float, str, float, int]]:
    """Yield each mark with its place, and the anchor, place and row of its label.

    Labels that would overlap are in different rows.
    """
    taken: list[tuple[float, float, int]] = []
    for mark in sorted(marks, key=lambda mark: mark.x):
        if not drawable(mark.x):
            continue
        x, width = frame.x(mark.x), text_width(mark.label)
        start = x - 2 if x + width <= frame.width else x + 2 - width
        row = 0
        while any(row == r and start < e + 8 and s < start + width + 8 for s, e, r in taken):
            row += 1
        taken.append((start, start + width, row))
        anchor, place = ("start", x - 2) if start == x - 2 else ("end", x + 2)
        yield mark, x, anchor, place, row


def _marks(marks: Sequence[Mark], frame: Frame) -> list[str]:
    """Return the vertical lines of marks, and their labels above the chart."""
    parts = []
    for mark, x, anchor, place, row in _placed(marks, frame):
        y = frame.top - 5 - ROW * row
        parts.append(line(x, y + 3, x, frame.bottom, f"mark {mark.kind}"))
        parts.append(text(place, y, mark.label, anchor, f"mark {mark.kind}"))
    return parts


def _scales(frame: Frame, x_label: str) -> dict[str, Any]:
    """Return what tooltips need to place points."""

    def ends(scale: Scale) -> list[float]:
        return [scale.low, scale.high, round(scale.start, 1), round(scale.end, 1), int(scale.log)]

    return {"label": x_label, "sx": ends(frame.x), "sy": ends(frame.y)}


def _digits(value: float | None) -> float | None:
    """Return a value with six significant digits."""
    if value is None:
        return None
    rounded = float(f"{value:.6g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded


def _description(chart: LineChart, lines: Sequence[Line]) -> str:
    """Return the range and the last value of each line."""
    sentences = []
    for entry in lines[:10]:
        values = [y for _, y in _points(entry) if y is not None]
        if values:
            low, high, last = (number_text(v) for v in (min(values), max(values), values[-1]))
            sentences.append(f"{entry.name}: from {low} to {high}, at the end {last}.")
    sentences += [f"{mark.label} at {chart.x_label} {number_text(mark.x)}." for mark in chart.marks]
    return " ".join(sentences) or "There are no values."


def _table(
    chart: LineChart, lines: Sequence[Line]
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Return columns and rows of the values of the lines, at most `MAX_ROWS`.

    Lines with places of their own, such as ROC curves, have a column of places each.
    """
    if not _share_places(lines):
        return _pairs(chart, lines)
    values = [dict(zip(entry.x, entry.y, strict=True)) for entry in lines]
    xs = sorted({x for column in values for x in column if drawable(x)})
    every = max(1, math.ceil(len(xs) / MAX_ROWS))
    chosen = xs[::-1][::every][::-1]
    columns = [column_texts(chosen), *(column_texts([c.get(x) for x in chosen]) for c in values)]
    return (chart.x_label, *(entry.name for entry in lines)), tuple(zip(*columns, strict=True))


def _share_places(lines: Sequence[Line]) -> bool:
    """Return True if a table with one column of places has few empty cells."""
    if any(len(set(entry.x)) < len(entry.x) for entry in lines):
        return False
    places = {x for entry in lines for x in entry.x}
    return 2 * len(places) <= 3 * max((len(entry.x) for entry in lines), default=0)


def _pairs(
    chart: LineChart, lines: Sequence[Line]
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Return a column of places and one of values for each line."""
    head, columns = [], []
    for entry in lines:
        prefix = f"{entry.name}: " if len(lines) > 1 else ""
        points = [(x, y) for x, y in zip(entry.x, entry.y, strict=True) if drawable(x)]
        chosen = points[::-1][:: max(1, math.ceil(len(points) / MAX_ROWS))][::-1]
        head += [prefix + chart.x_label, prefix + chart.y_label]
        columns += [column_texts([x for x, _ in chosen]), column_texts([y for _, y in chosen])]
    return tuple(head), tuple(zip_longest(*columns, fillvalue=""))
