"""The results of a comparison, as plain data."""

from dataclasses import dataclass, field
from statistics import median, quantiles


@dataclass(frozen=True)
class Verdict:
    """A figure beside its goal.

    Attributes:
        what: What it is about.
        side: Whose figure it is.
        measure: How it was made.
        values: The figure of each pair; the median counts.
        unit: What follows it in print.
        goal: What it must not pass; None where nothing was set.
        at_least: Whether the goal is the least, not the most.
    """

    what: str
    side: str
    measure: str
    values: list[float]
    unit: str = ""
    goal: float | None = None
    at_least: bool = False

    @property
    def median(self) -> float:
        return median(self.values)

    @property
    def spread(self) -> tuple[float, float]:
        """The quartiles."""
        return quartiles(self.values)

    @property
    def met(self) -> bool | None:
        if self.goal is None:
            return None
        return self.median >= self.goal if self.at_least else self.median <= self.goal


@dataclass
class Result:
    """The result of one case.

    Attributes:
        title: The case.
        unit: Of the values: ``s`` or ``bytes``.
        values: By side, one for each round; the rounds of all sides belong together.
        skipped: Why a side took no part.
        verdicts: The goals.
        others: Cores that other processes kept busy in the worst of the rounds.
    """

    title: str
    unit: str = "s"
    values: dict[str, list[float]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    verdicts: list[Verdict] = field(default_factory=list)
    others: float = 0.0

    def medians(self) -> dict[str, float]:
        return {side: median(values) for side, values in self.values.items() if values}

    def ratios(self, ours: str, theirs: str) -> list[float]:
        """Ours by theirs, pair by pair: below 1, ours is faster, or takes less."""
        return [a / b for a, b in zip(self.values[ours], self.values[theirs], strict=True)]

    def least(self, sides: tuple[str, ...]) -> str | None:
        """Return the side with the lowest value; None if no side took part."""
        medians = self.medians()
        there = [side for side in sides if side in medians]
        return min(there, key=medians.__getitem__, default=None)


def quartiles(values: list[float]) -> tuple[float, float]:
    """The first and the third."""
    if len(values) == 1:
        return values[0], values[0]
    first, _, third = quantiles(values, n=4, method="inclusive")
    return first, third
