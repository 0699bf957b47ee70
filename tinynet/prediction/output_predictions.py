"""Predictions of one output of a model: labels, probabilities and values."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinynet.types import Array, Shape

SEPARATOR = "|"
"""Separates the labels of a sample in a text."""

MAX_SHOWN_VALUES = 8
"""Values, or labels, of a sample that a table for reading shows."""


@dataclass(frozen=True, eq=False)
class OutputPredictions:
    """Predictions of one output.

    Attributes:
        values: The network's output in the units of the data, (N, *out_shape): probabilities for
            a classifier.
        classes: The names of the classes, if the output distinguishes classes.
        labels: The most probable class of each sample, (N,), or of each position of each sample,
            (N, T) or (N, H, W); None without classes. If a sample has any number of classes: a
            list of those with a probability above 0.5 for each sample, (N,), dtype object.
        probabilities: The probability of each class, (*labels.shape, classes); None unless the
            loss predicts probabilities.
        lengths: The number of positions of each sample that count, (N,); those after them are
            padding. None if all count.
        names: The names of the values of a sample, if they are a row of named values.
        tokens: The word of each label, (N, T), if the labels are those of words.
    """

    values: Array
    classes: tuple[str, ...] | None = None
    labels: Array | None = None
    probabilities: Array | None = None
    lengths: Array | None = None
    names: tuple[str, ...] | None = None
    tokens: Array | None = None

    @property
    def label_values(self) -> Array | None:
        """The labels in the type of the classes: int64 or bool, where all classes are written so.

        They can be compared with targets that are integers or booleans; `labels` are text.
        """
        if self.labels is None or self.classes is None or self.is_multi_label:
            return self.labels
        values = _class_values(self.classes)
        if values is None or not np.isin(self.labels, self.classes).all():
            return self.labels
        order = np.argsort(self.classes)
        found = np.searchsorted(np.array(self.classes), self.labels, sorter=order)
        return np.array(values)[order[found]]

    @property
    def is_multi_label(self) -> bool:
        """True if a sample has any number of classes."""
        return self.labels is not None and self.labels.dtype == object

    @property
    def scores(self) -> Array:
        """The probabilities, or the values if there are none."""
        return self.values if self.probabilities is None else self.probabilities

    @property
    def has_positions(self) -> bool:
        """True if each sample has several labels, one per position."""
        return self.labels is not None and self.labels.ndim > 1

    @property
    def columns(self) -> list[str]:
        """Names of the columns of `rows`."""
        if self.labels is None or self.classes is None:
            return [*(self.names or _numbered("value", self.values.shape[1:]))]
        if self.is_multi_label:
            return ["labels", *(f"p({name})" for name in self.classes)]
        if self.has_positions:
            return _numbered("label", self.labels.shape[1:])
        if self.probabilities is not None:
            return ["label", *(f"p({name})" for name in self.classes)]
        return ["label", *(f"value({name})" for name in self.classes)]

    @property
    def rows(self) -> list[list[Any]]:
        """One row per sample; if a sample has several labels, the labels alone."""
        samples = len(self.values)
        numbers: list[list[Any]] = self.scores.reshape(samples, -1).tolist()
        if self.labels is None:
            return numbers
        labels: list[list[Any]] = self._texts_of_labels.reshape(samples, -1).tolist()
        if self.has_positions:
            width = self.labels[0].size
            return [row + [""] * (width - len(row)) for row in self._counted(labels)]
        return [label + row for label, row in zip(labels, numbers, strict=True)]

    @property
    def shortened(self) -> tuple[list[str], list[list[Any]]]:
        """Columns and rows that fit a screen."""
        if self.labels is None or self.has_positions or self.is_multi_label:
            columns, rows = self.columns, self.rows
            if len(columns) <= MAX_SHOWN_VALUES:
                return columns, rows
            shown = columns[:MAX_SHOWN_VALUES]
            rest = f"{len(columns) - MAX_SHOWN_VALUES:,} more"
            return [*shown, "..."], [[*row[:MAX_SHOWN_VALUES], rest] for row in rows]
        best = (f"{value:.4f}" for value in self.scores.max(axis=-1))
        name = "value" if self.probabilities is None else "probability"
        return ["label", name], [list(row) for row in zip(self.labels.tolist(), best, strict=True)]

    def _counted(self, rows: list[list[Any]]) -> list[list[Any]]:
        """Return lists of the positions of each sample without those that are padding."""
        if self.lengths is None:
            return rows
        return [row[:length] for row, length in zip(rows, self.lengths.tolist(), strict=True)]

    @property
    def arrays(self) -> dict[str, Array]:
        """The predictions of each sample as arrays by name, (N, ...) each."""
        if self.labels is None or self.classes is None:
            return {"outputs": self.values}
        named = {"labels": self._texts_of_labels}
        if self.tokens is not None:
            named["tokens"] = self.tokens
        if self.lengths is not None:
            named["lengths"] = self.lengths
        if self.probabilities is None:
            return {**named, "outputs": self.values}
        return {**named, "probabilities": self.probabilities}

    def to_json(self) -> dict[str, Any]:
        """Return all predictions as plain data, without padding."""
        classes = {} if self.labels is None or self.classes is None else {"classes": self.classes}
        classes |= {} if self.names is None else {"names": self.names}
        lists = {name: array.tolist() for name, array in self.arrays.items() if name != "lengths"}
        if self.labels is not None and self.is_multi_label:
            lists["labels"] = self.labels.tolist()
        if self.lengths is not None:
            lists = {name: self._counted(rows) for name, rows in lists.items()}
        return {**{name: list(names) for name, names in classes.items()}, **lists}

    @property
    def record_names(self) -> list[str]:
        """The keys of `records`."""
        if not self.has_positions:
            return self.columns
        return [name for name in self.arrays if name != "lengths"]

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield a dict of plain data for each sample."""
        if self.has_positions:
            parts, names = self.to_json(), self.record_names
            for values in zip(*(parts[name] for name in names), strict=True):
                yield dict(zip(names, values, strict=True))
        else:
            columns = self.columns
            for sample, row in enumerate(self.rows):
                record = dict(zip(columns, row, strict=True))
                if self.labels is not None and self.is_multi_label:
                    record["labels"] = self.labels[sample]
                yield record

    @property
    def _texts_of_labels(self) -> Array:
        """The labels, those of each sample as one text."""
        assert self.labels is not None
        if not self.is_multi_label:
            return self.labels
        return np.array([SEPARATOR.join(labels) for labels in self.labels.tolist()], np.str_)

    @property
    def words(self) -> list[list[str]] | None:
        """The words that have a label, of each sample; None for other labels."""
        return None if self.tokens is None else self._counted(self.tokens.tolist())

    def of_tokens(self) -> "OutputPredictions":
        """Return the predictions of each token of all samples, (tokens, ...)."""
        assert self.lengths is not None
        assert self.labels is not None
        counted = np.arange(self.labels.shape[1]) < self.lengths[:, None]
        scores = None if self.probabilities is None else self.probabilities[counted]
        labels = self.labels[counted]
        return OutputPredictions(self.values[counted], self.classes, labels, scores)


