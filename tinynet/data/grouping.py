"""Splits by columns: groups of samples that stay together, and samples sorted before the split."""

from collections.abc import Sequence

import numpy as np
from xxhash import xxh3_128

from tinynet.data.columns import group_codes, read_column, sorted_positions
from tinynet.data.indices import Indices
from tinynet.data.splits import SplitName, in_order, split_sizes
from tinynet.dataset import Dataset
from tinynet.errors import DataError
from tinynet.kernels.random import derive
from tinynet.spec.data_spec import DataSpec, SortedOrder
from tinynet.types import Array


def split_by_columns(
    dataset: Dataset, spec: DataSpec, seed: int
) -> tuple[dict[SplitName, Indices], str]:
    """Return the indices of each split, and a fingerprint of the columns that decide them.

    The indices of a random split are ascending. Those of an ordered split are in its order, with
    the samples of a group side by side.

    Raises:
        SpecError: for a part of a split that has its own dataset.
        DataError: for unusable columns, too few groups, and splits without samples.
    """
    split, total = spec.split, len(dataset)
    val, test, gap = split_sizes(spec, total)
    order = np.arange(total)
    if isinstance(split.order, SortedOrder):
        order = sorted_positions(dataset, split.order.by, "data.split.order.by")
    if split.by is None:
        parts = in_order(total, val, test, gap)
        return {name: order[np.asarray(part)] for name, part in parts.items()}, _digest(order)
    codes = group_codes(read_column(dataset, split.by, "data.split.by"))
    fingerprint = _digest(order, codes)
    _require_groups(split.by, int(codes.max()) + 1, [val, test])
    if split.order is None:
        own_seed = seed if split.seed is None else split.seed
        return _choose_groups(codes, val, test, own_seed), fingerprint
    return _groups_in_order(order, codes, val, test, gap), fingerprint


def _digest(*arrays: Array) -> str:
    digest = xxh3_128()
    for array in arrays:
        digest.update(np.ascontiguousarray(array, "<i8").data)
    return digest.hexdigest()


def _require_groups(column: str, groups: int, held_out: Sequence[int]) -> None:
    needed = 1 + sum(count > 0 for count in held_out)
    if groups < needed:
        have = "1 value" if groups == 1 else f"{groups} different values"
        raise DataError(
            f"data.split.by names the column {column!r}, which has only {have}, but there are"
            f" {needed} splits with samples; name another column, or set data.split.validation or"
            " data.split.test to 0"
        )


def _choose_groups(codes: Array, val: int, test: int, seed: int) -> dict[SplitName, Indices]:
    """Return random splits of whole groups that approach the sizes ``val`` and ``test``."""
    sizes = np.bincount(codes)
    left: list[int] = derive("split", seed).permutation(len(sizes)).tolist()
    part = np.zeros(len(sizes), np.int8)
    for number, target in ((1, val), (2, test)):
        others = 1 + (number == 1 and test > 0)  # splits that need a group after this one
        chosen = _fill(left, sizes, target, len(left) - others) if target else []
        part[chosen] = number
        left = [group for group in left if not part[group]]
    own = part[codes]
    return {
        "train": np.flatnonzero(own == 0),
        "val": np.flatnonzero(own == 1),
        "test": np.flatnonzero(own == 2),
    }


def _fill(groups: Sequence[int], sizes: Array, target: int, most: int) -> list[int]:
    """Return 1 to ``most`` of some groups with about ``target`` samples, the first that fit.

    After all groups that fit, the smallest other one is added if that brings the size nearer.
    """
    room = target
    chosen: list[int] = []
    for group in groups:
        if len(chosen) < most and sizes[group] <= room:
            chosen.append(group)
            room -= int(sizes[group])
    if len(chosen) < most:
        taken = set(chosen)
        smallest = min((g for g in groups if g not in taken), key=lambda group: int(sizes[group]))
        if not chosen or sizes[smallest] < 2 * room:
            chosen.append(smallest)
    return chosen


def _groups_in_order(
    order: Array, codes: Array, val: int, test: int, gap: int
) -> dict[SplitName, Indices]:
    """Return splits of whole groups, which follow each other by their first samples in order."""
    own = group_codes(codes[order])
    order = order[np.argsort(own, kind="stable")]
    starts = np.concatenate([[0], np.cumsum(np.bincount(own))])  # of the groups, and the end
    groups = len(starts) - 1
    first_test = _nearest(starts, len(order) - test, 1 + (val > 0), groups) if test else groups
    test_start = int(starts[first_test])
    val_stop = val_start = test_start - (gap if test else 0)
    if val:
        val_start = int(starts[_nearest(starts, val_stop - val, 1, first_test)])
    train_stop = val_start - (gap if val else 0)
    if train_stop <= 0 or (val and val_stop <= val_start):
        split = "training" if train_stop <= 0 else "validation"
        raise DataError(
            f"no sample is left for {split}: data.split.by keeps {groups:,} groups of"
            f" {len(order):,} samples whole, and data.split.gap={gap} leaves out as many as a"
            " group has; reduce the gap"
        )
    return {
        "train": order[:train_stop],
        "val": order[val_start:val_stop],
        "test": order[test_start:],
    }


def _nearest(starts: Array, goal: int, least: int, end: int) -> int:
    """Return the index in ``least`` to ``end`` - 1 of the start nearest to a goal."""
    return least + int(np.argmin(np.abs(starts[least:end] - goal)))
