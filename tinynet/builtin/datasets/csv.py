"""Tables of numbers with one column to predict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Self, TypeAlias

import numpy as np
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from tinynet import dataset
from tinynet.builtin.datasets._arrays import ArrayDataset, Source, TargetConfig, checked_inputs
from tinynet.builtin.datasets._faulty_cells import show_list
from tinynet.builtin.datasets._labels import Labels
from tinynet.builtin.datasets._table import (
    Numbers,
    find_column,
    find_features,
    memory_watch,
    open_table,
    other_delimiter,
    repetitions,
)
from tinynet.dataset import FilePath
from tinynet.errors import DataError
from tinynet.text.mistakes import AlsoCalled
from tinynet.text.wording import format_list
from tinynet.types import Array

Column: TypeAlias = int | Annotated[str, Field(min_length=1)]
"""A column by name, or by position counted from 0 (-1 is the last)."""

BYTES_PER_ROW = 24
"""Bytes of a row besides its numbers and line: its label, and the label's index or number."""

BYTES_PER_LABEL = 150
"""Bytes of a label that no other row has: the text, and its place in a dictionary."""

MAX_SHOWN_FEATURES = 30
"""Features that a message lists for copying."""


class CSV(ArrayDataset):
    """A CSV file (RFC 4180, UTF-8): features (F,), float64, and one target column.

    A target column of text holds classes; their order is that of the sorted labels (integers by
    value), unless ``classes`` gives one. A target column of numbers, integers included, holds
    quantities, unless ``target_type`` is ``"class"``: the text ``3`` can mean both. White space
    around a cell is ignored. Missing values (an empty cell, ``NA``, ``NaN``,
    ``null``, ``None``, ``?``, ``-`` and the like) are refused; as a class label one is accepted
    where ``classes`` names it.

    Raises:
        DataError: naming file, lines and column of all cells that cannot be used.
    """

    example: ClassVar = {"path": "penguins.csv", "target": "species"}

    class Config(TargetConfig):
        """Parameters of `csv`."""

        path: FilePath = Field(description="The CSV file.")
        target: Annotated[Column, AlsoCalled(("targets", "labels"))] = Field(
            description="The column to predict: its name, or its position counted from 0 (-1 is"
            " the last)."
        )
        features: Annotated[tuple[Column, ...] | None, AlsoCalled(("inputs", "columns"))] = Field(
            default=None,
            min_length=1,
            description="The columns to predict from, in this order; by default all others.",
        )
        weights: Column | None = Field(
            default=None, description="The column of sample weights, each at least 0."
        )
        header: bool = Field(default=True, description="True if the first row names the columns.")
        delimiter: Annotated[str, AlsoCalled(("sep", "separator"))] = Field(
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
        watch = memory_watch(
            config.path,
            lambda: numbers.nbytes + BYTES_PER_ROW * len(cells) + BYTES_PER_LABEL * len(seen),
        )
        names, rows = open_table(config.path, config.delimiter, config.header, watch)
        columns = _choose_columns(config, names)
        numbers = Numbers([names[column] for column in columns.of_numbers])
        cells: list[str] = []
        seen: dict[str, str] = {}
        for line, row in rows:
            numbers.add(line, [row[column] for column in columns.of_numbers])
            label = row[columns.target].strip()
            cells.append(seen.setdefault(label, label))  # equal labels share their memory
        if not cells:
            raise DataError(f"{config.path} has a header and no rows")
        labels = Labels(config.path, names[columns.target], cells, numbers.lines, config)
        _refuse_faults(config, names, columns, numbers, labels)
        table = np.frombuffer(numbers.values).reshape(len(cells), -1)
        width = len(columns.features)
        features = tuple(numbers.names[:width])
        inputs = Source(table[:, :width], config.path, names=features, lines=numbers.lines)
        weights = None
        if columns.weights is not None:
            weights = Source(table[:, width], config.path, lines=numbers.lines)
        super().__init__({"input": inputs}, {"target": labels.source()}, weights)

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
        watch = memory_watch(path, lambda: 2 * numbers.nbytes)  # the result is a copy
        header, rows = open_table(path, config.delimiter, config.header, watch)
        if config.header:
            columns = find_features(path, header, names, config.delimiter)
        else:
            columns = _features_by_position(config, path, len(header), names)
        numbers = Numbers(names)
        for line, row in rows:
            numbers.add(line, [row[column] for column in columns])
        if not numbers.lines:
            raise DataError(f"{path} has a header and no rows")
        if numbers.faults.columns:
            remedy = "correct these cells, or remove their rows"
            if not config.header and numbers.faults.are_a_header(numbers.lines[0], names):
                remedy = "remove this line: the file that was trained on has no header"
            raise DataError(numbers.faults.message(path, names, {}, [remedy]))
        values = np.frombuffer(numbers.values).reshape(len(numbers.lines), -1)
        source = Source(values, path, names=tuple(names), lines=numbers.lines)
        return checked_inputs({"input": source}, fields)


@dataclass(frozen=True)
class _Columns:
    """Positions of the columns that a spec uses."""

    target: int
    features: tuple[int, ...]
    weights: int | None

    @property
    def of_numbers(self) -> tuple[int, ...]:
        """Features, then weights."""
        return self.features if self.weights is None else (*self.features, self.weights)


def _choose_columns(config: CSV.Config, names: Sequence[str]) -> _Columns:
    def find(column: Column) -> int:
        return find_column(config.path, names, column, config.delimiter)

    target = find(config.target)
    weights = None if config.weights is None else find(config.weights)
    if config.features is not None:
        features = [find(column) for column in config.features]
    else:
        features = [i for i in range(len(names)) if i not in (target, weights)]
        unnamed = [position for position in features if not names[position]]
        if unnamed and len(unnamed) < len(features):
            others = _feature_list(config, names, [i for i in features if names[i]])
            raise DataError(
                f"{config.path}: column {unnamed[0]} has no name, which is usual for a column of"
                f" row numbers; name the columns to use: {others}"
            )
    used = [target, *features] if weights is None else [target, weights, *features]
    if repeated := repetitions(used):
        raise DataError(
            f"{config.path}: column {names[repeated[0]]!r} is used twice; a column is the target,"
            " the weights, or one feature"
        )
    if not features:
        raise DataError(
            f"{config.path} has only the target column; a table needs a feature column"
            f"{other_delimiter(names, config.delimiter)}"
        )
    return _Columns(target, tuple(features), weights)


def _refuse_faults(
    config: CSV.Config,
    names: Sequence[str],
    columns: _Columns,
    numbers: Numbers,
    labels: Labels,
) -> None:
    """Raise one error about all cells that cannot be used, with what to do about them."""
    faults = numbers.faults
    remedies = _feature_remedies(config, names, columns, numbers)
    roles = {labels.column: "the target"}
    if columns.weights is not None:
        weights = names[columns.weights]
        roles[weights] = "the weights"
        if weights in faults.columns:
            remedies.append("correct the weights, or remove their rows")
    labels.add_faults(faults)
    if labels.column in faults.columns:
        remedies += labels.remedies()
    if not config.header and faults.are_a_header(numbers.lines[0], numbers.names):
        remedies = ['if this line names the columns, set "header": true']
    if faults.columns:
        raise DataError(faults.message(config.path, names, roles, remedies))


def _feature_remedies(
    config: CSV.Config, names: Sequence[str], columns: _Columns, numbers: Numbers
) -> list[str]:
    """Return the remedy for faulty cells of features.

    Removing its faulty rows would empty a text column, so the only remedy is to leave it out.
    """
    faults, rows = numbers.faults, len(numbers.lines)
    faulty = [i for i in columns.features if names[i] in faults.columns]
    if not faulty:
        return []
    sound = [i for i in columns.features if names[i] not in faults.columns]
    hopeless = {i for i in faulty if faults.count(names[i]) * 2 > rows}
    kept = [i for i in columns.features if i not in hopeless]
    them = "it" if len(faulty) == 1 else "them"
    remedies = []
    if faults.have_decimal_commas:
        remedies.append("write decimals with a point: 1.5, not 1,5")
    if sound:
        remedies.append(f"leave {them} out: {_feature_list(config, names, sound)}")
    if not hopeless:
        remedies.append("correct these cells, or remove their rows")
    elif len(hopeless) < len(faulty):
        fixable = format_list([repr(names[i]) for i in faulty if i not in hopeless])
        remedies.append(
            f"to keep {fixable}, remove the rows with faulty cells there, and set"
            f" {_feature_list(config, names, kept)}"
        )
    if not remedies:
        remedies.append("a table needs at least one feature of numbers")
    return remedies


def _feature_list(config: CSV.Config, names: Sequence[str], columns: Sequence[int]) -> str:
    """Return the ``features`` entry to copy into a spec."""
    if len(columns) > MAX_SHOWN_FEATURES:
        return f'name the other {len(columns):,} columns in "features"'
    by_name = config.header and all(names[i] for i in columns)
    return f'"features": {show_list([names[i] if by_name else i for i in columns])}'


def _features_by_position(
    config: CSV.Config, path: str, width: int, names: Sequence[str]
) -> list[int]:
    """Columns of features in a file without a header; ``names`` are positions in training."""
    if width == len(names):
        return list(range(width))
    positions = [int(name) for name in names]
    trained_width = len(names) + (1 if config.weights is None else 2)
    if width > max(positions) and (config.features is not None or width == trained_width):
        return positions
    expected = "all" if config.features is not None else f"all {trained_width}"
    raise DataError(
        f"{path} has {width} columns; give it {expected} columns of the training file, or only"
        f" its {len(names)} features"
    )
