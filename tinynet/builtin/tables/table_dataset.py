"""The base of datasets that are tables, whatever file they come from."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
from pydantic import JsonValue

from tinynet.builtin.datasets._arrays import ArrayDataset, Source
from tinynet.builtin.tables.columns import Column, NumberColumn
from tinynet.builtin.tables.config import ColumnConfig, TableConfig
from tinynet.builtin.tables.inputs import Row, make_input
from tinynet.builtin.tables.layout import Layout
from tinynet.builtin.tables.learned import NothingLearnedError, learn, pack, unpack
from tinynet.builtin.tables.opened import (
    column_of_cells,
    open_table,
    order_options,
    order_values,
    source_column,
)
from tinynet.builtin.tables.prediction import read_rows
from tinynet.builtin.tables.raw_table import ChooseColumns, RawTable
from tinynet.builtin.tables.summary import describe_table
from tinynet.builtin.tables.targets import TargetPlace, make_target, target_field
from tinynet.builtin.tables.unknown_cells import UnknownCells
from tinynet.dataset import Batch, Field, InputRows, State
from tinynet.errors import DataError
from tinynet.types import Array


class TableDataset:
    """A table: columns of numbers, categories, text and dates, and what to predict from them.

    ``is_new`` is True for tables that a trained network is evaluated on, see `open_table`.

    A subclass has a ``Config`` of its own, derived from `TableConfig`, with the path of its file,
    and implements `read_table` and `read_chunks`.

    Raises:
        DataError: naming file, lines and column of all cells that cannot be used, and the settings
            that solve each problem.
    """

    Config: ClassVar[type[Any]] = TableConfig
    input_endings: ClassVar[tuple[str, ...]] = ()
    takes_folders: ClassVar[bool] = True
    is_new: ClassVar[bool] = False

    @classmethod
    def read_table(cls, config: Any, choose: ChooseColumns) -> RawTable:
        """Return the columns of the config's file that ``choose`` picks from its header."""
        raise NotImplementedError

    @classmethod
    def read_chunks(cls, config: Any, source: Any, choose: ChooseColumns) -> Iterator[RawTable]:
        """Yield the columns of another source for prediction, some rows at a time."""
        raise NotImplementedError

    def __init__(self, config: Any) -> None:
        self._config = config
        self._ordering: dict[str, ColumnConfig] = {}  # options of columns that sort or group
        self._place: str = getattr(config, "path", "the table")
        self._table = open_table(config, self._place, self._read, is_new=self.is_new)
        columns, layout = self._table.columns, self._table.layout
        self._blocks = {
            name: make_input(
                columns[entry] if isinstance(entry, str) else [columns[c] for c in entry]
            )
            for name, entry in layout.inputs.items()
        }
        stored = {column.name: column for column in self._features()}
        self._table = replace(self._table, columns={**columns, **stored})
        parts = {
            name: [columns[column] for column in ([entry] if isinstance(entry, str) else entry)]
            for name, entry in layout.targets.items()
        }
        self._targets = {
            name: make_target(
                parts[name],
                TargetPlace(
                    self._table.raw,
                    self._table.rows,
                    layout.roles[entry if isinstance(entry, str) else entry[0]],
                    not isinstance(entry, str),
                ),
            )
            for name, entry in layout.targets.items()
        }
        self._stored = ArrayDataset(self._cells(), self._targets, self._weights())
        self.targets = {n: target_field(own, parts[n]) for n, own in self._targets.items()}
        self.fingerprint = self._stored.fingerprint
        self._stored.drop_inputs()
        self._encode(self._learned(np.arange(len(self)), required=False))

    def _read(self, choose: ChooseColumns) -> RawTable:
        """Return the columns of the table itself that ``choose`` picks from its header."""
        return self.read_table(self._config, choose)

    def __len__(self) -> int:
        return len(self._table.rows)

    def gather(self, indices: Array) -> Batch:
        """Return the samples at ``indices`` (N,), in arrays of the caller's own."""
        rows = np.asarray(indices)
        rest = self._stored.gather_targets(rows)
        inputs = {name: block.gather(rows) for name, block in self._inputs.items()}
        return Batch(inputs, rest.targets, rest.weights)

    def gather_targets(self, indices: Array) -> Batch:
        """Return the samples at ``indices`` (N,) without their inputs."""
        return self._stored.gather_targets(indices)

    def where(self, index: int) -> str:
        """Return the file and line of a sample."""
        return self._table.raw.where(int(self._table.rows[index]))

    def where_in(self, name: str, index: int) -> str:
        """Return the file, line, and the column of a target."""
        return self._targets[name].row(index) if name in self._targets else self.where(index)

    def _weights(self) -> Source | None:
        name = self._table.layout.weights
        if name is None:
            return None
        column = self._table.columns[name]
        assert isinstance(column, NumberColumn)
        return Source(column.values[:, 0], self._place, locate=self.where)

    def _cells(self) -> dict[str, Source]:
        """Return the cells of the features as arrays of numbers, for the fingerprint.

        Numbers that need no encoding are stored as they are, as in versions without encodings.
        """
        sources: dict[str, Source] = {}
        place = self._place
        for name, block in self._blocks.items():
            values = block.plain_values if isinstance(block, Row) else None
            names = tuple(feature for column in block.columns for feature in column.names)
            if values is not None:
                sources[name] = Source(values, place, names=names, locate=self.where)
                continue
            for position, column in enumerate(block.columns):
                key = f"{name}/{position}/{column.options.kind}"
                if isinstance(column, NumberColumn):
                    values = np.where(np.isnan(column.values), 0, column.values)
                    sources[key] = Source(values, place, names=column.names)
                    sources[f"{key}/missing"] = Source(column.missing, place)
                else:
                    names = (column.name, *column.texts)
                    sources[key] = Source(column.codes, place, names=names)
        return sources

    # Learning ---------------------------------------------------------------------------------

    def learn(self, indices: Array) -> State:
        """Return fills of missing cells and categories, learned from some samples (N,) alone.

        A table of numbers without strategies for missing cells learns nothing.
        """
        return self._learned(np.asarray(indices))

    def _learned(self, rows: Array, *, required: bool = True) -> State:
        """Return the state; if it is not required, columns without a value have zeros."""
        try:
            learned = {
                column.name: learn(column, rows, required=required) for column in self._features()
            }
        except NothingLearnedError as error:
            config = self._config
            remedy = f"set {config.columns_setting({error.column.name: error.change})}"
            if error.change == "ignore" and config.features is not None:
                remedy = 'leave it out of "features"'
            raise DataError(f"{self._table.raw.place}: {error}; {remedy}") from error
        return pack(learned, self._features())

    def with_state(self, state: State) -> Self:
        """Return the same samples, encoded by a state."""
        result = copy(self)
        result._encode(state)
        unknown = UnknownCells(self._table.raw.place)
        unknown.add(self._features(), unpack(state))
        unknown.report()
        return result

    def _encode(self, state: State) -> None:
        learned = unpack(state)
        self._inputs = {name: block.encoded(learned) for name, block in self._blocks.items()}
        self.inputs = {name: block.field for name, block in self._inputs.items()}
        for name, field in self.inputs.items():
            if field.shape == (0,):
                raise DataError(
                    f"{self._table.raw.place}: no category of the input {name!r} is frequent"
                    ' enough among the training samples; lower "min_count"'
                )

    def _features(self) -> list[Column]:
        return [column for block in self._blocks.values() for column in block.columns]

    # Descriptions -----------------------------------------------------------------------------

    @property
    def inferred(self) -> Mapping[str, JsonValue]:
        """Kinds of the columns, and the features if the spec names none.

        Columns that sorted or grouped the samples so far are among them.
        """
        if self._config.inferred is not None:
            kept: dict[str, JsonValue] = self._config.inferred.model_dump(mode="json")
            return kept
        layout, config = self._table.layout, self._config
        columns: dict[str, JsonValue] = {}
        used = {name: self._table.columns[name].options for name in layout.columns}
        for name, options in {**self._ordering, **used}.items():
            found = {key: getattr(options, key) for key in ("kind", "format", "parts")}
            found = {key: value for key, value in found.items() if value is not None}
            columns[name] = found["kind"] if len(found) == 1 else json.loads(json.dumps(found))
        columns |= dict.fromkeys(self._table.unused.keys() - self._ordering.keys(), "ignore")
        return {"columns": columns, "features": _pinned(layout, config.has_header)}

    def description(self) -> list[str]:
        """Return one line for each column: kind, different values, missing cells."""
        return describe_table(self._table)

    def column_values(self, name: str) -> Array:
        """Return a column of the file, used or not, (N,): numbers, dates, or `str` as objects."""
        return self.source_values(name)[self._table.rows]

    def source_values(self, name: str) -> Array:
        """Return a column of the file as `column_values` does, also of dropped rows."""
        source, raw = source_column(self._config, name, self._read)
        options = order_options(self._config, source)
        if options.kind in ("number", "date"):
            self._ordering[name] = options
        return order_values(source, options, raw)

    @property
    def source_rows(self) -> int:
        """The number of rows of the file."""
        return self._table.raw.rows

    @property
    def row_numbers(self) -> Array:
        """The row of each sample, counted from 0, (N,)."""
        return self._table.rows

    # Prediction -------------------------------------------------------------------------------

    @classmethod
    def read_rows(
        cls,
        config: Any,
        source: Any,
        fields: Mapping[str, Field],
        state: State,
        keep: Sequence[str],
    ) -> Iterator[InputRows]:
        """Yield the inputs of another table; its other columns are not read, unless kept."""
        place = os.fspath(source) if isinstance(source, str | os.PathLike) else "the table"

        def read(choose: ChooseColumns) -> Iterator[RawTable]:
            return cls.read_chunks(config, source, choose)

        return read_rows(config, place, read, fields, state, keep)

    @classmethod
    def read_cells(cls, config: Any, name: str, cells: Sequence[Any]) -> Array:
        """Return cells of a column of another table as the values that sort or group rows."""
        source = column_of_cells(config, name, cells)
        raw = RawTable("the input", {}, len(cells), (name,))
        return order_values(source, order_options(config, source), raw)

    @classmethod
    def read_inputs(cls, config: Any, path: str, fields: Mapping[str, Field]) -> dict[str, Array]:
        """Read the inputs of one file for a model that learned nothing from its table."""
        parts = [part.inputs for part in cls.read_rows(config, path, fields, {}, ())]
        return {name: np.concatenate([part[name] for part in parts]) for name in fields}


def _pinned(layout: Layout, by_name: bool) -> JsonValue:
    """Return the features as a spec has them: by name, or without a header by position."""

    def pinned(entry: str | tuple[str, ...]) -> JsonValue:
        if isinstance(entry, str):
            return entry if by_name else int(entry)
        return [name if by_name else int(name) for name in entry]

    if list(layout.inputs) == ["input"] and not isinstance(layout.inputs["input"], str):
        return pinned(layout.inputs["input"])
    return {name: pinned(entry) for name, entry in layout.inputs.items()}
