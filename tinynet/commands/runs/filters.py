"""Filters of runs: ``val/accuracy>0.9``, ``state=finished``, ``name=digits*``."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from tinynet.commands.runs.columns import Cell, Columns
from tinynet.errors import UsageError

_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<=": lambda a, b: bool(a <= b),
    ">=": lambda a, b: bool(a >= b),
    "<": lambda a, b: bool(a < b),
    ">": lambda a, b: bool(a > b),
}

_OPERATORS = ("<=", ">=", "!=", "==", "<", ">", "=")
"""Longer ones first, as they begin like others."""


@dataclass(frozen=True)
class Filter:
    """A condition on a column.

    Attributes:
        column: The full name of the column.
        operator: ``=``, ``!=``, ``<``, ``<=``, ``>`` or ``>=``.
        value: The text that a cell is compared with.
    """

    column: str
    operator: str
    value: str

    @classmethod
    def parse(cls, text: str, columns: Columns) -> "Filter":
        """Read a filter such as ``val/accuracy>0.9``.

        Raises:
            UsageError: for another form, an unknown column, or an order of texts.
        """
        splits = [
            (text[:place].strip(), operator, text[place + len(operator) :].strip())
            for place in range(1, len(text))
            for operator in [next((o for o in _OPERATORS if text.startswith(o, place)), "")]
            if operator and text[:place].strip()
        ]
        if not splits:
            raise UsageError(
                f"{text!r} is not a filter; write COLUMN=VALUE, or with !=, <, <=, > or >=, in"
                " quotes: --filter 'val/accuracy>0.9'"
            )
        # Names of metrics may have these characters, too.
        known = [split for split in splits if columns.has(split[0])]
        name, operator, value = (known or splits)[0]
        made = cls(columns.find(name), operator.replace("==", "="), value)
        if operator in _ORDERS and _number(value) is None and _time(value) is None:
            raise UsageError(
                f"filter {text!r}: {value!r} is neither a number nor a date (2026-01-31), so it has"
                " no order; use = or !="
            )
        return made

    def matches(self, cell: Cell) -> bool:
        """Return True if a cell fulfills the condition; a missing one equals ``null`` alone."""
        if self.operator in _ORDERS:
            pair = _comparable(cell, self.value)
            return pair is not None and _ORDERS[self.operator](*pair)
        return _equal(cell, self.value) == (self.operator == "=")


def _equal(cell: Cell, value: str) -> bool:
    if isinstance(cell, bool) or cell is None:
        return json.dumps(cell) == value.lower()
    if (pair := _comparable(cell, value)) is not None:
        return bool(pair[0] == pair[1])
    if isinstance(cell, datetime):
        return fnmatchcase(cell.isoformat(), value)
    if isinstance(cell, str):
        return fnmatchcase(cell, value)
    try:
        return bool(cell == json.loads(value))
    except (ValueError, RecursionError):
        return False


def _comparable(cell: Cell, value: str) -> tuple[Any, Any] | None:
    """Return a cell and a value as two numbers or two times; None if they are not."""
    if isinstance(cell, datetime):
        time = _time(value)
        return None if time is None else (cell, time)
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        number = _number(value)
        return None if number is None else (cell, number)
    return None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return None if math.isnan(number) else number


def _time(text: str) -> datetime | None:
    """Return a time; one without a zone is local."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
