"""The samples of an input that one of several processes reads."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from tinynet.dataset import Field
from tinynet.types import Array


def _every(start: int, stop: int) -> bool:
    return True


def _own(value: int) -> int:
    return value


@dataclass(frozen=True)
class Share:
    """The samples that a process reads; it may read others as well.

    Attributes:
        has: Return True if some of the samples from a first to before a last number are read.
        largest: Return the largest value of all processes, for that of this process.
    """

    has: Callable[[int, int], bool] = _every
    largest: Callable[[int], int] = _own

    def after(self, first: int) -> "Share":
        """Return the share of the samples from a number on, which are counted from 0."""
        return replace(self, has=lambda start, stop: self.has(first + start, first + stop))


ALL = Share()
"""The share of a single process."""


def blank_arrays(fields: Mapping[str, Field], samples: int) -> dict[str, Array]:
    """Return arrays of zeros in the place of samples that are not read."""
    return {
        name: np.broadcast_to(np.zeros((), field.dtype), (samples, *field.shape))
        for name, field in fields.items()
    }
