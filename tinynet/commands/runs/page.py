"""The comparison of runs as a page that works offline."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tinynet.commands.pages.page import render_page
from tinynet.commands.report.charts import Line, LineChart, Table
from tinynet.commands.runs.comparison import Comparison, brief, result_text
from tinynet.commands.runs.overview import epochs_of
from tinynet.errors import explaining_io
from tinynet.files.atomic import replacing_output
from tinynet.files.outputs import PAGE_ENDINGS, require_ending
from tinynet.text.printing import counted, short_labels

_TEMPLATE = Path(__file__).with_name("compare.html.j2")

_MAX_LINES = 20
"""The most runs in a chart."""

_MAX_CHARTS = 8

_FEW = 5
"""The most runs that are columns of the table of settings."""


def write_page(path: str | Path, comparison: Comparison) -> None:
    """Write the page of a comparison.

    Raises:
        MissingPackageError: if jinja2 is not installed.
        UsageError: if the name does not end in .html, or the file belongs to a run.
        CheckpointIOError: if the file cannot be written.
    """
    require_ending(path, PAGE_ENDINGS, "a page")
    text = render_page(_TEMPLATE, _values(comparison), purpose="tinynet compare --html")
    with explaining_io(Path(path)), replacing_output(Path(path)) as write_at:
        write_at(0, text.encode(errors="backslashreplace"))


def _values(comparison: Comparison) -> dict[str, Any]:
    charts = [*_charts(comparison)]
    contents = [("results", "Results"), ("settings", "Settings that differ")]
    contents += [("curves", "Curves")] if charts else []
    contents += [("problems", "Problems")] if comparison.problems else []
    return {
        "title": f"Comparison of {counted(len(comparison.entries), 'run')}",
        "contents": contents,
        "results": _results(comparison),
        "settings": _settings(comparison),
        "charts": charts,
        "problems": comparison.problems,
    }


def _results(comparison: Comparison) -> Table:
    """Return a row for each run."""
    results = comparison.results
    hidden = "state stop_reason epoch epochs best_epoch test_step started updated".split()
    shown = [n for n, v in results.items() if n not in hidden and any(c is not None for c in v)]
    columns: dict[str, list[Any]] = {
        "run": comparison.names,
        "state": results["state"],
        "epochs": [*epochs_of(comparison.entries)],
        "best epoch": results["best_epoch"],
    }
    for name in shown:
        if name == "seconds":
            columns["time"] = [result_text(name, cell) for cell in results[name]]
        else:
            columns[name] = results[name]
    return Table(tuple(columns), tuple(zip(*columns.values(), strict=True)))


def _settings(comparison: Comparison) -> Table:
    """Return a row for each setting; with more than a few runs, a row for each run."""
    spec = comparison.spec
    if len(comparison.entries) > _FEW and spec:
        cells = [[*map(_setting, values)] for values in spec.values()]
        rows = tuple(zip(comparison.names, *cells, strict=True))
        return Table(("run", *short_labels(spec).values()), rows)
    return Table(
        ("setting", *comparison.names),
        tuple((path, *map(brief, values)) for path, values in spec.items()),
    )


def _setting(value: Any) -> Any:
    """Return a number as it is, to sort by it, and anything else as text."""
    return value if type(value) in (int, float) else brief(value)


def _charts(comparison: Comparison) -> Iterable[LineChart]:
    """Yield a chart for each figure that was evaluated more than once, with a line for each run."""
    figures = [name for name in comparison.results if name.startswith(("val/", "train/"))]
    for name in sorted(figures, key=lambda name: not name.startswith("val/"))[:_MAX_CHARTS]:
        lines = []
        for run, entry in zip(comparison.names, comparison.entries, strict=True):
            history = entry.record.history if entry.record is not None else []
            points = [(line["epoch"], line[name]) for line in history if name in line]
            points = list({epoch: (epoch, value) for epoch, value in points}.values())
            if len(points) > 1 and any(value is not None for _, value in points):
                x, y = zip(*sorted(points, key=lambda point: point[0]), strict=True)
                lines.append(Line(run, x, y))
        if lines:
            rest = len(lines) - _MAX_LINES
            note = f"{counted(rest, 'more run')} not shown." if rest > 0 else ""
            yield LineChart(name, "epoch", name, tuple(lines[:_MAX_LINES]), note=note)
