"""The target column of a table: class labels, or numbers."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tinynet.builtin.datasets._arrays import MAX_CLASSES, Source, TargetConfig
from tinynet.builtin.datasets._faulty_cells import FaultyCells, show_list
from tinynet.errors import DataError
from tinynet.files.csv_rows import FaultKind, fault_kind, is_missing, quote_cell
from tinynet.text.wording import format_list, suggest
from tinynet.types import Array

MAX_UNKNOWN = 5
"""Unknown labels that a message names."""


@dataclass(frozen=True)
class Labels:
    """The cells of a target column, stripped, and the line of each; equal ones share memory."""

    path: str
    column: str
    cells: Sequence[str]
    lines: Sequence[int]
    config: TargetConfig

    @cached_property
    def missing(self) -> list[str]:
        """The distinct cells that mean a missing value and are not in ``classes``."""
        named = self.config.classes or ()
        return sorted(cell for cell in set(self.cells) if is_missing(cell) and cell not in named)

    @cached_property
    def are_classes(self) -> bool:
        """True if the column holds class labels, by the spec or by its cells.

        If any cell is a number, the column holds numbers: one typing error among a thousand
        numbers must not turn them into a thousand classes.
        """
        if self.config.target_type != "auto" or self.config.classes is not None:
            return self.config.target_type != "number"
        present = set(self.cells).difference(self.missing)
        return bool(present) and all(fault_kind(cell) is not None for cell in present)

    def add_faults(self, faults: FaultyCells) -> None:
        """Record every missing cell, and every cell that should be a number and is not."""
        kinds: dict[str, FaultKind] = dict.fromkeys(self.missing, "missing")
        if not self.are_classes:
            kinds |= {cell: kind for cell in set(self.cells) if (kind := fault_kind(cell))}
        if kinds:
            for line, cell in zip(self.lines, self.cells, strict=True):
                if cell in kinds:
                    faults.add(self.column, line, cell, kinds[cell])

    def remedies(self) -> list[str]:
        """Return a remedy for each kind of fault that `add_faults` records."""
        distinct = set(self.cells)
        if not self.are_classes:
            fix = "correct the cells of the target, or remove their rows"
            text = any(fault_kind(cell) == "text" for cell in distinct)
            if text and len(distinct) <= MAX_CLASSES:
                return [f'{fix}; if the target is a class, set "target_type": "class"']
            return [fix]
        missing = self.missing
        clauses = [] if distinct == set(missing) else ["remove the rows without a target"]
        named = self.config.classes or _in_order(distinct.difference(missing))
        if len(named) + len(missing) <= MAX_CLASSES:
            verb = "is a class" if len(missing) == 1 else "are classes"
            clauses.append(
                f"if {' and '.join(map(quote_cell, missing))} {verb}, set"
                f' "classes": {show_list([*named, *missing])}'
            )
        return clauses

    def source(self) -> Source:
        """Return the indices of the classes, or the numbers; call it if there are no faults.

        Raises:
            DataError: for more than `MAX_CLASSES` labels without ``classes`` in the config, and for
                labels that are not in ``classes``.
        """
        if not self.are_classes:
            numbers = np.fromiter(map(float, self.cells), np.float64)
            return Source(numbers, self.path, lines=self.lines, column=self.column)
        classes = self._classes()
        indices = self._indices(classes)
        return Source(indices, self.path, classes, lines=self.lines, column=self.column)

    def _classes(self) -> tuple[str, ...]:
        if self.config.classes is not None:
            return self.config.classes
        classes = _in_order(set(self.cells))
        if len(classes) > MAX_CLASSES:
            raise DataError(
                f"{self.path}, column {self.column!r} (the target): {len(classes):,} different"
                f" labels, such as {quote_cell(classes[0])}; at most {MAX_CLASSES:,} are accepted"
                ' as classes unless "classes" names them'
            )
        return tuple(classes)

    def _indices(self, classes: Sequence[str]) -> Array:
        index = {name: position for position, name in enumerate(classes)}
        unknown: dict[str, int] = {}
        for line, label in zip(self.lines, self.cells, strict=True):
            if label not in index:
                unknown.setdefault(label, line)
        if unknown:
            raise DataError(self._unknown(unknown, classes))
        return np.array([index[label] for label in self.cells], np.int64)

    def _unknown(self, lines: dict[str, int], classes: Sequence[str]) -> str:
        place = f"{self.path}, column {self.column!r} (the target)"
        if len(lines) == 1:
            ((label, line),) = lines.items()
            return (
                f"{place}, line {line}: {quote_cell(label)} is not one of the classes;"
                f" {suggest(label, classes)}"
            )
        shown = [f"{quote_cell(label)} (line {line})" for label, line in lines.items()]
        rest = len(shown) - MAX_UNKNOWN
        more = f" and {rest:,} more" if rest > 0 else ""
        return (
            f'{place}: {", ".join(shown[:MAX_UNKNOWN])}{more} are not in "classes"'
            f" ({format_list(classes)}); correct these cells, or add the labels to it"
        )


def _in_order(labels: Iterable[str]) -> list[str]:
    """Labels in sorted order, integers by value and first."""
    return sorted(labels, key=_order_key)


def _order_key(label: str) -> tuple[bool, int, str]:
    is_integer = re.fullmatch(r"[+-]?[0-9]{1,18}", label) is not None
    return not is_integer, int(label) if is_integer else 0, label
