"""The statistics of parameters, gradients and outputs that a run logged."""

import math
from collections.abc import Sequence

import numpy as np

from tinynet.commands.report.charts import Cell, Line, LineChart, Table
from tinynet.commands.report.content import StatisticsSection
from tinynet.commands.report.regression import rounded
from tinynet.run.folder import RunFolder
from tinynet.run.log import read_statistics
from tinynet.run.record import RunRecord
from tinynet.training.events import Statistics

MAX_LINES = 8
"""Lines of a chart."""

MAX_POINTS = 150
"""Steps of a line."""

MAX_ROWS = 300
"""Rows of the last statistics."""

_CHARTS = (
    ("gradients", "std", "Standard deviation of gradients", "standard deviation", True),
    ("parameters", "std", "Standard deviation of parameters", "standard deviation", False),
    ("outputs", "std", "Standard deviation of layer outputs", "standard deviation", True),
    ("outputs", "zeros", "Zeros of layer outputs", "share of zeros", False),
)
"""Section, statistic, title, axis, and True if a logarithmic axis is useful."""


def statistics_section(record: RunRecord) -> StatisticsSection | None:
    """Return the logged statistics of a run; None if it has none.

    Raises:
        CheckpointCorruptError: if the file holds something else.
    """
    logged = read_statistics(RunFolder(record.path).path / "statistics.jsonl")
    if not logged:
        return None
    chosen = logged
    if len(logged) > MAX_POINTS:
        places = np.unique(np.linspace(0, len(logged) - 1, MAX_POINTS).astype(np.int64))
        chosen = [logged[place] for place in places.tolist()]
    charts = (_chart(chosen, *chart) for chart in _CHARTS)
    return StatisticsSection(tuple(chart for chart in charts if chart.lines), _last(logged[-1]))


def _chart(
    logged: Sequence[Statistics], section: str, statistic: str, title: str, axis: str, log: bool
) -> LineChart:
    names = _names(logged[-1], section, statistic)
    steps = tuple(float(each.step) for each in logged)
    lines = []
    for name in names[:MAX_LINES]:
        summaries = [getattr(each, section).get(name, {}) for each in logged]
        values = rounded(np.array([each.get(statistic, math.nan) for each in summaries]))
        y = tuple(value if math.isfinite(value) else None for value in values.tolist())
        lines.append(Line(name, steps, y))
    held = [value for line in lines for value in line.y if value is not None]
    is_log = log and bool(held) and min(held) > 0 and max(held) > 10 * min(held)
    note = f"{MAX_LINES} of {len(names)}." if len(names) > MAX_LINES else ""
    share = (0.0, 1.0) if statistic == "zeros" else None
    return LineChart(title, "step", axis, tuple(lines), log_y=is_log, y_range=share, note=note)


def _names(last: Statistics, section: str, statistic: str) -> list[str]:
    """Return the names of a section: of many, weights before biases, spread over the network."""
    summaries = getattr(last, section)
    names = list(summaries)
    if statistic == "zeros":
        names = [name for name in names if summaries[name].get("zeros", 0) > 0]
    if section != "outputs":
        weights = [name for name in names if name.endswith("weight")]
        names = weights or names
    if len(names) <= MAX_LINES:
        return names
    places = np.unique(np.linspace(0, len(names) - 1, MAX_LINES).astype(np.int64)).tolist()
    spread = [names[place] for place in places]
    return [*spread, *(name for name in names if name not in spread)]


def _last(last: Statistics) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for section, kind in (
        ("parameters", "parameter"),
        ("gradients", "gradient"),
        ("outputs", "output"),
    ):
        for name, summary in getattr(last, section).items():
            numbers = (summary.get(key, math.nan) for key in ("mean", "std", "min", "max", "zeros"))
            rows.append((name, kind, *(n if math.isfinite(n) else None for n in numbers)))
    head = ("name", "kind", "mean", "standard deviation", "smallest", "largest", "share of zeros")
    return Table(
        head,
        tuple(rows[:MAX_ROWS]),
        f"Statistics of step {last.step:,}",
        left_out=max(len(rows) - MAX_ROWS, 0),
        shares=frozenset({"share of zeros"}),
    )
