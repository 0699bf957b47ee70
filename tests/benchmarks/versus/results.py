"""The results of a comparison, as plain data."""

from dataclasses import dataclass, field
from statistics import median, quantiles


@dataclass(frozen=True)
class Verdict:
    """A figure and its goal.

    Attributes:
        what: The measured case.
        side: The measured side.
        measure: The kind of figure, such as a ratio to a peer.
        values: The figure of each pair; their median counts.
        unit: The unit for reports.
        goal: The limit of the median; None without a goal.
        at_least: True if the goal is a minimum, not a maximum.
        row: The title of the row in the table of goals; empty if it has none.
    """

    what: str
    side: str
    measure: str
    values: list[float]
    unit: str = ""
    goal: float | None = None
    at_least: bool = False
    row: str = ""

    @property
    def median(self) -> float:
        return median(self.values)

    @property
    def spread(self) -> tuple[float, float]:
        """The first and third quartiles."""
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
        unit: The unit of the values: ``s`` or ``bytes``.
        values: One value for each round, by side; equal indices are the same round.
        skipped: The reason of each skipped side.
        verdicts: Figures and their goals.
        others: Cores that other processes kept busy in the worst round.
    """

    title: str
    unit: str = "s"
    values: dict[str, list[float]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    verdicts: list[Verdict] = field(default_factory=list)
    others: float = 0.0

    def drop_skipped(self) -> None:
        """Remove the values of sides that were skipped later."""
        self.values = {n: v for n, v in self.values.items() if n not in self.skipped}

    def medians(self) -> dict[str, float]:
        return {side: median(values) for side, values in self.values.items() if values}

    def ratios(self, ours: str, theirs: str) -> list[float]:
        """Return ours divided by theirs, pair by pair: below 1, ours is faster or smaller."""
        return [a / b for a, b in zip(self.values[ours], self.values[theirs], strict=True)]

    def least(self, sides: tuple[str, ...]) -> str | None:
        """Return the side with the lowest value; None if no side took part."""
        medians = self.medians()
        there = [side for side in sides if side in medians]
        return min(there, key=medians.__getitem__, default=None)


def quartiles(values: list[float]) -> tuple[float, float]:
    """Return the first and the third quartile."""
    if len(values) == 1:
        return values[0], values[0]
    first, _, third = quantiles(values, n=4, method="inclusive")
    return first, third
