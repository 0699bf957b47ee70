"""Charts: the page shows the numbers of a run as they are, in pictures and in words."""

import json
import math
import re
import xml.etree.ElementTree as ET

import pytest

from tinynet.commands.pages.charts import (
    draw_bars,
    draw_heatmap,
    draw_histogram,
    draw_lines,
    draw_scatter,
)
from tinynet.commands.pages.charts.lines import MAX_POINTS, MAX_ROWS, thin
from tinynet.commands.report.charts import (
    BarChart,
    BarGroup,
    Heatmap,
    Histogram,
    Line,
    LineChart,
    Mark,
    ScatterChart,
)

EPOCHS = (1, 2, 3, 4)


def loss_chart(*values, **options):
    lines = [Line(name, EPOCHS, y) for name, y in zip(("train", "val"), values, strict=False)]
    return LineChart("Loss", "epoch", "loss", tuple(lines), **options)


def paths(drawing, kind="line"):
    """Return the paths of the class `kind` as lists of points."""
    found = re.findall(rf'class="{kind} [^"]*" d="([^"]*)"', drawing.svg)
    return [re.findall(r"([ML])([\d.-]+) ([\d.-]+)", path) for path in found]


def test_a_lower_loss_is_drawn_lower():
    (path,) = paths(draw_lines(loss_chart((4.0, 3.0, 2.0, 1.0))))
    heights = [float(y) for _, _, y in path]
    assert heights == sorted(heights)


def test_a_missing_or_infinite_value_interrupts_the_line():
    (path,) = paths(draw_lines(loss_chart((1.0, None, math.inf, 2.0))))
    assert [command for command, *_ in path] == ["M", "M"]


def test_lines_are_told_apart_by_legend_and_color():
    drawing = draw_lines(loss_chart((1.0, 2.0, 3.0, 4.0), (2.0, 3.0, 4.0, 5.0)))
    assert [(entry.name, entry.style) for entry in drawing.legend] == [
        ("train", "s1"),
        ("val", "s2"),
    ]


def test_words_and_table_repeat_the_values():
    drawing = draw_lines(
        loss_chart((1.0, 0.5, None, 0.25), marks=(Mark(4, "best epoch 4", "best"),))
    )
    assert "train: from 0.2500 to 1, at the end 0.2500." in drawing.description
    assert "best epoch 4" in drawing.description
    assert drawing.columns == ("epoch", "train")
    assert drawing.rows == (("1", "1.000"), ("2", "0.500"), ("3", ""), ("4", "0.250"))


def test_tooltips_have_the_values_themselves():
    drawing = draw_lines(loss_chart((1.0, 0.123456, None, 0.25)))
    data = json.loads(ET.fromstring(drawing.svg).get("data-points"))
    assert data["lines"][0]["y"] == [1, 0.123456, None, 0.25]


def test_labels_of_close_marks_do_not_overlap():
    marks = (Mark(4, "best epoch 4", "best"), Mark(4, "stopped early", "end"))
    svg = ET.fromstring(draw_lines(loss_chart((1.0, 2.0, 3.0, 4.0), marks=marks)).svg)
    labels = [text for text in svg.iter("text") if "mark" in text.get("class", "")]
    assert len({text.get("y") for text in labels}) == 2


def test_a_long_line_keeps_its_extremes():
    points = [(float(x), 1.0) for x in range(100_000)]
    points[12_345] = (12_345.0, 50.0)
    points[54_321] = (54_321.0, None)
    kept = thin(points)
    assert len(kept) <= MAX_POINTS
    assert (12_345.0, 50.0) in kept
    assert kept[0] == points[0]
    assert kept[-1] == points[-1]


def test_a_long_table_ends_with_the_last_value():
    line = Line("train", tuple(range(1000)), tuple(map(float, range(1000))))
    drawing = draw_lines(LineChart("Loss", "step", "", (line,)))
    assert len(drawing.rows) <= MAX_ROWS
    assert drawing.rows[-1] == ("999", "999")


EMPTY = [
    draw_lines(LineChart("Loss", "epoch", "", ())),
    draw_lines(loss_chart((math.nan, None, None, None), log_y=True)),
    draw_lines(LineChart("Loss", "epoch", "", (Line("train", (1,), (2.0,)),))),
    draw_scatter(ScatterChart("s", "x", "y", ())),
    draw_histogram(Histogram("h", "x", (), ())),
    draw_histogram(Histogram("h", "x", (0.0, 0.0), (3,))),
    draw_bars(BarChart("b", (), (BarGroup("", ()),), "x")),
    draw_heatmap(Heatmap("a", (), (), ())),
]


@pytest.mark.parametrize("drawing", EMPTY)
def test_a_chart_without_values_is_still_a_picture(drawing):
    assert ET.fromstring(drawing.svg).get("viewBox")
    assert "nan" not in drawing.svg.lower().replace("name", "")


