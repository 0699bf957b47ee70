"""Durations as text."""

_LONGEST = 3.6e7
"""Seconds up to which a duration is shown in hours; damaged logs may hold any number."""


def duration(seconds: float) -> str:
    """Return a duration as short text: ``4.4 s``, ``45 s``, ``0:02:05``, ``27:46:40``."""
    if not seconds <= _LONGEST:
        return f"{seconds:.1e} s"
    if round(seconds, 1) < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
