"""The distinct labels of columns, collected before a table is converted."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from tinynet.builtin.tables.cells import MissingMarkers, SourceColumn
from tinynet.builtin.tables.learned import in_order
from tinynet.builtin.tables.raw_table import RawTable
from tinynet.commands.conversion.source import TableSource
from tinynet.types import Array

MAX_LABELS = 10_000
"""Most labels that are collected; a column with more is not one of categories."""


@dataclass
class Labels:
    """The labels of one column.

    Attributes:
        name: The column.
        distinct: The labels; numbers only if ``of_numbers``.
        of_numbers: True to collect numbers as well.
        has_numbers: True if a cell is a number.
    """

    name: str
    of_numbers: bool
    distinct: set[str] = field(default_factory=set)
    has_numbers: bool = False

    @property
    def too_many(self) -> bool:
        """True if collecting stopped."""
        return len(self.distinct) > MAX_LABELS

    @cached_property
    def ordered(self) -> list[str]:
        """The labels in the order of classes, once all are collected."""
        return in_order(self.distinct)

    def add(self, part: RawTable) -> None:
        """Collect the labels of a part of the table."""
        column = source_column(part, self.name)
        if column.numbers is not None and not column.is_boolean:
            self.has_numbers |= bool(np.isfinite(column.numbers).any())
            if not self.of_numbers:
                return
        present = column.present
        self.has_numbers |= any(part.numbers.parse_one(label) is not None for label in present)
        if not self.too_many:
            self.distinct.update(present)

    def indices(self, part: RawTable) -> Array:
        """Return the index of each label of a part in sorted order (N,); -1 for other cells."""
        index = {label: place for place, label in enumerate(self.ordered)}
        texts, codes = source_column(part, self.name).coded
        places = np.array([index.get(text, -1) for text in texts], np.int64)
        return places[codes] if texts else np.empty(0, np.int64)


def collect_labels(source: TableSource, columns: Iterable[Labels]) -> None:
    """Read a table once for the labels of some columns."""
    columns = list(columns)
    if not columns:
        return
    names = list(dict.fromkeys(column.name for column in columns))
    for part in source.parts(lambda header: names):
        for column in columns:
            column.add(part)


def source_column(part: RawTable, name: str) -> SourceColumn:
    """Return a column with the usual markers of missing cells."""
    return SourceColumn(
        name,
        part.columns[name],
        part.numbers,
        MissingMarkers(None, part.numbers),
        typed=part.typed,
        underscores=part.underscores,
    )
