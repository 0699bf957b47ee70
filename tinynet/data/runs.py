"""Runs of consecutive rows of one series, without a row that was left out."""

from collections.abc import Callable
from functools import partial

import numpy as np

from tinynet.data.columns import group_codes, is_missing, sort_keys
from tinynet.data.splits import POINTER
from tinynet.dataset import Dataset, LeavesOutRows
from tinynet.spec.data_spec import Order, SortedOrder
from tinynet.text.plugin_errors import PluginErrors
from tinynet.types import Array

_MAX_NAMES = 5
"""Series that a warning names."""


def runs_of(samples: Array, codes: Array | None, steps: Array | None) -> tuple[Array, Array]:
    """Return samples with those of each series side by side, and the length of each run of them.

    Args:
        samples: The samples, in order.
        codes: The series of each sample of the dataset; None for a single one.
        steps: The step of each sample of the dataset, see `source_steps`; None without gaps.
    """
    if not len(samples):
        return samples, np.array([], np.int64)
    is_end = np.zeros(len(samples) - 1, bool)
    if codes is not None:
        samples = samples[np.argsort(codes[samples], kind="stable")]
        is_end |= np.diff(codes[samples]) != 0
    if steps is not None:
        is_end |= np.diff(steps[samples]) != 1
    ends = np.concatenate([np.flatnonzero(is_end) + 1, [len(samples)]])
    return samples, np.diff(ends, prepend=0)


def source_steps(rows: int, keys: Array | None, series: Array | None, sort: "Sort") -> Array:
    """Return consecutive numbers of the rows of each series in their order, (rows,).

    Rows without a key, or without a series, have -1: their place is unknown.

    Args:
        rows: The number of rows of the source, also of those that are left out.
        keys: The column that sorts the rows; None if they are in order.
        series: The column that names the series of each row; None for a single one.
        sort: Turns some keys into values that can be sorted.
    """
    known = np.ones(rows, bool)
    for values in (keys, series):
        if values is not None:
            known &= ~is_missing(values)
    order = np.flatnonzero(known)
    if keys is not None:
        order = order[np.argsort(sort(keys[order]), kind="stable")]
    if series is not None:
        order = order[np.argsort(group_codes(series[order]), kind="stable")]
    steps = np.full(rows, -1)
    steps[order] = np.arange(len(order))
    return steps


Sort = Callable[[Array], Array]


def sample_steps(
    dataset: Dataset, by: str | None, order: Order | None, pointer: str = POINTER
) -> Array | None:
    """Return the step of each sample (N,), see `source_steps`; None if no row is left out."""
    if not isinstance(dataset, LeavesOutRows) or len(dataset) == dataset.source_rows:
        return None
    key = order.by if isinstance(order, SortedOrder) else None
    with PluginErrors(dataset, "source_values raised", pointer):
        keys, series = (None if name is None else dataset.source_values(name) for name in (key, by))
    rows = dataset.row_numbers
    sort = partial(
        sort_keys, name=key or "", key="data.split.order.by", where=lambda row: f"row {row}"
    )
    return source_steps(dataset.source_rows, keys, series, sort)[rows]


def short_series(names: Array, codes: Array, lengths: Array, windows: Array) -> str:
    """Describe the series without a window, by their names and lengths; empty if there is none.

    Args:
        names: The name of the series of each run, (R,).
        codes: The number of the series of each run, (R,).
        lengths: The samples of each run, (R,).
        windows: The windows of each run, (R,).
    """
    series, first, own = np.unique(codes, return_index=True, return_inverse=True)
    short = np.flatnonzero(np.bincount(own, weights=windows) == 0)
    if not len(short):
        return ""
    samples = np.bincount(own, weights=lengths).astype(int)
    shown = [f"{str(names[first[i]])!r} ({samples[i]:,})" for i in short[:_MAX_NAMES].tolist()]
    more = f" and {len(short) - len(shown):,} more" if len(short) > len(shown) else ""
    return (
        f"{len(short):,} of {len(series):,} series are too short for a window, so they are left"
        f" out: {', '.join(shown)}{more} (with their numbers of samples)"
    )
