"""A warning of columns of categories in which most cells are unknown."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tinynet.builtin.tables.columns import CodedColumn, Column
from tinynet.builtin.tables.learned import Learned, split_labels
from tinynet.files.csv_rows import quote_cell
from tinynet.text.labels import LabelIndex
from tinynet.text.warning import warn

FEW = 10
"""In fewer cells than these, most are unknown by chance."""


@dataclass
class UnknownCells:
    """The cells that are not a category of the training data, by column.

    Attributes:
        place: The table, for the message.
    """

    place: str
    _columns: dict[str, "_Count"] = field(default_factory=dict)

    def add(self, columns: Iterable[Column], learned: Mapping[str, Learned]) -> None:
        """Count the cells of some rows; missing ones are left out."""
        for column in columns:
            if not isinstance(column, CodedColumn) or column.options.kind != "category":
                continue
            # None is known if all are rarer than `min_count`.
            if categories := learned[column.name].categories:
                self._columns.setdefault(column.name, _Count()).add(column, categories)

    def report(self) -> None:
        """Warn of the columns of which most cells are unknown."""
        faults = [
            f"column {name!r}: {count.unknown:,} of {count.cells:,} cells are no category of the"
            f" training data, such as {quote_cell(count.example)}; write them as there, such as"
            f" {quote_cell(count.category)}"
            for name, count in self._columns.items()
            if count.are_most
        ]
        if faults:
            warn(f"{self.place}: {'; '.join(faults)}")


@dataclass
class _Count:
    """The number of cells in a column, and of unknown ones.

    Attributes:
        some_are_left_out: True if the options leave out categories of the training data.
    """

    cells: int = 0
    unknown: int = 0
    example: str = ""
    category: str = ""
    some_are_left_out: bool = False

    def add(self, column: CodedColumn, categories: Sequence[str]) -> None:
        own, known = column.options, LabelIndex(categories)
        self.category = categories[0] if categories else ""
        self.some_are_left_out = bool(own.min_count > 1 or own.max_categories or own.categories)
        counts = np.bincount(column.codes, minlength=len(column.texts) + 1).tolist()
        for text, count in zip(column.texts, counts, strict=False):
            self.cells += count
            labels = [text] if own.separator is None else split_labels(text, own.separator)
            if count and not any(label in known for label in labels):
                self.unknown += count
                self.example = self.example or text

    @property
    def are_most(self) -> bool:
        if self.unknown == self.cells or self.some_are_left_out:
            return 1 < self.unknown == self.cells  # one new category alone is usual
        return self.cells >= FEW and 2 * self.unknown > self.cells
