"""The figures and charts of predicted classes and labels."""

from collections.abc import Callable, Sequence

import numpy as np

from tinynet.commands.report.charts import Cell, Histogram, Line, LineChart, Table
from tinynet.commands.report.class_collector import ClassCollector
from tinynet.commands.report.content import Classification, ConfusionMatrix
from tinynet.commands.report.label_collector import LabelCollector
from tinynet.commands.report.names import visible
from tinynet.commands.report.ranking import (
    BINS,
    Curve,
    calibration,
    precision_recall_curve,
    roc_curve,
    thinned,
)
from tinynet.text.printing import counted
from tinynet.types import Array

MAX_MATRIX = 30
"""Classes of a confusion matrix."""

MAX_ROWS = 50
"""Classes of the table of classes."""

MAX_CURVES = 6
"""Curves of a chart."""

MAX_RANKED = 100
"""Classes whose areas under the curves are computed."""

_CONFUSIONS = 10
_SHARES = frozenset({"precision", "recall", "F1", "share"})


def classified(collector: ClassCollector) -> Classification:
    """Return the figures and charts of predicted classes."""
    names, matrix = tuple(map(visible, collector.classes)), collector.matrix
    true, scores = collector.kept.joined()
    curves = Ranked(names, lambda c: true == c, scores, collector.kept.is_part)
    support, predicted, right = matrix.sum(axis=1), matrix.sum(axis=0), np.diag(matrix)
    table = _class_table(names, right, support, predicted, curves)
    chart = histogram = None
    if collector.probable and len(true):
        best = scores.argmax(axis=1)
        chart, histogram = _calibrated(best == true, scores.max(axis=1))
    return Classification(
        confusion_matrix(names, matrix),
        table,
        _confused(names, matrix),
        curves.roc_chart(),
        curves.precision_chart(),
        chart,
        histogram,
    )


def labelled(collector: LabelCollector) -> Classification:
    """Return the figures and charts of predicted labels, of which a sample has any number."""
    has, scores = collector.kept.joined()
    curves = Ranked(collector.labels, lambda c: has[:, c], scores, collector.kept.is_part)
    table = _class_table(
        collector.labels, collector.true, collector.support, collector.predicted, curves
    )
    chart, histogram = _calibrated(
        ((scores > 0.5) == has).ravel(), np.maximum(scores, 1 - scores).ravel()
    )
    return Classification(
        None,
        table,
        roc=curves.roc_chart(),
        precision_recall=curves.precision_chart(),
        calibration=chart,
        confidence=histogram,
    )


# Counts ---------------------------------------------------------------------------------------


def confusion_matrix(names: Sequence[str], matrix: Array) -> ConfusionMatrix:
    """Return the confusion matrix, of many classes that of those with the most errors."""
    chosen, note = np.arange(len(names)), ""
    if len(names) > MAX_MATRIX:
        errors = matrix.sum(axis=0) + matrix.sum(axis=1) - 2 * np.diag(matrix)
        chosen = np.sort(np.argsort(-errors, kind="stable")[:MAX_MATRIX])
        note = (
            f"The {MAX_MATRIX} of {len(names):,} classes with the most errors; predictions of other"
            " classes are not shown."
        )
    counts = matrix[np.ix_(chosen, chosen)]
    return ConfusionMatrix(
        tuple(names[c] for c in chosen.tolist()), tuple(map(tuple, counts.tolist())), note
    )


def _confused(names: Sequence[str], matrix: Array) -> Table | None:
    """Return the most frequent confusions; None without an error."""
    wrong = matrix * (1 - np.eye(len(names), dtype=np.int64))
    order = np.argsort(-wrong, axis=None, kind="stable")[:_CONFUSIONS]
    support = matrix.sum(axis=1)
    rows: list[tuple[Cell, ...]] = []
    for true, predicted in zip(*np.unravel_index(order, wrong.shape), strict=True):
        if count := int(wrong[true, predicted]):
            share = count / int(support[true])
            rows.append((names[true], names[predicted], count, share))
    if not rows:
        return None
    return Table(
        ("true", "predicted", "count", "share"),
        tuple(rows),
        "Most frequent confusions",
        "The share is that of the true class.",
        left_out=int(np.count_nonzero(wrong)) - len(rows),
        shares=_SHARES,
    )


def _class_table(
    names: Sequence[str], right: Array, support: Array, predicted: Array, curves: "Ranked"
) -> Table:
    """Return precision, recall and F1 of each class; 0 where they are not defined."""
    precision, recall = _divided(right, predicted), _divided(right, support)
    f1 = _divided(2 * right, predicted + support)
    columns = {"precision": precision, "recall": recall, "F1": f1}
    if curves.areas:
        columns["ROC AUC"] = np.array([curves.areas.get(c, np.nan) for c in range(len(names))])
        columns["average precision"] = np.array(
            [curves.precisions.get(c, np.nan) for c in range(len(names))]
        )
    occurring = (support > 0) | (predicted > 0)
    order, note = np.flatnonzero(occurring), ""
    if len(order) < len(names):
        absent = counted(len(names) - len(order), "class", "es")
        note = f"Left out, since neither true nor predicted: {absent}. "
    if (count := len(order)) > MAX_ROWS:
        order = np.sort(order[np.argsort(f1[order], kind="stable")[:MAX_ROWS]])
        note += f"The {MAX_ROWS} of {count:,} classes with the lowest F1."
    rows = [
        (names[c], int(support[c]), int(predicted[c]), *(_cell(v[c]) for v in columns.values()))
        for c in order.tolist()
    ]
    averages = [_average("macro average", columns, support, occurring.astype(int))]
    averages.append(_average("weighted average", columns, support, support))
    head = ("class", "true", "predicted", *columns)
    return Table(
        head,
        (*rows, *averages),
        "Precision, recall and F1",
        note.strip(),
        left_out=count - len(order),
        shares=_SHARES,
        totals=len(averages),
    )


