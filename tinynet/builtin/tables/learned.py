"""The part of an encoding that is learned from samples: values for missing cells, categories."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinynet.builtin.tables.columns import CodedColumn, Column, NumberColumn
from tinynet.builtin.tables.dates import features_of, parse_date
from tinynet.dataset import State
from tinynet.errors import DataError
from tinynet.files.text_arrays import pack_texts, unpack_texts
from tinynet.text.labels import LabelIndex, whole_numbers
from tinynet.types import Array


@dataclass(frozen=True)
class Learned:
    """The learned values of one column.

    Attributes:
        fill: The features of a missing cell of a column of numbers or dates, (parts,); or None.
        categories: The categories of a column of categories, in order.
        default: The category of missing cells, or None.
    """

    fill: Array | None = None
    categories: tuple[str, ...] = ()
    default: str | None = None


class NothingLearnedError(DataError):
    """A column that has no value for its missing cells.

    Attributes:
        column: The column.
        change: The options of the column that solve it.
    """

    def __init__(self, column: Column, why: str, change: Any) -> None:
        self.column, self.change = column, change
        super().__init__(f"column {column.name!r} {why}")


def learn(column: Column, rows: Array, *, required: bool = True) -> Learned:
    """Return the learned values of a column from some of its rows (N,).

    If ``required`` is False, 0 takes the place of a value that there is not.

    Raises:
        NothingLearnedError: if the strategy for missing cells needs a value, and there is none.
    """
    if isinstance(column, NumberColumn):
        try:
            return Learned(fill=_fill(column, rows))
        except NothingLearnedError:
            if required:
                raise
            return Learned(fill=np.zeros(len(column.names)))
    if column.options.kind == "text":
        return Learned()
    counts = _label_counts(column, rows)
    categories = column.options.categories or _chosen(column, counts)
    default = None
    if column.options.missing == "most_frequent" and categories:
        default = max(categories, key=lambda label: counts.get(label, 0))
    elif column.options.missing == "constant":
        default = str(column.options.fill)
        place = LabelIndex(categories).get(default, len(categories))
        categories = (*categories[:place], default, *categories[place + 1 :])
    return Learned(categories=categories, default=default)


def pack(learned: Mapping[str, Learned], columns: Iterable[Column]) -> State:
    """Return the learned values of some columns as arrays; empty if there are none."""
    state: State = {}
    names = list[str]()
    for column in columns:
        values, prefix = learned[column.name], f"{len(names)}."
        if isinstance(column, CodedColumn) and column.options.kind == "category":
            state |= pack_texts(values.categories, f"{prefix}categories.")
            if values.default is not None:
                state[f"{prefix}default"] = np.array(values.categories.index(values.default))
        elif values.fill is not None:
            state[f"{prefix}fill"] = values.fill
        else:
            continue
        names.append(column.name)
    return {**pack_texts(names, "columns."), **state} if names else {}


def unpack(state: State) -> dict[str, Learned]:
    """Return the learned values by column from the arrays that `pack` returned."""
    learned = {}
    for position, name in enumerate(unpack_texts(state, "columns.") if state else ()):
        prefix = f"{position}."
        categories: tuple[str, ...] = ()
        default = None
        if f"{prefix}categories.bytes" in state:
            categories = tuple(unpack_texts(state, f"{prefix}categories."))
            if f"{prefix}default" in state:
                default = categories[int(state[f"{prefix}default"])]
        learned[name] = Learned(state.get(f"{prefix}fill"), categories, default)
    return learned


def split_labels(text: str, separator: str) -> list[str]:
    """Return the labels of a cell with several."""
    return [label for part in text.split(separator) if (label := part.strip())]


def in_order(labels: Iterable[str]) -> list[str]:
    """Return labels in sorted order, integers by value and first."""
    return sorted(labels, key=_order_key)


def _order_key(label: str) -> tuple[bool, int, str]:
    is_integer = re.fullmatch(r"[+-]?[0-9]{1,18}", label) is not None
    return not is_integer, int(label) if is_integer else 0, label


def _label_counts(column: CodedColumn, rows: Array) -> dict[str, int]:
    """Return the number of some rows with each category."""
    of_texts = np.bincount(column.codes[rows], minlength=len(column.texts) + 1)
    counts: dict[str, int] = {}
    separator, named = column.options.separator, column.options.categories
    texts = column.texts if separator is not None else whole_numbers(column.texts)
    index = LabelIndex(named or ())
    for text, count in zip(texts, of_texts.tolist(), strict=False):
        for label in [text] if separator is None else dict.fromkeys(split_labels(text, separator)):
            if named and label in index:
                label = named[index.get(label, 0)]
            counts[label] = counts.get(label, 0) + count
    return counts


def _chosen(column: CodedColumn, counts: Mapping[str, int]) -> tuple[str, ...]:
    """Return the categories that are frequent enough."""
    options = column.options
    labels: Sequence[str] = in_order(
        label for label, count in counts.items() if count >= options.min_count
    )
    if options.max_categories is not None and len(labels) > options.max_categories:
        frequent = sorted(labels, key=lambda label: -counts[label])[: options.max_categories]
        labels = in_order(frequent)
    return tuple(labels)


def _fill(column: NumberColumn, rows: Array) -> Array | None:
    """Return the features of a missing cell, (parts,), or None if there is no strategy for it."""
    options, strategy = column.options, column.options.missing
    if strategy in (None, "error", "drop_row"):
        return None
    if strategy == "constant":
        if options.kind == "number":
            return np.array([options.fill], np.float64)
        date = parse_date(str(options.fill), options.format)
        assert date is not None
        assert options.parts is not None
        row: Array = features_of(np.array([date]), options.parts)[0]
        return row
    values = column.values[rows]
    present: Array = values[~np.isnan(values[:, 0])]
    if not len(present):
        raise NothingLearnedError(
            column, f"has no value in the training samples, so there is no {strategy}", "ignore"
        )
    with np.errstate(over="ignore"):
        fill: Array
        if strategy == "mean":
            fill = present.mean(axis=0)
        elif strategy == "median":
            fill = np.median(present, axis=0)
        else:
            rows_of_values, counts = np.unique(present, axis=0, return_counts=True)
            fill = rows_of_values[counts.argmax()]  # the lowest of several
    if not np.isfinite(fill).all():
        change = {**options.changed, "missing": "most_frequent"}
        raise NothingLearnedError(column, "has values that are too large for a mean", change)
    return fill
