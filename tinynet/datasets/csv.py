"""Tables of numbers with one column to predict."""

import re
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Annotated, Self, TypeAlias, TypeVar

import numpy as np
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from tinynet import dataset
from tinynet.dataset import FilePath
from tinynet.datasets._arrays import (
    MAX_CLASSES,
    ArrayDataset,
    Source,
    TargetConfig,
    checked_inputs,
)
from tinynet.errors import DataError
from tinynet.files.csv_rows import number_fault, numbers, read_rows
from tinynet.text.wording import listed, suggest
from tinynet.types import Array

T = TypeVar("T")

Column: TypeAlias = int | Annotated[str, Field(min_length=1)]
"""A column by name, or by position counted from 0 (-1 is the last)."""


class CSV(ArrayDataset):
    """A CSV file (RFC 4180, UTF-8): features (F,), float64, and one target column.

    A target column of text holds classes; their order is that of the sorted labels (integers by
    value), unless ``classes`` gives one. A target column of numbers, integers included, holds
    quantities, unless ``target_type`` is ``"class"``: a text file cannot tell 3 apples from class
    3. White space around a cell does not count.

    Raises:
        DataError: naming file, line and column of the first cell that cannot be used.
    """

    class Config(TargetConfig):
        """Parameters of `csv`."""

        path: FilePath = Field(description="The CSV file.")
        target: Column = Field(
            description="The column to predict: its name, or its position counted from 0 (-1 is"
            " the last)."
        )
        features: tuple[Column, ...] | None = Field(
            default=None,
            min_length=1,
            description="The columns to predict from, in this order; by default all others.",
        )
        weights: Column | None = Field(
            default=None, description="The column of sample weights, each at least 0."
        )
        header: bool = Field(default=True, description="Whether the first row names the columns.")
        delimiter: str = Field(
            default=",",
            pattern=r'^[^"\r\n\x00]$',
            description="The one character between two cells.",
        )

        @model_validator(mode="after")
        def _names_need_a_header(self) -> Self:
            columns = (self.target, self.weights, *(self.features or ()))
            if not self.header and any(isinstance(column, str) for column in columns):
                raise PydanticCustomError(
                    "header", "without a header columns have positions (0, 1, ...), not names"
                )
            return self

    def __init__(self, config: Config) -> None:
        table = _read_table(config)
        features = np.frombuffer(table.features).reshape(len(table.lines), -1)
        weights = None
        if config.weights is not None:
            weights = Source(np.frombuffer(table.weights), config.path, lines=table.lines)
        super().__init__(
            {"input": Source(features, config.path, names=table.names, lines=table.lines)},
            {"target": _target(config, table)},
            weights,
        )

    input_endings = (".csv",)

    @classmethod
    def read_inputs(
        cls, config: Config, path: str, fields: Mapping[str, dataset.Field]
    ) -> dict[str, Array]:
        """Read the columns that were features in training; other columns are not read.

        With a header, columns are found by name. Without one, the file has the columns of the
        training file, or the features alone, in their order.
        """
        names = fields["input"].names or ()
        line, cells, rows = _start(config, path)
        if config.header:
            columns = _by_name(path, line, cells, names)
        else:
            columns = _by_position(config, path, len(cells), names)
        lines, values = array("q"), array("d")
        for line, cells in rows:
            place = f"{path}, line {line}"
            lines.append(line)
            values.extend(numbers(place, names, [cells[column] for column in columns]))
        if not lines:
            raise DataError(f"{path} has a header and no rows")
        features = np.frombuffer(values).reshape(len(lines), -1)
        source = Source(features, path, names=tuple(names), lines=lines)
        return checked_inputs({"input": source}, fields)


@dataclass
class _Table:
    """A file's columns.

    Attributes:
        names: Names of the features.
        target: Name of the target.
        lines: Line of each row.
        features: Row after row.
        labels: The target's cells, stripped.
        weights: One for each row, or none at all.
    """

    names: tuple[str, ...]
    target: str
    lines: "array[int]" = field(default_factory=lambda: array("q"))
    features: "array[float]" = field(default_factory=lambda: array("d"))
    labels: list[str] = field(default_factory=list)
    weights: "array[float]" = field(default_factory=lambda: array("d"))


Rows: TypeAlias = Iterator[tuple[int, list[str]]]
"""Number of a line and its cells."""


def _start(config: CSV.Config, path: str) -> tuple[int, list[str], Rows]:
    """Line and cells of the first row, and all rows of data."""
    rows = read_rows(path, config.delimiter)
    first = next(rows, None)
    if first is None:
        raise DataError(f"{path} is empty")
    return *first, rows if config.header else chain([first], rows)


def _by_name(path: str, line: int, cells: list[str], names: Sequence[str]) -> list[int]:
    header = _header(path, line, cells)
    if missing := [name for name in names if name not in header]:
        raise DataError(
            f"{path}, line {line}: the header lacks {listed([repr(name) for name in missing])};"
            f" it names {listed([repr(name) for name in header])}"
        )
    return [header.index(name) for name in names]


