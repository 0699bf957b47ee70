"""Time zones of columns, whose times are in UTC in a `RawTable`."""

from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np


def zone_of(values: Any) -> tzinfo | None:
    """Return the time zone of a column of times, of whatever library; None without one."""
    kind = getattr(values, "dtype", getattr(values, "type", None))
    zone = getattr(kind, "tz", None) or getattr(kind, "time_zone", None)
    if isinstance(zone, str):
        return _zone_named(zone)
    if zone is None and isinstance(values, list | tuple | np.ndarray):
        first = next((value for value in values if isinstance(value, datetime)), None)
        zone = None if first is None else first.tzinfo
    return zone if isinstance(zone, tzinfo) else None


def _zone_named(name: str) -> tzinfo:
    """Return a zone by its name or offset (``+02:00``); UTC if the system does not know it."""
    try:
        if name[:1] in ("+", "-"):
            return datetime.strptime(name, "%z").tzinfo or UTC
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def in_zone(times: Iterable[Any], zone: tzinfo) -> list[datetime | None]:
    """Return times (datetime64 in UTC) in a zone; None for NaT."""
    moments = (None if np.isnat(time) else time.item() for time in times)
    return [moment and moment.replace(tzinfo=UTC).astimezone(zone) for moment in moments]