def _average(
    title: str, columns: dict[str, Array], support: Array, weights: Array
) -> tuple[Cell, ...]:
    cells = []
    for values in columns.values():
        valid = ~np.isnan(values)
        total = weights[valid].sum()
        cells.append(_cell((values[valid] * weights[valid]).sum() / total) if total else None)
    return (title, int(support.sum()), None, *cells)


def _divided(a: Array, b: Array) -> Array:
    quotient: Array = np.where(b > 0, a / np.maximum(b, 1), 0.0)
    return quotient


def _cell(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


# Curves ---------------------------------------------------------------------------------------


class Ranked:
    """ROC curves, and precision over recall, of each class against the others.

    Attributes:
        areas: The area under the ROC curve of each class that has one.
        precisions: The average precision likewise.
    """

    def __init__(
        self, names: Sequence[str], positive: Callable[[int], Array], scores: Array, is_part: bool
    ) -> None:
        """Compute the curves.

        Args:
            names: The names of the classes.
            positive: Returns True for each row of a class, (P,).
            scores: The score of each class, (P, C).
            is_part: True if the rows are a random part.
        """
        self._names = names
        self._note = f"Of {counted(len(scores), 'random prediction')}." if is_part else ""
        self._roc: dict[int, Curve] = {}
        self._precision: dict[int, Curve] = {}
        if len(names) <= MAX_RANKED and len(scores):
            for c in range(len(names)):
                if (roc := roc_curve(positive(c), scores[:, c])) is not None:
                    self._roc[c] = roc
                if (curve := precision_recall_curve(positive(c), scores[:, c])) is not None:
                    self._precision[c] = curve
        self.areas = {c: curve.value for c, curve in self._roc.items()}
        self.precisions = {c: curve.value for c, curve in self._precision.items()}

    def roc_chart(self) -> LineChart | None:
        """Return the ROC curves; None without one."""
        if not (chosen := self._chosen(self._roc)):
            return None
        chance = Line("chance", (0.0, 1.0), (0.0, 1.0), "reference")
        return LineChart(
            "ROC",
            "false positive rate",
            "true positive rate",
            (*(self._line(c, self._roc[c], "AUC") for c in chosen), chance),
            x_range=(0, 1),
            y_range=(0, 1),
            square=True,
            note=self._note_of(chosen, self._roc, "area"),
        )

    def precision_chart(self) -> LineChart | None:
        """Return precision over recall; None without a curve."""
        if not (chosen := self._chosen(self._precision)):
            return None
        return LineChart(
            "Precision and recall",
            "recall",
            "precision",
            tuple(self._line(c, self._precision[c], "AP") for c in chosen),
            x_range=(0, 1),
            y_range=(0, 1),
            square=True,
            note=self._note_of(chosen, self._precision, "average precision"),
        )

    def _chosen(self, curves: dict[int, Curve]) -> list[int]:
        """Return the second class of two, else those with the lowest values."""
        if len(self._names) == 2:
            return [1] if 1 in curves else []
        worst = sorted(curves, key=lambda c: curves[c].value)[:MAX_CURVES]
        return sorted(worst)

    def _note_of(self, chosen: Sequence[int], curves: dict[int, Curve], what: str) -> str:
        notes = []
        if len(self._names) == 2:
            notes.append(f"The class {self._names[1]!r} against {self._names[0]!r}.")
        else:
            notes.append("Each class against the others.")
        if len(self._names) > 2 and len(chosen) < len(curves):
            notes.append(f"The {len(chosen)} of {len(curves)} classes with the lowest {what}.")
        return " ".join([*notes, *filter(None, [self._note])])

    def _line(self, c: int, curve: Curve, label: str) -> Line:
        shown = thinned(curve)
        x, y = (tuple(np.round(part, 4).tolist()) for part in (shown.x, shown.y))
        return Line(f"{self._names[c]} ({label} {curve.value:.3f})", x, y)


def _calibrated(correct: Array, probabilities: Array) -> tuple[LineChart, Histogram]:
    """Return the calibration of the predicted class, and how often each probability occurs."""
    result = calibration(correct, probabilities.astype(np.float64))
    points = (
        tuple(np.round(result.predicted, 4).tolist()),
        tuple(np.round(result.observed, 4).tolist()),
    )
    chart = LineChart(
        "Calibration",
        "predicted probability",
        "share of correct predictions",
        (Line("predictions", *points), Line("ideal", (0.0, 1.0), (0.0, 1.0), "reference")),
        x_range=(0, 1),
        y_range=(0, 1),
        square=True,
        note=f"Expected calibration error {result.error:.2%}; below the gray line, the"
        " predictions are too confident.",
    )
    edges = tuple(np.round(np.linspace(0, 1, BINS + 1), 1).tolist())
    histogram = Histogram(
        "Predicted probability",
        "probability of the predicted class",
        edges,
        tuple(result.counts.tolist()),
        "predictions",
    )
    return chart, histogram
