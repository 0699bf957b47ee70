"""Settings that solve the problems of a table's cells."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tinynet.builtin.datasets._arrays import MAX_CLASSES
from tinynet.builtin.tables.cells import SourceColumn
from tinynet.builtin.tables.config import ColumnConfig, Kind, TableConfig
from tinynet.builtin.tables.dates import fitting_formats, parse_date
from tinynet.builtin.tables.faults import Faults
from tinynet.builtin.tables.layout import Layout
from tinynet.builtin.tables.learned import in_order
from tinynet.files.csv_rows import quote_cell
from tinynet.files.number_cells import NumberFormat

FILLED: dict[Kind, str] = {
    "number": "median",
    "date": "median",
    "category": "most_frequent",
    "text": "drop_row",
}
"""The strategy that a message suggests for missing cells."""
MAX_NAMED = 50
"""Classes that a message names."""

_FORMATS = (
    {"decimal": ","},
    {"thousands": ","},
    {"decimal": ",", "thousands": "."},
    {"decimal": ",", "thousands": " "},
    {"thousands": " "},
    {"thousands": "'"},
)
"""Other forms of numbers, as options of a table."""


@dataclass
class Remedies:
    """The settings that solve the problems of each column.

    Attributes:
        config: The options of the table.
        layout: The use of its columns.
        options: Options of the columns, with their kinds.
        sources: The columns.
        faults: Their faulty cells.
    """

    config: TableConfig
    layout: Layout
    options: Mapping[str, ColumnConfig]
    sources: Mapping[str, SourceColumn]
    faults: Faults
    _columns: dict[str, Any] = field(default_factory=dict)
    _table: dict[str, str] = field(default_factory=dict)

    def message(self) -> str:
        """Return one text about all faulty cells, with the setting for each column."""
        if not self.config.has_header and self.faults.are_a_header(self.layout.features):
            hint = 'if this line names the columns, set "header": true'
            return self.faults.message(self.layout.roles, dict.fromkeys(self.faults.columns, hint))
        clauses = {name: self._clause(name) for name in self.faults.columns}
        solved = len(self._columns) + len(self._table)
        together = ""
        if solved > 1:
            together = (
                f"all of these settings together: {self.config.columns_setting(self._columns)}"
            )
            if self._table:
                together += f", {_entries(self._table)}"
        return self.faults.message(self.layout.roles, clauses, together)

    def _clause(self, name: str) -> str:
        if name == self.layout.weights:
            return self._dropping(name, "correct the weights, or remove their rows")
        if name in self.layout.target_columns:
            return self._target(name)
        return self._feature(name)

    def _feature(self, name: str) -> str:
        faults, options = self.faults.columns[name], self.options[name]
        assert options.kind is not None
        if "text" in faults and (numbers := self._number_format(name)):
            self._table |= numbers
            if "missing" in faults:
                return f"set {_entries(numbers)} and {self._set(name, {'missing': 'median'})}"
            return f"set {_entries(numbers)}"
        if "not_a_date" in faults and (formats := fitting_formats(self.sources[name].present)):
            either = [{"kind": "date", "format": form} for form in formats]
            return f"set {' or '.join(self._set(name, change) for change in reversed(either))}"
        if "not_a_date" in faults and (kinds := _kinds_of_numbers(self.sources[name])):
            return f"these are numbers: set {' or '.join(self._set(name, k) for k in kinds)}"
        if "text" in faults or "not_a_date" in faults:
            return f"correct these cells, or set {self._set(name, {'kind': 'category'}, new=True)}"
        if "infinite" in faults:
            return f"correct these cells, or remove their rows{self._ignoring(name)}"
        if options.kind == "number" and not self.sources[name].present:
            return self._ignoring(name).removeprefix("; ") or 'leave it out of "features"'
        strategy = FILLED[options.kind]
        return f"set {self._set(name, {'missing': strategy})}{_others(options.kind)}"

    def _number_format(self, name: str) -> dict[str, str]:
        """Return the options with which every cell of a column is a number, or nothing.

        They leave the numbers in other columns numbers.
        """
        columns = [n for n, own in self.options.items() if own.kind == "number"]
        first, second = _FORMATS[:2]
        quoted = getattr(self.config, "delimiter", ",") == ","
        for options in [second, first, *_FORMATS[2:]] if quoted else _FORMATS:
            form = NumberFormat(**options)
            if all(
                form.parse_one(text) is not None
                for column in columns
                for text in self.sources[column].present
                if column == name or self.sources[column].format.parse_one(text) is not None
            ):
                return options
        return {}

    def _target(self, name: str) -> str:
        faults, options, source = self.faults.columns[name], self.options[name], self.sources[name]
        fix = "correct the cells of the target, or remove their rows"
        if "text" in faults:
            few = len(source.coded[0]) <= MAX_CLASSES
            if few and self.layout.targets == {"target": name} and not self._kind_is_set(name):
                self._table["target_type"] = "class"
                fix += '; if the target is a class, set "target_type": "class"'
            if "missing" in faults:
                fix += f"; for the missing ones set {self._set(name, {'missing': 'drop_row'})}"
            return fix
        if "infinite" in faults:
            return fix
        clause = self._dropping(name, "")
        if options.separator is not None and clause:
            clause += f", or {self._set(name, {'missing': 'unknown'})} if they have no labels"
        if options.kind == "category" and options.separator is None:
            clause += self._as_class(name, "; " if clause else "")
        return clause or "choose another column as the target: every cell of this one is missing"

    def _as_class(self, name: str, start: str) -> str:
        """Return the setting with which the markers of missing cells are classes."""
        source, options = self.sources[name], self.options[name]
        named = options.categories or in_order(source.present)
        absent = sorted(t for t in source.coded[0] if source.is_missing(t) and t not in named)
        if self.layout.targets != {"target": name} or len(named) + len(absent) > MAX_NAMED:
            return ""
        verb = "is a class" if len(absent) == 1 else "are classes"
        classes = json.dumps([*named, *absent], ensure_ascii=False)
        marks = " and ".join(map(quote_cell, absent))
        return f'{start}if {marks} {verb}, set "classes": {classes}'

    def _kind_is_set(self, name: str) -> bool:
        return self.config.target_type != "auto" or self.config.options(name).kind is not None

    def _dropping(self, name: str, fix: str) -> str:
        """Return the setting that drops the rows of missing cells, where that solves it."""
        faults, rows = self.faults.columns[name], len(self.sources[name])
        if list(faults) != ["missing"] or faults["missing"].count == rows:
            return fix
        return f"set {self._set(name, {'missing': 'drop_row'})} to leave out these rows"

    def _ignoring(self, name: str) -> str:
        features = self.layout.features
        if self.config.features is not None or all(map(self._is_hopeless, features)):
            return ""
        return f"; to leave it out, set {self._set(name, {'kind': 'ignore'}, new=True)}"

    def _is_hopeless(self, name: str) -> bool:
        """Return True for a feature that no setting makes usable."""
        faults = self.faults.columns.get(name, {})
        return "infinite" in faults or ("missing" in faults and not self.sources[name].present)

    def _set(self, name: str, changes: Mapping[str, Any], *, new: bool = False) -> str:
        """Return the setting that changes options of a column."""
        own = (self.config.columns or {}).get(name, ColumnConfig())
        changed = {**({} if new else own.changed), **changes}
        changed.pop("fill", None)
        entry = changed["kind"] if set(changed) == {"kind"} else changed
        self._columns[name] = entry
        return self.config.columns_setting({name: entry})


def _kinds_of_numbers(source: SourceColumn) -> list[dict[str, str]]:
    """Return the options of cells that are numbers: perhaps dates such as 20241231."""
    cells = source.present
    if any(source.format.parse_one(cell) is None for cell in cells):
        return []
    are_days = all(len(cell) == 8 and parse_date(cell, "%Y%m%d") is not None for cell in cells)
    dates = [{"kind": "date", "format": "%Y%m%d"}] if are_days else []
    return [*dates, {"kind": "number"}]


def kind_options(config: TableConfig, name: str) -> ColumnConfig:
    """Return the options of a column of new data; those of older checkpoints are numbers."""
    options = config.options(name)
    return options if options.kind else options.model_copy(update={"kind": "number"})


def correction_message(
    config: TableConfig,
    faults: Faults,
    features: Sequence[str],
    roles: Mapping[str, str] | None = None,
) -> str:
    """Return one text about the faulty cells of new data, which no setting can solve any more."""
    remedy = "correct these cells, or remove their rows"
    if not config.has_header and faults.are_a_header(features):
        remedy = "remove this line: the file that was trained on has no header"
    remedies = dict.fromkeys(faults.columns, remedy)
    for name, kinds in faults.columns.items():
        if [*kinds] == ["missing"] and name in features:
            options = kind_options(config, name)
            assert options.kind is not None
            change = {**options.changed, "missing": FILLED[options.kind]}
            remedies[name] += (
                f"; to have them filled, train with {config.columns_setting({name: change})}"
            )
    return faults.message(roles or {}, remedies)


def _others(kind: Kind) -> str:
    """Return other strategies for missing cells, in parentheses."""
    strategies: Sequence[str] = {
        "number": ("mean", "most_frequent", "drop_row"),
        "date": ("most_frequent", "drop_row"),
        "category": ("unknown", "drop_row"),
    }.get(kind, ())
    shown = ", ".join(f'"{strategy}"' for strategy in strategies)
    return f" (or {shown})" if strategies else ""


def _entries(settings: Mapping[str, Any]) -> str:
    return json.dumps(settings, ensure_ascii=False)[1:-1]