def classified_values(
    values: Array, classes: tuple[str, ...], target: Shape, *, probable: bool
) -> OutputPredictions:
    """Return the predictions of an output that distinguishes classes.

    Args:
        values: The values, (N, *out_shape).
        classes: The names of the classes.
        target: The shape of the target of a sample.
        probable: True if the values are probabilities.
    """
    shape = values.shape[1:]
    one_unit = shape == target or shape == (*target, 1) or shape in ((), (1,))
    if len(classes) == 2 and one_unit:
        if not probable:
            return OutputPredictions(values, classes)
        positive = values.reshape(-1, *(shape[:-1] if shape[-1:] == (1,) else shape))
        probabilities = np.stack([1 - positive, positive], axis=-1)
        labels = np.array(classes)[(positive > 0.5).astype(np.intp)]
        return OutputPredictions(values, classes, labels, probabilities)
    if shape[-1:] != (len(classes),):
        return OutputPredictions(values, classes)
    labels = np.array(classes)[values.argmax(axis=-1)]
    return OutputPredictions(values, classes, labels, values if probable else None)


def named_values(
    values: Array, names: tuple[str, ...] | None, *, probable: bool
) -> OutputPredictions:
    """Return the predictions of an output without classes.

    Args:
        values: The values, (N, *out_shape).
        names: The names of the target's values, if it is a row of named values.
        probable: True if each value is a probability of its own: the names are then those of
            labels, of which a sample has any number.
    """
    if names is None or values.shape[1:] != (len(names),):
        return OutputPredictions(values)
    if not probable:
        return OutputPredictions(values, names=names)
    labels = np.empty(len(values), object)
    for sample, chosen in enumerate((values > 0.5).tolist()):
        labels[sample] = [name for name, is_label in zip(names, chosen, strict=True) if is_label]
    return OutputPredictions(values, names, labels, values)


def _class_values(classes: Sequence[str]) -> list[int] | list[bool] | None:
    """Return classes as integers or booleans, if all of them are written so."""
    if {*classes} <= {"False", "True"} or {*classes} <= {"false", "true"}:
        return [name.lower() == "true" for name in classes]
    digits = (name.removeprefix("-") for name in classes)
    if all(part.isascii() and part.isdecimal() and len(part) < 19 for part in digits):
        return [int(name) for name in classes]
    return None


def _numbered(name: str, shape: tuple[int, ...]) -> list[str]:
    """Name the columns of an array's elements: ``value``, ``value_0``, or ``label_0_3``."""
    if np.prod(shape, dtype=int) == 1:
        return [name]
    return [f"{name}_{'_'.join(map(str, position))}" for position in np.ndindex(shape)]
