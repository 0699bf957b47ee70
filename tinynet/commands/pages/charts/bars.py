"""Bar charts and histograms."""

from tinynet.commands.pages.charts.axes import drawable, frame_of, scale_of
from tinynet.commands.pages.charts.drawing import (
    SMALL,
    WIDTH,
    Drawing,
    LegendItem,
    color,
    svg_chart,
)
from tinynet.commands.pages.charts.numbers import column_texts, equal_texts, number_text
from tinynet.commands.pages.charts.svg import element, line, shorten, text, text_width
from tinynet.commands.report.charts import BarChart, Histogram

HEIGHT = 200.0

MAX_LABEL = 22
"""Most characters of a bar's label."""


def draw_bars(chart: BarChart) -> Drawing:
    """Draw horizontal bars, each with its value."""
    groups = len(chart.groups)
    thickness = 14.0 if groups == 1 else 12.0
    pitch = groups * thickness + 8
    values = [v for group in chart.groups for v in group.values if v is not None and drawable(v)]
    texts = dict(zip(values, equal_texts(values), strict=True))
    labels = [shorten(label, MAX_LABEL) for label in chart.labels]
    left = 8 + max(map(text_width, labels), default=0)
    right = WIDTH - 8 - max(map(text_width, texts.values()), default=0)
    scale = scale_of([0.0, *values], tight=True).to(left, right)
    height = 4 + pitch * len(labels)
    parts = []
    for row, label in enumerate(labels):
        top = 2 + row * pitch
        parts.append(text(left - 6, top + pitch / 2, label, "end"))
        for index, group in enumerate(chart.groups):
            value = group.values[row]
            if value is None or not drawable(value):
                continue
            y = top + 4 + index * thickness
            start, end = sorted((scale(0.0), scale(value)))
            parts.append(
                element(
                    "rect", class_=f"bar {color(index)}",
                    x=start, y=y, width=max(end - start, 0.5), height=thickness - 1,
                )
            )  # fmt: skip
            parts.append(text(end + 4, y + thickness / 2 + 3, texts[value], "start", "value"))
    parts.append(line(scale(0.0), 2, scale(0.0), height - 2, "axis"))
    lists = [f"{group.name}: {_listed(chart.labels, group.values)}." for group in chart.groups[:4]]
    description = " ".join(lists) or "There are no values."
    legend = [LegendItem(group.name, color(i)) for i, group in enumerate(chart.groups)]
    columns = [column_texts(group.values) for group in chart.groups]
    rows = [
        (
            label,
            *(column[row] for column in columns),
        )
        for row, label in enumerate(chart.labels)
    ]
    return Drawing(
        svg_chart(chart.title, description, (WIDTH, height), parts),
        description,
        tuple(legend) if groups > 1 else (),
        ("", *(group.name or chart.x_label for group in chart.groups)),
        tuple(rows),
    )


def _listed(labels: tuple[str, ...], values: tuple[float | None, ...]) -> str:
    """Return the first values with their labels."""
    pairs = [(a, b) for a, b in zip(labels, values, strict=True) if b is not None]
    shown = ", ".join(f"{label} {number_text(value)}" for label, value in pairs[:10])
    return shown + (f" and {len(pairs) - 10} more" if len(pairs) > 10 else "")


def draw_histogram(chart: Histogram) -> Drawing:
    """Draw counts in intervals side by side."""
    frame = frame_of(
        scale_of(chart.edges, tight=True),
        scale_of([0, *chart.counts], integers=True, count=4),
        width=SMALL, height=HEIGHT, x_label=chart.x_label, y_label=chart.y_label,
    )  # fmt: skip
    bars = []
    rows = []
    for low, high, count in zip(chart.edges, chart.edges[1:], chart.counts, strict=False):
        rows.append((f"{number_text(low)} to {number_text(high)}", f"{count:,}"))
        x, top = frame.x(low), frame.y(count)
        if count:
            bars.append(
                element(
                    "rect", f"<title>{' : '.join(rows[-1])}</title>", class_="bar s1",
                    x=x, y=top, width=max(frame.x(high) - x - 1, 0.5), height=frame.bottom - top,
                )
            )  # fmt: skip
    most = max(chart.counts, default=0)
    where = rows[chart.counts.index(most)][0] if rows else ""
    description = f"{sum(chart.counts):,} values; most ({most:,}) from {where}."
    return Drawing(
        svg_chart(chart.title, description, (SMALL, HEIGHT), [*frame.elements, *bars]),
        description,
        (),
        (chart.x_label, chart.y_label),
        tuple(rows),
    )
