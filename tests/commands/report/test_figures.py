"""The figures of predictions, against scikit-learn's on the same predictions."""

import numpy as np
import pytest

from tinynet.commands.report.class_collector import ClassCollector
from tinynet.commands.report.classification import classified, labelled
from tinynet.commands.report.label_collector import LabelCollector
from tinynet.commands.report.number_collector import NumberCollector
from tinynet.commands.report.ranking import precision_recall_curve, roc_curve
from tinynet.commands.report.regression import predicted_numbers

metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
pytestmark = pytest.mark.extra


def close(found, expected):
    np.testing.assert_allclose(
        np.array([np.nan if v is None else v for v in found], float),
        expected,
        rtol=1e-6,
        atol=1e-12,
    )


def column(table, name):
    place = table.columns.index(name)
    return [row[place] for row in table.rows]


def predictions(classes, samples=700, seed=0):
    """Return labels and probabilities with ties; the last class is never predicted."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, samples)
    logits = rng.normal(size=(samples, classes)).round(1)
    logits[np.arange(samples), labels] += 1
    logits[:, -1] = -9 if classes > 2 else logits[:, -1]
    powers = np.exp(logits)
    return labels, powers / powers.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("classes", [2, 3, 12])
def test_precision_recall_and_f1_of_each_class_are_those_of_scikit_learn(classes):
    labels, probabilities = predictions(classes)
    collector = ClassCollector(tuple("abcdefghijkl"[:classes]), None, len(labels), probable=True)
    for part in np.array_split(np.arange(len(labels)), 5):
        collector.add(probabilities[part], labels[part], None)
    content = classified(collector)
    predicted = probabilities.argmax(axis=1)
    expected = metrics.precision_recall_fscore_support(labels, predicted, zero_division=0)
    for name, values in zip(("precision", "recall", "F1", "true"), expected, strict=True):
        close(column(content.per_class, name)[:classes], values)
    for row, average in ((-2, "macro"), (-1, "weighted")):
        both = metrics.precision_recall_fscore_support(
            labels, predicted, average=average, zero_division=0
        )
        close([column(content.per_class, n)[row] for n in ("precision", "recall", "F1")], both[:3])
    np.testing.assert_array_equal(
        content.confusion.counts, metrics.confusion_matrix(labels, predicted)
    )


def test_classes_that_do_not_occur_are_no_part_of_averages():
    labels, probabilities = predictions(4, seed=7)
    wider = np.pad(probabilities, ((0, 0), (0, 3)))
    collector = ClassCollector(tuple("abcdefg"), None, len(labels), probable=True)
    collector.add(wider, labels, None)
    table = classified(collector).per_class
    assert column(table, "class") == [*"abcd", "macro average", "weighted average"]
    f1 = metrics.f1_score(labels, probabilities.argmax(axis=1), average="macro")
    close([column(table, "F1")[-2]], [f1])


@pytest.mark.parametrize("classes", [2, 5])
def test_areas_under_the_curves_are_those_of_scikit_learn(classes):
    labels, probabilities = predictions(classes, seed=1)
    probabilities = probabilities.astype(np.float32)
    collector = ClassCollector(tuple("abcde"[:classes]), None, len(labels), probable=True)
    collector.add(probabilities, labels, None)
    table = classified(collector).per_class
    areas = [metrics.roc_auc_score(labels == c, probabilities[:, c]) for c in range(classes)]
    close(column(table, "ROC AUC")[:classes], areas)
    precisions = [
        metrics.average_precision_score(labels == c, probabilities[:, c]) for c in range(classes)
    ]
    close(column(table, "average precision")[:classes], precisions)


def test_curves_are_those_of_scikit_learn():
    rng = np.random.default_rng(2)
    positive, scores = rng.random(300) < 0.3, rng.random(300).round(2)
    x, y, _ = roc_curve(positive, scores)
    fpr, tpr, _ = metrics.roc_curve(positive, scores, drop_intermediate=False)
    close(x, fpr)
    close(y, tpr)
    recall, precision, _ = precision_recall_curve(positive, scores)
    theirs, at, _ = metrics.precision_recall_curve(positive, scores)
    close(recall[1:], at[:-1][::-1])
    close(precision[1:], theirs[:-1][::-1])


def test_one_probability_of_two_classes_is_as_good_as_two():
    """A network with one unit gets the same report as one with two."""
    labels, probabilities = predictions(2, seed=3)
    tables = []
    for values in (probabilities, probabilities[:, 1:]):
        collector = ClassCollector(("no", "yes"), None, len(labels), probable=True)
        collector.add(values, labels, None)
        tables.append(classified(collector).per_class)
    for name in tables[0].columns[1:]:
        close(
            column(tables[0], name), [np.nan if v is None else v for v in column(tables[1], name)]
        )


def test_positions_that_do_not_count_are_left_out():
    """Padding would otherwise make a tagger look better than it is."""
    labels, probabilities = predictions(4, samples=240, seed=4)
    labels, probabilities = labels.reshape(40, 6), probabilities.reshape(40, 6, 4)
    weights = (np.random.default_rng(0).random((40, 6)) < 0.7).astype(float)
    collector = ClassCollector(tuple("abcd"), 1, labels.size, probable=True)
    scores = collector.add(probabilities, labels, weights)
    counts = (weights > 0) & (labels != 1)
    expected = metrics.confusion_matrix(
        labels[counts], probabilities.argmax(-1)[counts], labels=range(4)
    )
    np.testing.assert_array_equal(collector.matrix, expected)
    assert collector.positions == counts.sum()
    first = -np.log(np.take_along_axis(probabilities, labels[..., None], -1)[..., 0])[0]
    assert scores[0] == pytest.approx(first[counts[0]].mean())


def test_labels_of_which_a_sample_has_any_number():
    rng = np.random.default_rng(5)
    targets = (rng.random((200, 4)) < [0.1, 0.4, 0.5, 0.9]).astype(float)
    values = np.clip(targets * 0.3 + rng.random((200, 4)) * 0.7, 0, 1).astype(np.float32)
    collector = LabelCollector(tuple("abcd"), len(targets))
    collector.add(values, targets, None)
    table = labelled(collector).per_class
    expected = metrics.precision_recall_fscore_support(targets, values > 0.5, zero_division=0)
    for name, theirs in zip(("precision", "recall", "F1", "true"), expected, strict=True):
        close(column(table, name)[:4], theirs)
    close(column(table, "ROC AUC")[:4], metrics.roc_auc_score(targets, values, average=None))
    assert collector.exact / 200 == metrics.accuracy_score(targets, values > 0.5)


def test_errors_of_numbers():
    rng = np.random.default_rng(6)
    true = rng.normal(1e4, [1, 100, 0.1], (500, 3))
    predicted = true + rng.normal(0, [0.5, 200, 0.01], (500, 3))
    collector = NumberCollector((3,), 500, lambda array: array)
    for part in np.array_split(np.arange(500), 4):
        collector.add(predicted[part], true[part], None)
    table = predicted_numbers(collector, "y", ("a", "b", "c"), is_forecast=False).per_target
    absolute = metrics.mean_absolute_error(true, predicted, multioutput="raw_values")
    close(column(table, "MAE"), absolute)
    squared = metrics.root_mean_squared_error(true, predicted, multioutput="raw_values")
    close(column(table, "RMSE"), squared)
    np.testing.assert_allclose(
        column(table, "R²"), metrics.r2_score(true, predicted, multioutput="raw_values"), rtol=1e-5
    )


def test_predictions_that_are_not_finite_have_a_report_too():
    """A network that overflows on some samples is one to look at."""
    rng = np.random.default_rng(8)
    true = rng.normal(size=(50, 2))
    predicted = true + rng.normal(size=(50, 2))
    predicted[3, 0], predicted[7, 1] = np.inf, np.nan
    collector = NumberCollector((2,), 50, lambda array: array)
    collector.add(predicted, true, None)
    content = predicted_numbers(collector, "y", None, is_forecast=False)
    assert [row[1] for row in content.per_target.rows] == [None, None]
    assert all(len(target.predicted.points) == 48 for target in content.targets)
    labels, probabilities = predictions(3, samples=50)
    probabilities[4] = np.nan
    classes = ClassCollector(tuple("abc"), None, 50, probable=True)
    classes.add(probabilities, labels, None)
    assert classified(classes).calibration is not None
