"""Bars and curves of characters, for terminals."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Characters:
    """The characters of bars and curves.

    Attributes:
        levels: Those of a curve, from the lowest to the highest.
        done: The part of a bar that is done.
        left: The other part.
    """

    levels: str
    done: str
    left: str


UNICODE = Characters("▁▂▃▄▅▆▇█", "━", "─")
ASCII = Characters("_.-=*#", "#", "-")
"""For terminals that cannot show others."""

_WIDE_RANGE = 20.0
"""The ratio of the largest and the smallest value from which a curve is logarithmic."""


def characters(encoding: str | None) -> Characters:
    """Return the characters that a stream of an encoding can have."""
    try:
        f"{UNICODE.levels}{UNICODE.done}{UNICODE.left}".encode(encoding or "ascii")
    except (UnicodeError, LookupError):
        return ASCII
    return UNICODE


def bar(share: float, width: int, using: Characters) -> str:
    """Return a bar of a width whose share is done."""
    done = round(min(max(share, 0.0), 1.0) * width)
    return using.done * done + using.left * (width - done)


def curve(values: Sequence[float | None], width: int, using: Characters) -> str:
    """Return a curve of at most a width; values that are None or not finite are left out.

    It is logarithmic if the values are positive and of very different sizes, as losses may be.
    """
    finite = [value for value in values if value is not None and math.isfinite(value)]
    points = _means(finite, width)
    if not points:
        return ""
    if min(points) > 0 and max(points) / min(points) > _WIDE_RANGE:
        points = [math.log(point) for point in points]
    low, high = min(points), max(points)
    top = len(using.levels) - 1
    if high == low:
        return using.levels[0] * len(points)
    return "".join(using.levels[round((point - low) / (high - low) * top)] for point in points)


def _means(values: Sequence[float], count: int) -> list[float]:
    """Return at most `count` values: means of neighbors, if there are more."""
    if count <= 0:
        return []
    if len(values) <= count:
        return [*values]
    edges = [index * len(values) // count for index in range(count + 1)]
    return [math.fsum(values[start:end]) / (end - start) for start, end in pairwise(edges)]
