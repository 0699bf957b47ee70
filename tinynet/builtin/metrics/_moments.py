"""Means and squared deviations of a split, merged without loss of digits."""

import numpy as np

from tinynet.metric import State
from tinynet.types import Array, Shape


def start_moments(shape: Shape) -> State:
    """Return the state of no values of ``shape``: count, mean and sum of squared deviations."""
    return {
        "count": np.zeros((), np.int64),
        "mean": np.zeros(shape, np.float64),
        "deviation": np.zeros(shape, np.float64),
    }


def moments(values: Array) -> State:
    """Return the state of the values (N, *shape) in float64, for N of at least 1."""
    # Distances from the first value: those of a value that never varies are exactly 0.
    distances = values - values[0]
    mean = distances.mean(axis=0)
    return {
        "count": np.array(len(values)),
        "mean": values[0] + mean,
        "deviation": np.square(distances - mean).sum(axis=0),
    }


def merge_moments(state: State, other: State) -> None:
    """Add the values counted in ``other`` to ``state``, in place.

    Means and squared deviations are merged, so that a large offset of the values does not cancel
    digits: Chan, Golub and LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing
    Sample Variances", 1979.
    """
    count = state["count"] + other["count"]
    if not count:
        return
    share = other["count"] / count
    distance = other["mean"] - state["mean"]
    state["deviation"] += other["deviation"] + distance**2 * share * state["count"]
    state["mean"] += distance * share
    state["count"] += other["count"]