def _by_position(config: CSV.Config, path: str, width: int, names: Sequence[str]) -> list[int]:
    """Columns of features in a file without a header; ``names`` are positions in training."""
    if width == len(names):
        return list(range(width))
    positions = [int(name) for name in names]
    trained_width = len(names) + (1 if config.weights is None else 2)
    if width > max(positions) and (config.features is not None or width == trained_width):
        return positions
    raise DataError(
        f"{path} has {width} columns; expected are the columns of the training file, or the"
        f" {len(names)} features alone"
    )


def _read_table(config: CSV.Config) -> _Table:
    line, cells, rows = _start(config, config.path)
    if config.header:
        names = _header(config.path, line, cells)
    else:
        names = [str(position) for position in range(len(cells))]
    target, features, weights = _choose_columns(config, names)
    table = _Table(tuple(names[column] for column in features), names[target])
    used = [*features, *weights]
    used_names = [names[column] for column in used]
    seen: dict[str, str] = {}
    for line, cells in rows:
        place = f"{config.path}, line {line}"
        values = numbers(place, used_names, [cells[column] for column in used])
        label = cells[target].strip()
        if not label:
            raise DataError(f"{place}, column {table.target!r}: the cell is empty")
        table.lines.append(line)
        table.features.extend(values[: len(features)])
        table.weights.extend(values[len(features) :])
        table.labels.append(seen.setdefault(label, label))  # equal labels share their memory
    if not table.lines:
        raise DataError(f"{config.path} has a header and no rows")
    return table


def _header(path: str, line: int, cells: list[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    if repeated := _repeated(names):
        raise DataError(f"{path}, line {line}: two columns are named {repeated[0]!r}")
    return names


def _choose_columns(config: CSV.Config, names: list[str]) -> tuple[int, list[int], list[int]]:
    def find(column: Column) -> int:
        return _position(config.path, names, column)

    target = find(config.target)
    weights = [] if config.weights is None else [find(config.weights)]
    if config.features is None:
        features = [i for i in range(len(names)) if i != target and i not in weights]
        for position in features:
            if not names[position]:
                raise DataError(
                    f"{config.path}: column {position} has no name, as a column of row numbers"
                    " has none; name the columns to use in `features`"
                )
    else:
        features = [find(column) for column in config.features]
    if repeated := _repeated([target, *weights, *features]):
        raise DataError(
            f"{config.path}: column {names[repeated[0]]!r} is used twice; a column is the target,"
            " the weights, or one feature"
        )
    if not features:
        raise DataError(f"{config.path} has no column besides {config.target!r} to predict it from")
    return target, features, weights


def _repeated(items: Sequence[T]) -> list[T]:
    return [item for item, count in Counter(items).items() if count > 1]


def _position(path: str, names: list[str], column: Column) -> int:
    if isinstance(column, str):
        if column not in names:
            raise DataError(f"{path} has no column {column!r}; {suggest(column, names)}")
        return names.index(column)
    if not -len(names) <= column < len(names):
        raise DataError(
            f"{path} has no column {column}: it has {len(names)}, counted from 0 to"
            f" {len(names) - 1}"
        )
    return column % len(names)


def _target(config: CSV.Config, table: _Table) -> Source:
    if _holds_classes(config, table):
        classes = config.classes or _sorted_labels(config.path, table)
        return Source(_indices(config.path, table, classes), config.path, classes)
    values = array("d")
    for line, label in zip(table.lines, table.labels, strict=True):
        values.extend(numbers(f"{config.path}, line {line}", [table.target], [label]))
    return Source(np.frombuffer(values), config.path)


def _holds_classes(config: CSV.Config, table: _Table) -> bool:
    if config.target_type != "auto" or config.classes is not None:
        return config.target_type != "number"
    faults = {label: number_fault(label) for label in set(table.labels)}
    if all(faults.values()) or not any(faults.values()):
        return any(faults.values())
    row = next(row for row, label in enumerate(table.labels) if faults[label])
    raise DataError(
        f"{config.path}, line {table.lines[row]}, column {table.target!r}:"
        f" {faults[table.labels[row]]}, though other cells of the column are numbers; correct it,"
        ' or say "target_type": "class"'
    )


def _sorted_labels(path: str, table: _Table) -> tuple[str, ...]:
    classes = sorted(set(table.labels), key=_label_order)
    if len(classes) > MAX_CLASSES:
        raise DataError(
            f"{path}, column {table.target!r}: {len(classes):,} different labels, and more than"
            f" {MAX_CLASSES:,} are taken for a mistake; name them in `classes` if they are none"
        )
    return tuple(classes)


def _label_order(label: str) -> tuple[bool, int, str]:
    is_integer = re.fullmatch(r"[+-]?[0-9]{1,18}", label) is not None
    return not is_integer, int(label) if is_integer else 0, label


def _indices(path: str, table: _Table, classes: tuple[str, ...]) -> Array:
    index = {name: position for position, name in enumerate(classes)}
    for line, label in zip(table.lines, table.labels, strict=True):
        if label not in index:
            raise DataError(
                f"{path}, line {line}, column {table.target!r}: {label!r} is none of the classes;"
                f" {suggest(label, classes)}"
            )
    return np.array([index[label] for label in table.labels], np.int64)
