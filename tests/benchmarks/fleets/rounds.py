"""Alternating sides in rounds: A B, B A, ..., and the ratios within each round."""

import os
from collections.abc import Callable, Mapping
from statistics import median

from versus.quiet import QUIET, Watch
from versus.report import amount
from versus.results import quartiles

MOST_ROUNDS = 3
"""Most rounds for each requested one, if other processes compute meanwhile."""

Times = dict[str, list[float]]


class Rounds:
    """The measurements of several sides, one of each side in a round.

    Attributes:
        others: Cores that other processes kept busy in the worst round that counts.
    """

    def __init__(self, wanted: int, pids: list[int]) -> None:
        """Start to watch the load by other processes.

        Args:
            wanted: Number of rounds; those in which other processes compute are repeated.
            pids: The processes of the benchmark, besides this one.
        """
        self._wanted, self._watch = wanted, Watch([pid for pid in pids if pid != os.getpid()])
        self._rounds: list[tuple[float, dict[str, float]]] = []
        self._quiet = 0

    @property
    def complete(self) -> bool:
        """True if there are enough quiet rounds, or too many have been disturbed."""
        return self._quiet >= self._wanted or len(self._rounds) >= MOST_ROUNDS * self._wanted

    @property
    def backward(self) -> bool:
        """True if the sides of the next round run in reverse order.

        A machine that slows down affects all sides alike so.
        """
        return len(self._rounds) % 2 == 1

    def add(self, figures: Mapping[str, float]) -> None:
        """Add the figures of a round."""
        others = self._watch.others()
        self._rounds.append((others, dict(figures)))
        self._quiet += others <= QUIET

    def _best(self) -> list[tuple[float, dict[str, float]]]:
        return sorted(self._rounds, key=lambda made: made[0])[: self._wanted]

    @property
    def others(self) -> float:
        return max((others for others, _ in self._best()), default=0.0)

    def figures(self) -> Times:
        """Return the figures of the quietest rounds, by side; equal indices are one round."""
        best = [figures for _, figures in self._best()]
        return {name: [figures[name] for figures in best] for name in best[0]}


def ratios(times: Times, ours: str, theirs: str) -> list[float]:
    """Return ours divided by theirs, round by round."""
    return [a / b for a, b in zip(times[ours], times[theirs], strict=True)]


def spread(values: list[float], text: Callable[[float], str] = "{:.2f}".format) -> str:
    """Format the median with the quartiles."""
    low, high = quartiles(values)
    return f"{text(median(values))} ({text(low)} - {text(high)})"


def seconds(value: float) -> str:
    """Format a time."""
    return amount(value, "s")


def disturbance(others: float) -> str:
    """Return a remark if other processes computed, else an empty text."""
    return f" (others kept {others:.1f} cores busy)" if others > QUIET else ""
