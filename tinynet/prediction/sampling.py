"""The choice of the next value of a generated text."""

import math
from dataclasses import dataclass
from numbers import Real
from operator import index
from typing import Any

import numpy as np

from tinynet.errors import UsageError
from tinynet.kernels.random import derive
from tinynet.types import Array


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """The distribution that values are drawn from, and the random numbers of the draws.

    Each draw has a random stream of its own, which follows from the seed, the number of the text
    and the position in it. The order of the restrictions is temperature, `top_k`, `top_p`.

    Attributes:
        temperature: The probabilities to the power of 1 / temperature are drawn from; 0 takes the
            most probable value.
        top_k: Only the `top_k` most probable values are drawn; None for all.
        top_p: Only the most probable values are drawn that together have at least this
            probability; None for all. Holtzman et al., "The Curious Case of Neural Text
            Degeneration", 2020.
        seed: The seed.
        number: Number of the text; texts of one seed with other numbers are independent.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    seed: int = 0
    number: int = 0

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            UsageError: listing those that cannot be used.
        """
        faults = []
        if not 0 <= _as_float(self.temperature) < math.inf:
            faults.append(f"temperature={self.temperature!r} must be a number of at least 0")
        if self.top_k is not None and not is_integer(self.top_k, 1):
            faults.append(f"top_k={self.top_k!r} must be an integer of at least 1, or None")
        if self.top_p is not None and not 0 < _as_float(self.top_p) <= 1:
            faults.append(f"top_p={self.top_p!r} must be above 0 and at most 1, or None")
        for name in ("seed", "number"):
            if not is_integer(getattr(self, name), 0):
                faults.append(f"{name}={getattr(self, name)!r} must be an integer of at least 0")
        if faults:
            raise UsageError("\n  ".join(faults))

    def choose(self, probabilities: Array, position: int) -> int:
        """Return the index of a value.

        Args:
            probabilities: Of each value, (V,); at least one is positive. They may have any sum.
            position: The position of the value in the text, from 0.
        """
        if self.temperature == 0:
            return int(np.argmax(probabilities))
        # A stable sort: of equal probabilities the first value comes first, as in argmax.
        order = np.argsort(-probabilities, kind="stable")[: self.top_k]
        # Logits of -infinity, and quotients by a tiny temperature, are right: their weights are 0.
        with np.errstate(all="ignore"):
            logits = np.log(probabilities[order].astype(np.float64))
            weights = np.exp((logits - logits[0]) / float(self.temperature))
        sums = np.cumsum(weights)
        if self.top_p is not None:
            count = int(np.searchsorted(sums, float(self.top_p) * sums[-1])) + 1
            sums = sums[:count]
        # Integers of NumPy would have other streams.
        draw = derive("generate", index(self.seed), index(self.number), position).random()
        place = np.searchsorted(sums, draw * sums[-1], side="right")
        return int(order[min(place, np.count_nonzero(weights[: len(sums)]) - 1)])


def _as_float(value: Any) -> float:
    """Return a real number as a float, perhaps infinity, and NaN for anything else."""
    if not isinstance(value, Real) or isinstance(value, bool):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf


def is_integer(value: Any, least: int) -> bool:
    """Return True for an integer, one of NumPy included, that is at least ``least``."""
    try:
        return not isinstance(value, bool | np.bool_) and index(value) >= least
    except TypeError:
        return False
