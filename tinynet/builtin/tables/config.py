"""The options that every table has: its columns, features, targets and weights."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Field, model_serializer, model_validator
from pydantic_core import PydanticCustomError

from tinynet.builtin.datasets._arrays import TargetConfig
from tinynet.builtin.tables.dates import DatePart, format_problem
from tinynet.config import Frozen
from tinynet.text.mistakes import AlsoCalled

Column: TypeAlias = int | Annotated[str, Field(min_length=1)]
"""A column by name, or by position counted from 0 (-1 is the last)."""

Columns: TypeAlias = Annotated[tuple[Column, ...], Field(min_length=1)]

Kind: TypeAlias = Literal["number", "category", "text", "date", "ignore"]

Strategy: TypeAlias = Literal[
    "error", "drop_row", "mean", "median", "most_frequent", "constant", "unknown"
]

_STRATEGIES: dict[Kind, tuple[Strategy, ...]] = {
    "number": ("error", "drop_row", "mean", "median", "most_frequent", "constant"),
    "date": ("error", "drop_row", "mean", "median", "most_frequent", "constant"),
    "category": ("unknown", "error", "drop_row", "most_frequent", "constant"),
    "text": ("unknown", "error", "drop_row", "constant"),
}
"""The strategies for missing cells of each kind; the first is the default."""

_ONLY_CATEGORIES = ("categories", "min_count", "max_categories", "separator")
_ONLY_DATES = ("format", "parts")


class ColumnConfig(Frozen):
    """The options of one column."""

    kind: Kind | None = Field(
        default=None,
        description="number, category, text, date (a feature for each part), or ignore; by default"
        " inferred from all cells.",
    )
    missing: Strategy | None = Field(
        default=None,
        description="Strategy for missing cells: error, drop_row, mean, median, most_frequent,"
        " constant (the value of 'fill'), or unknown (a category that is all zeros, an empty"
        " text). Default: unknown for categories and text, else error.",
    )
    fill: float | str | None = Field(
        default=None, description="The value of missing cells, with 'missing': 'constant'."
    )
    indicator: bool = Field(
        default=False, description="True adds a feature that is 1 where the cell is missing."
    )
    categories: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description="The categories in this order; by default those of the training samples.",
    )
    min_count: int = Field(
        default=1,
        ge=1,
        description="Training samples that a category needs; rarer ones are unknown.",
    )
    max_categories: int | None = Field(
        default=None, ge=1, description="Most categories; the others are unknown."
    )
    separator: str | None = Field(
        default=None,
        min_length=1,
        description="The text between two labels of a cell; each label is a category.",
    )
    format: str | None = Field(
        default=None,
        description="Format of dates as in Python's strptime, such as '%d.%m.%Y'.",
    )
    parts: tuple[DatePart, ...] | None = Field(
        default=None, min_length=1, description="The features of a date."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.missing == "constant") != (self.fill is not None):
            raise PydanticCustomError(
                "fill", '\'fill\' and "missing": "constant" belong together; set both or neither'
            )
        if self.format is not None and (problem := format_problem(self.format)):
            raise PydanticCustomError("format", "{problem}", {"problem": problem})
        if self.kind is not None and (problem := self.problem(self.kind)):
            raise PydanticCustomError("kind", "{problem}", {"problem": problem})
        if self.categories is not None and len(set(self.categories)) < len(self.categories):
            raise PydanticCustomError("categories", "a category is listed twice; remove one")
        return self

    def problem(self, kind: Kind) -> str | None:
        """Return the first option that a column of this kind cannot have, or None."""
        if kind == "ignore":
            return None
        if self.missing is not None and self.missing not in _STRATEGIES[kind]:
            known = ", ".join(_STRATEGIES[kind])
            return f'"missing": "{self.missing}" is not possible for kind \'{kind}\' ({known})'
        if kind == "number" and isinstance(self.fill, str):
            return "'fill' of a number is a number"
        if kind != "number" and isinstance(self.fill, float):
            return f"'fill' of kind '{kind}' is a text in quotes"
        if kind == "date" and isinstance(self.fill, str):
            from tinynet.builtin.tables.dates import parse_dates

            if parse_dates([self.fill], self.format) is None:
                return f"'fill' is not a date: {self.fill!r}"
        if self.separator is not None and self.missing in ("most_frequent", "constant"):
            return f'"missing": "{self.missing}" is not possible with a \'separator\''
        if self.indicator and kind == "text":
            return "'indicator' is not possible for kind 'text'"
        changed = self.changed
        for options, owner in ((_ONLY_CATEGORIES, "category"), (_ONLY_DATES, "date")):
            set_ones = [name for name in options if name in changed]
            if set_ones and kind != owner:
                return f"'{set_ones[0]}' is an option of kind '{owner}', not of '{kind}'"
        return None

    @property
    def changed(self) -> dict[str, Any]:
        """The options that are not at their defaults, as JSON values."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return {
            name: [*value] if isinstance(value, tuple) else value
            for name, value in values.items()
            if value != type(self).model_fields[name].default
        }

    def strategy(self, kind: Kind) -> Strategy:
        """Return the strategy for missing cells."""
        return self.missing or _STRATEGIES[kind][0]

    @model_serializer
    def shortened(self) -> Any:
        """Return the options as a spec has them: the kind alone if nothing else is set."""
        changed = self.changed
        return self.kind if set(changed) == {"kind"} else changed