HOSTILE = '"><script>alert(1)</script>\x00\x1b[31m\u202e'


def hostile_charts():
    """Yield a chart of each kind with names that would change the page."""
    lines = (Line(HOSTILE, (1,), (2.0,)),)
    yield draw_lines(LineChart(HOSTILE, HOSTILE, HOSTILE, lines, marks=(Mark(1, HOSTILE, "end"),)))
    yield draw_scatter(ScatterChart(HOSTILE, HOSTILE, HOSTILE, ((1.0, 2.0),)))
    yield draw_bars(BarChart(HOSTILE, (HOSTILE,), (BarGroup(HOSTILE, (1.0,)),), HOSTILE))
    yield draw_histogram(Histogram(HOSTILE, HOSTILE, (0.0, 1.0), (1,), HOSTILE))
    yield draw_heatmap(Heatmap(HOSTILE, (HOSTILE,), (HOSTILE,), ((1.0,),), HOSTILE))


@pytest.mark.parametrize("drawing", list(hostile_charts()))
def test_names_from_files_cannot_run_scripts(drawing):
    svg = ET.fromstring(drawing.svg)
    assert not list(svg.iter("script"))
    assert not set(drawing.svg) & set("\x00\x1b\u202e")


def test_bars_are_as_long_as_their_values():
    chart = BarChart("Classes", ("a", "b"), (BarGroup("", (100, 50)),), "samples")
    svg = ET.fromstring(draw_bars(chart).svg)
    long, short = (float(bar.get("width")) for bar in svg.iter("rect"))
    assert long == pytest.approx(2 * short, abs=0.2)


def test_a_histogram_names_each_interval_and_its_count():
    drawing = draw_histogram(Histogram("Residuals", "error", (-1.0, 0.0, 1.0), (3, 1)))
    assert drawing.rows == (("-1 to 0", "3"), ("0 to 1", "1"))
    assert drawing.description == "4 values; most (3) from -1 to 0."


def test_predictions_on_the_diagonal_are_drawn_on_the_diagonal():
    chart = ScatterChart("s", "true", "predicted", ((1.0, 1.0), (3.0, 3.0)), diagonal=True)
    svg = ET.fromstring(draw_scatter(chart).svg)
    (diagonal,) = (e for e in svg.iter("line") if e.get("class") == "line reference")
    x1, y1, x2, y2 = (float(diagonal.get(key)) for key in ("x1", "y1", "x2", "y2"))
    for x, y in re.findall(r"M([\d.]+) ([\d.]+)h0", draw_scatter(chart).svg):
        share = (float(x) - x1) / (x2 - x1)
        assert y1 + share * (y2 - y1) == pytest.approx(float(y), abs=0.2)


def test_a_heatmap_has_a_cell_for_each_large_value():
    chart = Heatmap("Head 1", ("a", "b"), ("c", "d"), ((0.0, 1.0), (0.5, 0.001)))
    svg = ET.fromstring(draw_heatmap(chart).svg)
    cells = {e.get("fill-opacity"): e.get("d").count("z") for e in svg.iter("path")}
    assert cells == {"0.50": 1, "1.00": 1}


def test_values_of_bars_have_the_same_decimals():
    chart = BarChart("Classes", ("a", "b"), (BarGroup("", (9.9, 10.0)),), "percent")
    assert re.findall(r'class="value"[^>]*>([^<]*)<', draw_bars(chart).svg) == ["9.9", "10.0"]


def test_curves_with_places_of_their_own_have_a_column_of_places_each():
    """In one column of places, nearly all cells of two ROC curves would be empty."""
    lines = (Line("a", (0.0, 0.0, 1.0), (0.0, 0.5, 1.0)), Line("b", (0.0, 0.25), (0.1, 0.2)))
    drawing = draw_lines(LineChart("ROC", "x", "y", lines))
    assert drawing.columns == ("a: x", "a: y", "b: x", "b: y")
    assert drawing.rows == (
        ("0", "0.000", "0.0000", "0.1000"),
        ("0", "0.500", "0.2500", "0.2000"),
        ("1", "1.000", "", ""),
    )


def test_bars_of_a_group_have_the_same_decimals():
    drawing = draw_bars(BarChart("Share", ("a", "b"), (BarGroup("x", (9.9, 10.0)),), "percent"))
    assert [row[1] for row in drawing.rows] == ["9.90", "10.00"]


def test_long_labels_keep_their_ends():
    """Names of classes and runs often differ only there."""
    labels = tuple("a" * 50 + end for end in "xy")
    drawing = draw_bars(BarChart("Share", labels, (BarGroup("x", (1.0, 2.0)),), "percent"))
    assert all(f"…aaaaaaaaa{end}<" in drawing.svg for end in "xy")
