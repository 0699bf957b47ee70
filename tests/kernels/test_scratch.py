"""Temporary arrays that share memory by mistake would silently change results."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from tinynet.kernels.scratch import scratch


def test_arrays_of_one_kernel_share_no_memory():
    empty = scratch()
    first, second = empty((3, 4), np.float32), empty((5,), np.float64)
    assert not np.shares_memory(first, second)


def test_the_next_kernel_uses_the_memory_again():
    """Otherwise a step would allocate large arrays, and each would be written to slow memory."""
    first = scratch()((3, 4), np.float32)
    assert np.shares_memory(first, scratch()((2, 2), np.float64))


def test_each_thread_has_its_own_memory():
    mine = scratch()((3, 4), np.float32)
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(lambda: scratch()((3, 4), np.float32)).result()
    assert not np.shares_memory(mine, other)