def _as_object(value: Any) -> Any:
    if isinstance(value, dict):  # what a validator returns must have tuples
        return {key: tuple(v) if isinstance(v, list) else v for key, v in value.items()}
    return {"kind": value} if isinstance(value, str) else value


ColumnOptions: TypeAlias = Annotated[
    ColumnConfig, BeforeValidator(_as_object, json_schema_input_type=Kind | ColumnConfig)
]
"""The options of a column; the name of a kind sets the kind alone."""


class Inferred(Frozen):
    """Options that were inferred from a table, so that other tables are read alike."""

    columns: dict[str, ColumnOptions] = Field(
        default_factory=dict, description="Kind of each column, and format and parts of dates."
    )
    features: Columns | dict[str, Column | Columns] | None = Field(
        default=None, description="The features, as in the spec."
    )


class TableConfig(TargetConfig):
    """The options of a table."""

    target: Annotated[
        Column | Columns | dict[str, Column | Columns] | None, AlsoCalled(("targets", "labels"))
    ] = Field(
        description="The column to predict: its name, or its position counted from 0 (-1 is the"
        " last). A list of columns of numbers is one target; an object names several targets; null:"
        " no target, as for windows that forecast their own features."
    )
    features: Annotated[Columns | dict[str, Column | Columns] | None, AlsoCalled(("inputs",))] = (
        Field(
            default=None,
            description="The columns to predict from, in this order; by default all others. An"
            " object names several inputs: a list of columns is a row of features, a single column"
            " of categories an index (0: unknown) for an embedding, a single column of text a"
            " text.",
        )
    )
    weights: Column | None = Field(
        default=None, description="The column of sample weights, each at least 0."
    )
    columns: dict[str, ColumnOptions] | None = Field(
        default=None,
        description='Kind and options of columns, by name: {"age": {"missing": "median"},'
        ' "zip": "category"}; by default inferred from the cells.',
    )
    missing_values: tuple[str, ...] | None = Field(
        default=None,
        description="Cells that stand for a missing value, besides empty ones; by default NA, N/A,"
        " NaN, null, None, ? and -.",
    )

    inferred: Inferred | None = Field(
        default=None, description="Set by tinynet in a resolved spec: what was inferred."
    )

    @model_validator(mode="after")
    def _named(self) -> Self:
        for key, value in (("target", self.target), ("features", self.features)):
            if isinstance(value, dict) and not value:
                raise PydanticCustomError("empty", "'{key}' names no column", {"key": key})
        return self

    def options(self, name: str) -> ColumnConfig:
        """Return the options of a column."""
        options = (self.columns or {}).get(name) or ColumnConfig()
        inferred = self.inferred.columns.get(name) if self.inferred is not None else None
        if inferred is None:
            return options
        keys = ("kind", "format", "parts")
        missing = {key: getattr(inferred, key) for key in keys if getattr(options, key) is None}
        return options.model_copy(update=missing)

    @property
    def has_header(self) -> bool:
        """False if the spec says that the columns have no names."""
        return bool(getattr(self, "header", True))

    def columns_setting(self, changes: Mapping[str, Any]) -> str:
        """Return the ``columns`` entry with some changes, to copy into a spec."""
        present = {name: own.shortened() for name, own in (self.columns or {}).items()}
        return json.dumps({"columns": {**present, **changes}}, ensure_ascii=False)[1:-1]

    def header_hint(self, names: Sequence[str], *, trained: bool = False) -> str:
        """Return a hint for the message that a table with these columns lacks one.

        ``trained`` is True if the table is to have the form of the one that was trained on.
        """
        return ""
