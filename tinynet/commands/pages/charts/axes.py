"""Scales, ticks, and the frame of a chart."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from tinynet.commands.pages.charts.numbers import log_tick_text, tick_texts
from tinynet.commands.pages.charts.svg import line, text, text_width

LARGEST = 1e300
"""Largest value that is drawn, so that differences do not overflow."""


@dataclass(frozen=True)
class Scale:
    """A map from values to pixels, with ticks."""

    low: float
    high: float
    ticks: tuple[float, ...]
    log: bool = False
    start: float = 0.0  # the pixel of `low`
    end: float = 1.0  # the pixel of `high`

    def __call__(self, value: float) -> float:
        low, high = self.low, self.high
        if self.log:
            low, high, value = math.log10(low), math.log10(high), math.log10(max(value, self.low))
        share = (value - low) / (high - low)
        return self.start + min(max(share, -0.02), 1.02) * (self.end - self.start)

    def to(self, start: float, end: float) -> "Scale":
        """Return the scale for other pixels."""
        return Scale(self.low, self.high, self.ticks, self.log, start, end)

    def texts(self) -> list[str]:
        """Return the labels of the ticks."""
        return [log_tick_text(t) for t in self.ticks] if self.log else tick_texts(self.ticks)


def drawable(value: float) -> bool:
    """Return True for a value that a chart can place."""
    return abs(value) <= LARGEST  # False for NaN


def scale_of(
    values: Iterable[float],
    *,
    log: bool = False,
    integers: bool = False,
    tight: bool = False,
    limits: tuple[float, float] | None = None,
    count: int = 5,
) -> Scale:
    """Return the scale that holds values.

    Args:
        values: The values; those that are not finite are ignored.
        log: Return a logarithmic scale, unless a value is not positive.
        integers: Place ticks at whole numbers only.
        tight: End at the extreme values instead of the next ticks.
        limits: The ends of the scale, instead of those of the values.
        count: About as many ticks.
    """
    if limits is not None:
        values, tight = limits, True
    finite = [float(v) if abs(v) > 1 / LARGEST else 0.0 for v in values if drawable(v)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    if log and low > 0:
        return _log_scale(low, high)
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        pad = 0.5 if integers else abs(low) * 0.1 or 1.0
        low, high = low - pad, high + pad
    step = _step((high - low) / count)
    if integers:
        step = max(step, 1.0)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    if not tight:
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        low, high = min(low, first * step), max(high, last * step)
    return Scale(low, high, tuple(n * step for n in range(first, last + 1)))


def _step(size: float) -> float:
    """Return the smallest of 1, 2, 5 times a power of ten that is at least ``size``."""
    power = 10.0 ** max(math.floor(math.log10(size)), -300)
    return next((n * power for n in (1, 2, 5, 10) if n * power >= size * (1 - 1e-9)), 10 * power)


def _log_scale(low: float, high: float) -> Scale:
    if high / low < 1.5:
        low, high = low / 1.5, high * 1.5
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    first, last = max(first, -307), min(last, 300)
    powers = [10.0**n for n in range(first, last + 1)]
    inside = [p for p in powers if low <= p <= high]
    if len(inside) < 2:
        inside = [n * p for p in powers for n in (1, 2, 5) if low <= n * p <= high]
    every = -(-len(inside) // 6)
    return Scale(low, high, tuple(inside[::every]), log=True)


@dataclass(frozen=True)
class Frame:
    """The drawing area of a chart with its two scales in pixels."""

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    x: Scale
    y: Scale
    elements: tuple[str, ...]  # grid lines, ticks and labels


def frame_of(
    x: Scale,
    y: Scale,
    *,
    width: float,
    height: float,
    x_label: str = "",
    y_label: str = "",
    headroom: float = 0.0,
) -> Frame:
    """Return the frame of a chart: its axes drawn, and its scales in pixels.

    Args:
        x: The horizontal scale.
        y: The vertical scale.
        width: The width of the chart in pixels.
        height: Its height.
        x_label: The name of the horizontal axis.
        y_label: The name of the vertical axis.
        headroom: The space above the drawing area, besides that of its label.
    """
    x_texts, y_texts = x.texts(), y.texts()
    left = 8 + max(map(text_width, y_texts), default=0)
    right = width - 6 - (text_width(x_texts[-1]) / 2 if x_texts else 0)
    top, bottom = headroom + (24.0 if y_label else 8.0), height - (36.0 if x_label else 20.0)
    x, y = x.to(left, right), y.to(bottom, top)
    parts = []
    for tick, label in zip(y.ticks, y_texts, strict=True):
        parts.append(line(left, y(tick), right, y(tick), "grid"))
        parts.append(text(left - 6, y(tick) + 3.5, label, "end"))
    parts.append(line(left, bottom, right, bottom, "axis"))
    every = _every(x_texts, right - left)
    for tick, label in list(zip(x.ticks, x_texts, strict=True))[::every]:
        parts.append(line(x(tick), bottom, x(tick), bottom + 4, "axis"))
        parts.append(text(x(tick), bottom + 15, label, "middle"))
    if x_label:
        parts.append(text(right, bottom + 31, x_label, "end", "label"))
    if y_label:
        parts.append(text(0, 11, y_label, "start", "label"))
    return Frame(width, height, left, right, top, bottom, x, y, tuple(parts))


def _every(texts: list[str], width: float) -> int:
    """Return n so that every n-th label fits."""
    needed = sum(text_width(label) + 12 for label in texts)
    return max(1, math.ceil(needed / max(width, 1)))
