"""A classifier of scikit-learn."""

import re
from typing import Any, Self

import numpy as np
from pydantic import JsonValue
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import (
    check_array,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
)

from tinynet.errors import UsageError
from tinynet.sklearn.estimator import NetworkEstimator
from tinynet.sklearn.inputs import is_table, validated_inputs
from tinynet.sklearn.specs import Task
from tinynet.types import Array

_STRATIFIED = 10
"""Samples of the rarest class from which samples are held out in the same proportions."""

_WORD = re.compile(r"[A-Za-z]\w*( \w+)*")
_MISSING = frozenset({"na", "nan", "none", "null"})


class TinynetClassifier(ClassifierMixin, NetworkEstimator):  # type: ignore[misc]
    """A network that predicts one of several classes, or any number of them, trained in memory.

    The parameters are those of `tinynet.sklearn.estimator.NetworkEstimator`. Inputs are arrays
    (N, ...), DataFrames with columns of any kind, or lists of texts. Weights of classes are
    ``overrides={"training.class_weights": "balanced"}``.

    Attributes:
        classes_: The classes, sorted; with any number of classes the indices of the columns of y.
        multilabel_: True if a sample has any number of classes.
    """

    @property
    def _task(self) -> Task:
        return "multilabel" if self.multilabel_ else "classification"

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803
        """Train from the start.

        Args:
            X: Inputs, (N, ...).
            y: Labels, (N,); or 1 for each class of a sample and 0 for the others, (N, classes).
        """
        inputs = validated_inputs(self, X, reset=True)
        labels = _labels(inputs, y)
        self._set_classes(labels, None)
        changes = self._changes(labels)
        return self._fit(inputs, self._encoded(inputs, labels), len(self.classes_), changes)

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:  # noqa: N803
        """Train for one epoch on these samples, from the current state.

        Args:
            X: Inputs, (N, ...).
            y: Labels, as of `fit`.
            classes: All classes; required in the first call if ``y`` lacks some.

        Raises:
            ValueError: for labels that are not among the classes.
        """
        first = not hasattr(self, "model_")
        inputs = validated_inputs(self, X, reset=first)
        labels = _labels(inputs, y)
        if first:
            self._set_classes(labels, classes)
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(
                f"classes={classes!r} differ from those of the first call, {self.classes_!r}"
            )
        self._require_known(labels)
        encoded, changes = self._encoded(inputs, labels), self._changes(None)
        return self._fit_partially(inputs, encoded, len(self.classes_), changes)

    def predict_proba(self, X: Any) -> Array:  # noqa: N803
        """Return the probability of each class, (N, classes), in the order of `classes_`.

        Raises:
            UsageError: if the network's loss does not predict probabilities.
        """
        check_is_fitted(self, "model_")
        output = self._output
        predicted = self._predictions(X).outputs[output]
        if self.multilabel_ and self.model_.predicts_probabilities(output):
            return np.asarray(predicted.values)
        if predicted.probabilities is None or predicted.classes is None:
            raise UsageError(
                "the loss of the network does not predict probabilities of classes; use"
                f" {'binary_cross_entropy' if self.multilabel_ else 'softmax_cross_entropy'}"
            )
        places = [predicted.classes.index(name) for name in self._names]
        return np.asarray(predicted.probabilities)[:, places]

    def predict(self, X: Any) -> Array:  # noqa: N803
        """Return the most probable class of each sample, (N,).

        With any number of classes: 1 for each with a probability above 0.5, else 0, (N, classes).
        """
        check_is_fitted(self, "model_")
        if self.multilabel_:
            return (self.predict_proba(X) > 0.5).astype(np.int64)
        return np.asarray(self.classes_[np.argmax(self.predict_proba(X), axis=1)])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _set_classes(self, labels: Array, classes: Any) -> None:
        self.multilabel_ = labels.ndim == 2
        if self.multilabel_:
            self.classes_ = np.arange(labels.shape[1])
        else:
            self.classes_ = _at_least_two(np.unique(labels if classes is None else classes))

    def _require_known(self, labels: Array) -> None:
        """Require labels of the classes of the first call; raise `ValueError` for others."""
        if self.multilabel_ or labels.ndim == 2:
            columns = labels.shape[1] if labels.ndim == 2 else 0
            if not self.multilabel_ or columns != len(self.classes_):
                raise ValueError(f"y has another form than in the first call: {labels.shape}")
        elif not np.isin(labels, self.classes_).all():
            unknown = np.setdiff1d(labels, self.classes_)
            raise ValueError(
                f"y has labels that are not in classes: {unknown!r}; give all classes in the first"
                " call, as in partial_fit(X, y, classes=...)"
            )

    @property
    def _names(self) -> list[str]:
        """The classes as the spec names them: integers and words as they are, others by numbers.

        A table would read "1.0", " a" or "NA" as another class, or as none.
        """
        texts = [str(label) for label in self.classes_.tolist()]
        words = all(_WORD.fullmatch(text) and text.lower() not in _MISSING for text in texts)
        if words or self.classes_.dtype.kind in "biu":
            return texts
        return [f"class_{index}" for index in range(len(texts))]

    def _encoded(self, inputs: Any, labels: Array) -> Array:
        """Return the indices of the classes, or for a table their names; indicators as they are."""
        if self.multilabel_:
            return labels.astype(np.float64)
        places = np.searchsorted(self.classes_, labels)
        return np.array(self._names, object)[places] if is_table(inputs, self.spec) else places

    def _changes(self, labels: Array | None) -> dict[str, JsonValue]:
        """Return the overrides of the spec that follow from the classes and their counts."""
        if self.multilabel_:
            return {}
        changes: dict[str, JsonValue] = {"data.classes": list(self._names)}
        if labels is not None and self.early_stopping:
            rarest = np.unique(labels, return_counts=True)[1].min()
            changes["data.split.stratify"] = bool(rarest >= _STRATIFIED)
        return changes


def _at_least_two(classes: Array) -> Array:
    if len(classes) < 2:
        found = classes.tolist()[0]
        raise ValueError(f"y has only one class, {found!r}, but at least two are needed")
    return classes


def _labels(inputs: Any, y: Any) -> Array:
    """Return checked labels, (N,)."""
    if y is None:
        raise ValueError(
            "TinynetClassifier requires y to be passed, but the target y is None: give labels (N,)"
        )
    # Of all types of targets, only those that are finite have a type.
    checked = check_array(y, accept_sparse="csr", ensure_2d=False, dtype=None, input_name="y")
    several = type_of_target(y) == "multilabel-indicator"
    labels = checked if several else column_or_1d(y, warn=True)
    labels = labels.toarray() if hasattr(labels, "toarray") else labels
    check_classification_targets(labels)
    check_consistent_length(inputs, labels)
    return np.asarray(labels)
