"""The use of a table's columns: which are features, targets and weights."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tinynet.builtin.tables.config import Column, TableConfig
from tinynet.errors import DataError
from tinynet.files.csv_rows import fault_kind
from tinynet.text.wording import format_list, suggest

_INDEX = re.compile(r"__index_level_[0-9]+__")


@dataclass(frozen=True)
class Layout:
    """Names of the columns that a spec uses.

    Attributes:
        inputs: The columns of each input; a single name is an input of its own form, an index or
            a text.
        targets: The columns of each target, likewise.
        weights: The column of weights, or None.
        chosen: True if the spec names the features.
    """

    inputs: Mapping[str, str | tuple[str, ...]]
    targets: Mapping[str, str | tuple[str, ...]]
    weights: str | None
    chosen: bool

    @property
    def features(self) -> list[str]:
        """The columns of all inputs."""
        return [*flat(self.inputs.values())]

    @property
    def target_columns(self) -> list[str]:
        """The columns of all targets."""
        return [*flat(self.targets.values())]

    @property
    def columns(self) -> list[str]:
        """All columns that are used."""
        weights = [] if self.weights is None else [self.weights]
        return [*self.features, *self.target_columns, *weights]

    @property
    def roles(self) -> dict[str, str]:
        """The role of each column that is not a feature, for messages."""
        roles = {column: f"the target {name!r}" for name, column in _pairs(self.targets)}
        if list(self.targets) == ["target"]:
            roles = dict.fromkeys(roles, "the target")
        return roles if self.weights is None else {**roles, self.weights: "the weights"}

    def without(self, dropped: Iterable[str]) -> "Layout":
        """Return the layout without some features."""
        gone = {*dropped}
        inputs: dict[str, str | tuple[str, ...]] = {}
        for name, columns in self.inputs.items():
            if isinstance(columns, tuple):
                if left := tuple(column for column in columns if column not in gone):
                    inputs[name] = left
            elif columns not in gone:
                inputs[name] = columns
        return replace(self, inputs=inputs)

    def with_own_inputs(self, texts: Iterable[str]) -> "Layout":
        """Return the layout with some columns as inputs of their own, named after the columns.

        The only input of a table keeps its name.
        """
        listed = [*flat(entry for entry in self.inputs.values() if isinstance(entry, tuple))]
        own = {name: name for name in texts if name in listed}
        rest = self.without(own)
        if len(own) == 1 and not rest.inputs:
            return replace(self, inputs=dict(zip(self.inputs, own, strict=True)))
        return replace(rest, inputs={**rest.inputs, **own})


def choose_layout(config: TableConfig, place: str, header: Sequence[str]) -> Layout:
    """Return the columns that a spec uses in a table with these columns.

    Raises:
        DataError: for a column that does not exist or is used twice, and for a table without a
            feature.
    """

    def find(column: Column) -> str:
        return header[find_column(config, place, header, column)]

    def find_all(entry: Column | tuple[Column, ...]) -> str | tuple[str, ...]:
        return tuple(map(find, entry)) if isinstance(entry, tuple) else find(entry)

    given = {} if config.target is None else config.target
    targets = given if isinstance(given, dict) else {"target": given}
    found_targets = {name: find_all(entry) for name, entry in targets.items()}
    weights = None if config.weights is None else find(config.weights)
    features = config.features
    if features is None and config.inferred is not None:
        features = config.inferred.features
    if unknown := [name for name in config.columns or {} if name not in header]:
        raise DataError(
            f'{place} has no column {unknown[0]!r}, which "columns" names;'
            f" {suggest(unknown[0], header)}"
        )
    others = {*flat(found_targets.values()), weights}
    if features is None:
        chosen: dict[str, str | tuple[str, ...]] = {
            "input": _all_features(config, place, header, others)
        }
    elif isinstance(features, dict):
        chosen = {name: find_all(entry) for name, entry in features.items()}
    else:
        chosen = {"input": tuple(map(find, features))}
    layout = Layout(chosen, found_targets, weights, config.features is not None)
    _require_sound(config, place, header, layout)
    _require_inferred(config, place, layout)
    return layout


def _all_features(
    config: TableConfig, place: str, header: Sequence[str], others: set[str | None]
) -> tuple[str, ...]:
    """Return all columns that are neither ignored nor used otherwise."""
    free = [name for name in without_row_numbers(header) if name not in others]
    features = [name for name in free if config.options(name).kind != "ignore"]
    if "" in features and len(features) > 1:
        raise DataError(
            f"{place}: column {header.index('')} has no name, which is usual for a column of row"
            f" numbers; to leave it out, set {config.columns_setting({'': 'ignore'})}"
        )
    return tuple(features)


def without_row_numbers(header: Sequence[str]) -> list[str]:
    """Return columns without the index of a DataFrame, which pandas saves in Parquet files."""
    return [name for name in header if not _INDEX.fullmatch(name)]


def _require_sound(config: TableConfig, place: str, header: Sequence[str], layout: Layout) -> None:
    if repeated := repetitions(layout.columns):
        raise DataError(
            f"{place}: column {repeated[0]!r} is used twice; a column is a target, the weights, or"
            " one feature"
        )
    if not layout.features:
        if ignored := [name for name in header if name not in layout.columns]:
            raise DataError(
                f"{place}: every column that is not a target is left out"
                f" ({format_list([repr(name) for name in ignored])}); a table needs a feature, so"
                ' remove the "ignore" of one of them from "columns"'
            )
        only = "the target column" if len(layout.target_columns) == 1 else "target columns"
        raise DataError(
            f"{place} has only {only}; a table needs a feature column{config.header_hint(header)}"
        )
    for name in layout.columns:
        if config.options(name).kind == "ignore":
            raise DataError(
                f'{place}: column {name!r} is used, but "columns" says "ignore"; remove one of the'
                " two"
            )


def _require_inferred(config: TableConfig, place: str, layout: Layout) -> None:
    """Raise an error for inferred values of another spec, by which prediction would go."""
    inferred = config.inferred
    if inferred is None:
        return
    known = {*map(str, listed(inferred.features))}
    unknown = [name for name in layout.features if config.options(name).kind is None]
    if unknown or (inferred.features is not None and known != {*layout.features}):
        raise DataError(
            f'{place}: the features of "inferred" are not those of the spec; remove "inferred" from'
            " the spec, so that it is inferred again"
        )


def find_column(config: TableConfig, place: str, names: Sequence[str], column: str | int) -> int:
    """Return the position of a column that is given by name or position.

    Raises:
        DataError: if the column does not exist.
    """
    if isinstance(column, int):
        if not -len(names) <= column < len(names):
            raise DataError(
                f"{place} has no column {column}: it has {len(names)}, counted from 0 to"
                f" {len(names) - 1}{config.header_hint(names)}"
            )
        return column % len(names)
    if column not in names:
        hint = config.header_hint(names) or f"; {suggest(column, names)}"
        if are_numbers(names):
            hint += (
                '; its first row holds numbers: if it is a sample, set "header": false and give'
                " columns by position (-1 is the last)"
            )
        raise DataError(f"{place} has no column {column!r}{hint}")
    return names.index(column)


def find_features(
    config: TableConfig, place: str, header: Sequence[str], names: Sequence[str]
) -> None:
    """Require a table to have the columns of a model's features.

    Raises:
        DataError: listing every name that the header lacks.
    """
    if missing := [name for name in names if name not in header]:
        hint = config.header_hint(header, trained=True)
        if not hint and are_numbers(header) and not are_numbers(names):
            hint = (
                "; its first row holds numbers: put a line with the names of the columns before it"
            )
        raise DataError(
            f"{place}: the header lacks {format_list([repr(name) for name in missing])}; it names"
            f" {format_list([repr(name) for name in header])}{hint}"
        )


def are_numbers(names: Sequence[str]) -> bool:
    """Return True if most names are numbers, as in a file without a header."""
    return 2 * sum(fault_kind(name) is None for name in names) > len(names)


def repetitions(items: Sequence[str]) -> list[str]:
    """Return the items that occur more than once."""
    return [item for item, count in Counter(items).items() if count > 1]


def column_names(entry: Column | tuple[Column, ...]) -> str | tuple[str, ...]:
    """Return columns by name; without a header, names are positions."""
    return tuple(map(str, entry)) if isinstance(entry, tuple) else str(entry)


def listed(
    entry: Column | tuple[Column, ...] | Mapping[str, Column | tuple[Column, ...]] | None,
) -> list[Column]:
    """Return the columns that an entry of a spec names."""
    if isinstance(entry, Mapping):
        return [column for part in entry.values() for column in listed(part)]
    if isinstance(entry, tuple):
        return [*entry]
    return [] if entry is None else [entry]


def flat(entries: Iterable[str | tuple[str, ...]]) -> Iterator[str]:
    """Yield the columns of all entries."""
    for entry in entries:
        yield from [entry] if isinstance(entry, str) else entry


def _pairs(entries: Mapping[str, str | tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    for name, entry in entries.items():
        for column in [entry] if isinstance(entry, str) else entry:
            yield name, column
