"""Numbers as text for axes, tables and tooltips."""

import math
from collections.abc import Sequence
from itertools import pairwise

_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def number_text(value: float, digits: int = 4) -> str:
    """Return a number with ``digits`` significant digits; whole numbers keep all of theirs."""
    value = float(value) + 0.0  # without the sign of a zero
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    size = abs(value)
    if value.is_integer() and size < 1e15:
        return f"{value:,.0f}"
    if size >= 1e6 or size < 1e-4:
        return scientific(value, digits)
    decimals = max(0, digits - 1 - math.floor(math.log10(size)))
    return f"{value:,.{decimals}f}"


def equal_texts(values: Sequence[float]) -> list[str]:
    """Return numbers with as many decimals as the one that needs most has."""
    texts = [number_text(value) for value in values]
    if any(
        "e" in text or not math.isfinite(value) for text, value in zip(texts, values, strict=True)
    ):
        return texts
    decimals = max((len(text.partition(".")[2].rstrip("0")) for text in texts), default=0)
    return [f"{value + 0.0:,.{decimals}f}" for value in values]


def decimals_of(values: Sequence[float]) -> int | None:
    """Return the decimals that give every number of a column at least three significant digits.

    None if the numbers would be too long, or if all are whole.
    """
    sizes = [abs(value) for value in values if value and math.isfinite(value)]
    if not sizes or all(size.is_integer() for size in sizes):
        return None
    largest, smallest = (math.floor(math.log10(size)) for size in (max(sizes), min(sizes)))
    decimals = max(0, 3 - largest, 2 - smallest)
    return None if max(largest, 0) + decimals > 6 else decimals


def column_texts(values: Sequence[float | None]) -> list[str]:
    """Return the numbers of a column in one format; None is empty."""
    numbers = [float(value) for value in values if value is not None]
    decimals, whole = decimals_of(numbers), all(map(is_whole, numbers))
    return ["" if v is None else column_text(v, decimals, whole) for v in values]


def column_text(value: float, decimals: int | None, whole: bool) -> str:
    """Return a number of a column.

    Args:
        value: The number.
        decimals: Its decimals, from `decimals_of`.
        whole: True if all numbers of the column are whole.
    """
    if decimals is not None and math.isfinite(value):
        return f"{value + 0.0:,.{decimals}f}"
    if not whole and math.isfinite(value) and abs(value) >= 1e6:
        return scientific(value)
    return number_text(value)


def is_whole(value: float) -> bool:
    """Return True for a number without decimals, and for one that is not finite."""
    return not math.isfinite(value) or float(value).is_integer()


def share_text(value: float | None) -> str:
    """Return a share as a percentage with one decimal; nothing for None."""
    if value is None or not math.isfinite(value):
        return "" if value is None else number_text(value)
    return f"{100 * value:.1f}%"


def scientific(value: float, digits: int = 4) -> str:
    """Return a number with an exponent and without padding: ``1.5e-7``."""
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").removesuffix(".")
    return f"{mantissa}e{int(exponent)}"


def tick_texts(ticks: tuple[float, ...]) -> list[str]:
    """Return labels of an axis that agree in decimals and unit."""
    largest = max(map(abs, ticks), default=0.0)
    steps = [b - a for a, b in pairwise(ticks)]
    step = min(steps, default=largest) or 1.0
    if largest >= 1e15 or 0 < step < 1e-4:
        return [scientific(tick, 3) if tick else "0" for tick in ticks]
    if largest >= 1e5:
        size, unit = next((s, u) for s, u in _UNITS if largest >= s)
        decimals = _decimals(step / size)
        return [f"{tick / size:,.{decimals}f}{unit}" if tick else "0" for tick in ticks]
    decimals = _decimals(step)
    return [f"{tick + 0.0:,.{decimals}f}" for tick in ticks]


def log_tick_text(tick: float) -> str:
    """Return the label of a tick of a logarithmic axis."""
    if 1e-3 <= tick < 1e5:
        return f"{tick:,g}"
    return scientific(tick, 2)


def _decimals(step: float) -> int:
    """Return the decimals that write multiples of a step exactly, at most nine."""
    for decimals in range(9):
        scaled = step * 10**decimals
        if abs(scaled - round(scaled)) < 1e-6 * scaled:
            return decimals
    return 9
