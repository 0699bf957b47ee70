"""Orders of an epoch: permutations that are the same in whatever parts they are computed."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.data.bijection import Bijection
from tinynet.data.order import BlockOrder, Shuffle, WindowedBlocks
from tinynet.kernels.random import derive

SIZES = st.integers(1, 200)


@given(SIZES, st.integers(0, 2**32))
def test_a_bijection_is_a_permutation_with_its_inverse(size, key):
    bijection, numbers = Bijection(size, "test", key), np.arange(size)
    permuted = bijection(numbers)
    np.testing.assert_array_equal(np.sort(permuted), numbers)
    np.testing.assert_array_equal(bijection.inverse(permuted), numbers)
    np.testing.assert_array_equal(bijection(numbers[::-2]), permuted[::-2])


def test_a_bijection_depends_on_its_key_and_never_changes():
    numbers = np.arange(10)
    assert Bijection(10, "a", 1)(numbers).tolist() == [6, 4, 8, 2, 1, 0, 5, 3, 7, 9]
    large = Bijection(10**12, "a", 1)(numbers[:3])
    assert large.tolist() == [574358563015, 616695087433, 31691731731]
    permutations = {tuple(Bijection(10, "a", key)(numbers)) for key in range(50)}
    assert len(permutations) == 50


def test_a_bijection_moves_each_number_anywhere():
    """The chance of each place is the same: chi-squared with 399 degrees of freedom."""
    counts = np.zeros((20, 20))
    for key in range(2000):
        counts[np.arange(20), Bijection(20, key)(np.arange(20))] += 1
    chi_squared = ((counts - 100) ** 2 / 100).sum()
    assert 361 - 5 * 27 < chi_squared < 361 + 5 * 27, "(20 - 1)^2, and 5 standard deviations"


@settings(max_examples=40)
@given(SIZES, st.integers(1, 40), st.integers(1, 9), st.integers(0, 2**32))
def test_blocks_in_windows_are_a_permutation(size, block, window, key):
    order = WindowedBlocks(size, block, window, "order", key)
    np.testing.assert_array_equal(np.sort(order.positions(0, size)), np.arange(size))


@given(
    SIZES,
    st.integers(1, 40),
    st.integers(1, 9),
    st.lists(st.integers(0, 200), min_size=2, max_size=2),
)
def test_any_slice_is_that_of_the_whole(size, block, window, bounds):
    """So a resumed run goes through the samples of an uninterrupted one."""
    order, (start, stop) = WindowedBlocks(size, block, window, "order", 3), sorted(bounds)
    whole = order.positions(0, size)
    np.testing.assert_array_equal(order.positions(start, stop), whole[start:stop])


@given(SIZES, st.integers(1, 40), st.integers(0, 2**32))
def test_blocks_keep_their_rows_together(size, block, key):
    rows = BlockOrder(size, block, key).positions(0, size)
    np.testing.assert_array_equal(np.sort(rows), np.arange(size))
    starts = np.flatnonzero(np.append(-1, rows[:-1]) // block != rows // block)
    assert len(starts) == -(-size // block), "each block is in one place"
    inside = np.setdiff1d(np.arange(size), starts)
    np.testing.assert_array_equal(rows[inside], rows[inside - 1] + 1)


@pytest.mark.parametrize("size", [1000, 1003])
def test_a_window_has_the_rows_of_few_blocks(size):
    """The reads of consecutive steps fall into ``window`` blocks."""
    rows = WindowedBlocks(size, 10, 5, "order", 0).positions(0, size)
    blocks = [len(np.unique(rows[start : start + 43] // 10)) for start in range(0, 900, 50)]
    assert max(blocks) <= 10, "of two windows where the last block is in an earlier one"
    first = rows[:40]
    assert (np.diff(first) == 1).mean() < 0.2, "and they are shuffled within it"


def test_neither_the_number_of_rows_nor_the_place_costs_memory():
    size = 10**15
    order = WindowedBlocks(size, 256, 64, "order", 0, 0)
    tracemalloc.start()
    for start in (0, size // 2, size - 100):
        rows = order.positions(start, start + 100)
        assert len(np.unique(rows)) == 100
        assert rows.min() >= 0
        assert rows.max() < size
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_epochs_differ():
    first, second = (WindowedBlocks(100, 4, 3, "order", 0, epoch) for epoch in (0, 1))
    assert (first.positions(0, 100) != second.positions(0, 100)).any()


def test_the_shuffle_is_that_of_earlier_versions():
    expected = derive("order", 7, 2).permutation(50)
    np.testing.assert_array_equal(Shuffle(50, "order", 7, 2).positions(10, 30), expected[10:30])


@settings(max_examples=40)
@given(SIZES, st.integers(1, 40), st.integers(1, 9), st.integers(5, 50))
def test_every_window_is_read_ahead_before_it_begins(size, block, window, batch):
    order = WindowedBlocks(size, block, window, "order", 1)
    first, end = order._blocks.window(0, window)
    announced = set(order.positions(first, end).tolist())
    for start in range(0, size, batch):
        rows = order.positions(start, start + batch)
        inside = rows[: max(0, end - start)]
        assert announced.issuperset(inside.tolist())
        announced.update(order.upcoming(start, start + batch).tolist())
        if start + batch >= end < size:
            first, end = order._blocks.window(end, window)
            assert announced.issuperset(order.positions(first, end).tolist())
