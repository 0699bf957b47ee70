"""The base of datasets that are tables, whatever file they come from."""

import json
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from typing import Any, ClassVar, Self

import numpy as np
from pydantic import JsonValue
from xxhash import xxh3_128

from tinynet.builtin.datasets._arrays import Source, checked_weights, described_as, update_digest
from tinynet.builtin.tables.columns import CodedColumn, Column, NumberColumn
from tinynet.builtin.tables.config import TableConfig
from tinynet.builtin.tables.inputs import Row, make_input
from tinynet.builtin.tables.layout import Layout
from tinynet.builtin.tables.learned import learn, pack, unpack
from tinynet.builtin.tables.opened import column_values, open_table
from tinynet.builtin.tables.prediction import read_rows
from tinynet.builtin.tables.raw_table import ChooseColumns, RawTable
from tinynet.builtin.tables.summary import describe_table
from tinynet.builtin.tables.targets import TargetPlace, make_target
from tinynet.dataset import Batch, Field, InputRows, State
from tinynet.errors import DataError
from tinynet.types import Array


class TableDataset:
    """A table: columns of numbers, categories, text and dates, and what to predict from them.

    A subclass has a ``Config`` of its own, derived from `TableConfig`, with the path of its file,
    and implements `read_table` and `read_chunks`.

    Raises:
        DataError: naming file, lines and column of all cells that cannot be used, and the settings
            that solve each problem.
    """

    Config: ClassVar[type[Any]] = TableConfig
    input_endings: ClassVar[tuple[str, ...]] = ()
    takes_folders: ClassVar[bool] = False

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
        self._table = open_table(
            config, config.path, lambda choose: self.read_table(config, choose)
        )
        columns, layout = self._table.columns, self._table.layout
        self._blocks = {
            name: make_input(
                columns[entry] if isinstance(entry, str) else [columns[c] for c in entry]
            )
            for name, entry in layout.inputs.items()
        }
        self._targets = {
            name: make_target(
                [columns[column] for column in ([entry] if isinstance(entry, str) else entry)],
                TargetPlace(
                    self._table.raw,
                    self._table.rows,
                    layout.roles[entry if isinstance(entry, str) else entry[0]],
                    not isinstance(entry, str),
                ),
            )
            for name, entry in layout.targets.items()
        }
        self.targets = {name: source.field for name, source in self._targets.items()}
        self._weights: Source | None = None
        if layout.weights is not None:
            weights = columns[layout.weights]
            assert isinstance(weights, NumberColumn)
            source = Source(weights.values[:, 0], config.path, locate=self.where)
            self._weights = checked_weights(source, self._targets, self._targets)
        self.fingerprint = self._digest()
        self._encode(self.learn(np.arange(len(self))))

    def __len__(self) -> int:
        return len(self._table.rows)

    def gather(self, indices: Array) -> Batch:
        """Return the samples at ``indices`` (N,), in arrays of the caller's own."""
        rows = np.asarray(indices)
        return Batch(
            {name: block.gather(rows) for name, block in self._inputs.items()},
            {name: source.gather(rows) for name, source in self._targets.items()},
            None if self._weights is None else self._weights.gather(rows),
        )

    def where(self, index: int) -> str:
        """Return the file and line of a sample."""
        return self._table.raw.where(int(self._table.rows[index]))

    def where_in(self, name: str, index: int) -> str:
        """Return the file, line, and the column of a target."""
        return self._targets[name].row(index) if name in self._targets else self.where(index)

    # Learning ---------------------------------------------------------------------------------

    def learn(self, indices: Array) -> State:
        """Return fills of missing cells and categories, learned from some samples (N,) alone.

        A table of numbers without strategies for missing cells learns nothing.
        """
        rows = np.asarray(indices)
        try:
            learned = {column.name: learn(column, rows) for column in self._features()}
        except DataError as error:
            raise DataError(f"{self._table.raw.place}: {error}") from error
        return pack(learned, self._features())

    def with_state(self, state: State) -> Self:
        """Return the same samples, encoded by a state."""
        result = copy(self)
        result._encode(state)
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
        return [self._table.columns[name] for name in self._table.layout.features]

    # Descriptions -----------------------------------------------------------------------------

    @property
    def inferred(self) -> Mapping[str, JsonValue]:
        """Kinds of the columns, and the features if the spec names none."""
        if self._config.inferred is not None:
            kept: dict[str, JsonValue] = self._config.inferred.model_dump(
                mode="json", exclude_defaults=True
            )
            return kept
        layout, config = self._table.layout, self._config
        columns: dict[str, JsonValue] = {}
        for name in layout.columns:
            options = self._table.columns[name].options
            found = {key: getattr(options, key) for key in ("kind", "format", "parts")}
            found = {key: value for key, value in found.items() if value is not None}
            columns[name] = found["kind"] if len(found) == 1 else json.loads(json.dumps(found))
        columns |= dict.fromkeys(self._table.unused, "ignore")
        return {"columns": columns, "features": _pinned(layout, getattr(config, "header", True))}

    def description(self) -> list[str]:
        """Return one line for each column: kind, different values, missing cells."""
        return describe_table(self._table)

    def column_values(self, name: str) -> Array:
        """Return a column of the file, used or not, (N,): numbers, or `str` as objects."""
        return column_values(
            self._config,
            name,
            lambda choose: self.read_table(self._config, choose),
            self._table.rows,
        )

    def _digest(self) -> str:
        digest = xxh3_128()
        blocks = self._blocks
        plain = {n: b.plain_values for n, b in blocks.items() if isinstance(b, Row)}
        for name in sorted(blocks):
            values = plain.get(name)
            if values is None:
                for column in blocks[name].columns:
                    _update_digest(digest, name, column)
                continue
            names = tuple(f for c in blocks[name].columns for f in c.names)
            update_digest(digest, "input", name, Source(values, "", names=names))
        for name in sorted(self._targets):
            update_digest(digest, "target", name, self._targets[name])
        if self._weights is not None:
            update_digest(digest, "weights", "", self._weights)
        return digest.hexdigest()

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
        return read_rows(
            config, lambda choose: cls.read_chunks(config, source, choose), fields, state, keep
        )

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

    if list(layout.inputs) == ["input"]:
        return pinned(layout.inputs["input"])
    return {name: pinned(entry) for name, entry in layout.inputs.items()}


def _update_digest(digest: xxh3_128, name: str, column: Column) -> None:
    """Add the cells of a column that needs an encoding to a fingerprint."""
    digest.update(json.dumps(["column", name, column.name, column.options.kind]).encode())
    if isinstance(column, NumberColumn):
        digest.update(json.dumps(column.names).encode())
        values = np.where(np.isnan(column.values), np.nan, column.values)
        digest.update(np.ascontiguousarray(values, "<f8").data)
        return
    digest.update(json.dumps(column.texts).encode())
    digest.update(np.ascontiguousarray(column.codes, "<i4").data)
