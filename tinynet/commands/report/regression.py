"""The figures and charts of predicted numbers."""

import math
from collections.abc import Sequence

import numpy as np

from tinynet.commands.report.charts import Cell, Histogram, Line, LineChart, ScatterChart, Table
from tinynet.commands.report.content import Regression, TargetValues
from tinynet.commands.report.number_collector import NumberCollector
from tinynet.types import Array

MAX_POINTS = 600
"""Points of a scatter chart."""

MAX_TARGETS = 4
"""Numbers of a target that have charts."""

BINS = 24
"""Intervals of a histogram of residuals."""


def predicted_numbers(
    collector: NumberCollector, name: str, names: Sequence[str] | None, *, is_forecast: bool
) -> Regression:
    """Return the figures and charts of predicted numbers.

    Args:
        collector: The predictions.
        name: The name of the target.
        names: The names of the target's numbers; None for numbers without names.
        is_forecast: True if the numbers are steps of a series.
    """
    labels = _labels(collector, name, names, is_forecast)
    true, predicted = collector.kept.joined()
    finite = (np.isfinite(true) & np.isfinite(predicted)).all(axis=1)
    true, predicted = true[finite], predicted[finite]
    errors = collector.root_mean_squared_error
    steps = None
    if is_forecast and len(labels) > 2:
        steps = _error_by_step(collector)
        charts: tuple[TargetValues, ...] = (_charts("all steps", true.ravel(), predicted.ravel()),)
    else:
        relative = errors / np.where(collector.true_deviation > 0, collector.true_deviation, np.inf)
        worst = sorted(np.argsort(-relative, kind="stable")[:MAX_TARGETS].tolist())
        charts = tuple(_charts(labels[k], true[:, k], predicted[:, k]) for k in worst)
    return Regression(_table(collector, labels), charts if len(true) else (), steps)


def _labels(
    collector: NumberCollector, name: str, names: Sequence[str] | None, is_forecast: bool
) -> list[str]:
    if collector.joined:
        return [f"all {math.prod(collector.shape):,} numbers of a sample"]
    count = math.prod(collector.shape)
    if names is not None and len(names) == count:
        return list(names)
    if count == 1:
        return [name]
    word = "step" if is_forecast else "value"
    return [f"{word} {number}" for number in range(1, count + 1)]


def _table(collector: NumberCollector, labels: Sequence[str]) -> Table:
    columns = {
        "MAE": collector.mean_absolute_error,
        "RMSE": collector.root_mean_squared_error,
        "R²": collector.r_squared,
        "mean error": collector.bias,
        "true mean": collector.true_mean,
        "true deviation": collector.true_deviation,
    }
    rows: list[tuple[Cell, ...]] = [
        (label, *(_cell(values[k]) for values in columns.values()))
        for k, label in enumerate(labels)
    ]
    note = (
        "MAE is the mean absolute error, RMSE the root of the mean squared error. The mean error is"
        " that of predicted minus true values; the last columns are the mean and the standard"
        " deviation of the true values."
    )
    return Table(("target", *columns), tuple(rows), note=note)


def _cell(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _error_by_step(collector: NumberCollector) -> LineChart:
    steps = tuple(map(float, range(1, math.prod(collector.shape) + 1)))
    lines = [
        Line(title, steps, tuple(_cell(v) for v in rounded(values)))
        for title, values in (
            ("root mean squared error", collector.root_mean_squared_error),
            ("mean absolute error", collector.mean_absolute_error),
        )
    ]
    return LineChart("Error of each step", "step of the forecast", "error", tuple(lines))


def _charts(name: str, true: Array, predicted: Array) -> TargetValues:
    residuals = predicted - true
    note, chosen = "", np.arange(len(true))
    if len(true) > MAX_POINTS:
        chosen = np.sort(np.random.default_rng(0).choice(len(true), MAX_POINTS, replace=False))
        note = f"{MAX_POINTS:,} random points of {len(true):,}."
    x, y, z = (rounded(values[chosen]) for values in (true, predicted, residuals))
    return TargetValues(
        name,
        ScatterChart(
            f"Predicted over true values: {name}",
            "true",
            "predicted",
            _points(x, y),
            True,
            note=note,
        ),
        ScatterChart(
            f"Residuals: {name}",
            "predicted",
            "predicted - true",
            _points(y, z),
            baseline=True,
            note=note,
        ),
        histogram_of(residuals, f"Distribution of residuals: {name}", "predicted - true"),
    )


def _points(x: Array, y: Array) -> tuple[tuple[float, float], ...]:
    return tuple(zip(x.tolist(), y.tolist(), strict=True))


def histogram_of(values: Array, title: str, label: str, y_label: str = "predictions") -> Histogram:
    """Return a histogram; values beyond 6 standard deviations count at the ends."""
    center, deviation = float(values.mean()), float(values.std())
    low, high = float(values.min()), float(values.max())
    clipped = (max(low, center - 6 * deviation), min(high, center + 6 * deviation))
    if clipped[0] >= clipped[1]:
        clipped = (center - 0.5, center + 0.5)
    counts, edges = np.histogram(np.clip(values, *clipped), BINS, clipped)
    note = ""
    if (low, high) != clipped and deviation:
        note = "Values beyond 6 standard deviations are in the first and last interval."
    return Histogram(
        title, label, tuple(rounded(edges).tolist()), tuple(counts.tolist()), y_label, note
    )


def rounded(values: Array) -> Array:
    """Return numbers with 5 significant digits, which are enough for a chart."""
    values = np.asarray(values, np.float64)
    with np.errstate(all="ignore"):
        exponents = np.floor(np.log10(np.where(values == 0, 1, np.abs(values))))
        factors = 10.0 ** (4 - np.nan_to_num(exponents))
        result: Array = np.round(values * factors) / factors
    return np.where(np.isfinite(result), result, values)
