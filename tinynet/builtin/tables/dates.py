"""Dates in cells: common forms, or a format, and the features of a date."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Literal, TypeAlias

import numpy as np

from tinynet.types import Array

DatePart: TypeAlias = Literal[
    "year", "month", "day", "weekday", "day_of_year", "hour", "minute", "second"
]

MISSING = np.iinfo(np.int64).min
"""The number of a date that is missing, that of NumPy's ``NaT``."""

_DAY = 86_400_000_000

_ISO = re.compile(
    r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})"
    r"(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*(Z|[+-]\d{2}:?\d{2})?)?",
    re.ASCII,
)

FORMATS = (
    "%d.%m.%Y",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M",
    "%b %d %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d %B %Y",
)
"""Formats that are tried if dates are not in the order year, month, day."""

MAX_LENGTH = 30
"""Most characters of a date in such a format."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_date(text: str, format: str | None = None) -> int | None:
    """Return a date in microseconds since 1970 (UTC, or without a time zone); None for no date.

    Without a format it must be year, month, day, separated by ``-``, ``/`` or ``.``, with or
    without a time.
    """
    try:
        moment = _iso(text) if format is None else datetime.strptime(text, format)
        if moment is None:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return (moment - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, OverflowError):
        return None


def parse_dates(cells: Sequence[str], format: str | None = None) -> list[int] | None:
    """Return dates as `parse_date` does, or None if a cell is not a date."""
    dates = []
    for cell in cells:
        date = parse_date(cell, format)
        if date is None:
            return None
        dates.append(date)
    return dates


def guess_format(cells: Sequence[str]) -> tuple[bool, str | None]:
    """Return whether all cells are dates, and their format (None for year, month, day).

    Cells that fit both day/month/year and month/day/year are not taken for dates.
    """
    if not cells:
        return False, None
    if parse_dates(cells[:1]) is not None:
        return parse_dates(cells) is not None, None
    fitting = fitting_formats(cells)
    return len(fitting) == 1, fitting[0] if len(fitting) == 1 else None


def fitting_formats(cells: Sequence[str]) -> list[str]:
    """Return those of `FORMATS` that fit all cells."""
    first = cells[0] if cells else ""
    if not any(character.isdigit() for character in first) or len(first) > MAX_LENGTH:
        return []
    return [
        form
        for form in FORMATS
        if parse_date(cells[0], form) is not None and parse_dates(cells, form) is not None
    ]


def format_problem(format: str) -> str | None:
    """Return why a format cannot parse dates, or None."""
    now = datetime(2012, 3, 4, 5, 6, 7, tzinfo=UTC)
    if "%" not in format:
        return f"'format' has no directive such as %Y: {format!r}"
    try:
        datetime.strptime(now.strftime(format), format)
    except (ValueError, re.error) as error:
        return f"'format' cannot be parsed: {error}"
    return None


def default_parts(dates: Array) -> tuple[DatePart, ...]:
    """Return the features of some dates (N,): those of the day, and of the time if there is one."""
    times = dates[dates != MISSING] % _DAY
    parts: list[DatePart] = ["year", "month", "day", "weekday", "day_of_year"]
    if times.any():
        parts.append("hour")
    if (times % 3_600_000_000).any():
        parts.append("minute")
    return tuple(parts)


def features_of(dates: Array, parts: Sequence[DatePart]) -> Array:
    """Return the parts of dates (N,) as numbers (N, parts); NaN where a date is missing.

    Weekdays count from 0 (Monday), all others as calendars and clocks do.
    """
    moments = dates.astype("M8[us]")
    days, months, years = (moments.astype(f"M8[{unit}]") for unit in "DMY")
    whole = np.where(dates == MISSING, 0, dates)
    seconds = whole // 1_000_000
    values = {
        "year": years.astype(np.int64) + 1970,
        "month": months.astype(np.int64) % 12 + 1,
        "day": (days - months.astype("M8[D]")).astype(np.int64) + 1,
        "weekday": (whole // _DAY + 3) % 7,
        "day_of_year": (days - years.astype("M8[D]")).astype(np.int64) + 1,
        "hour": seconds // 3600 % 24,
        "minute": seconds // 60 % 60,
        "second": seconds % 60,
    }
    table = np.empty((len(dates), len(parts)))
    for position, part in enumerate(parts):
        table[:, position] = values[part]
    table[dates == MISSING] = np.nan
    return table


def _iso(text: str) -> datetime | None:
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    year, _, month, day, hour, minute, second, fraction, zone = found.groups()
    microsecond = int((fraction or "0").ljust(6, "0")[:6])
    return datetime(
        int(year),
        int(month),
        int(day),
        int(hour or 0),
        int(minute or 0),
        int(second or 0),
        microsecond,
        tzinfo=_zone(zone),
    )


def _zone(text: str | None) -> timezone:
    if text is None or text == "Z":
        return UTC
    sign = -1 if text[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(text[1:3]), minutes=int(text[-2:])))
