"""Temporary arrays that share memory by mistake would silently change results."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tinynet.kernels import scratch as scratch_module
from tinynet.kernels.memory import ALIGNMENT
from tinynet.kernels.scratch import LARGEST, scratch


def test_arrays_in_use_share_no_memory():
    """A handler of a signal may predict while its thread is in a kernel."""
    first, second = scratch((3, 4), np.float32), scratch((5,), np.float64)
    part = first[1:, 1:]
    del first
    assert not np.shares_memory(part, second)
    assert not np.shares_memory(part, scratch((3, 4), np.float32))


@pytest.mark.parametrize("shape", [(3, 4), (1, 0), ()])
def test_arrays_are_aligned(shape):
    array = scratch(shape, np.float32)
    assert array.shape == shape
    assert array.size == 0 or array.ctypes.data % ALIGNMENT == 0


def test_the_next_kernel_uses_the_memory_again():
    """Otherwise a step would allocate large arrays, and each would be written to slow memory."""
    address = scratch((3, 4), np.float32).ctypes.data
    assert scratch((2, 2), np.float64).ctypes.data == address


def test_the_memory_of_very_large_arrays_is_released():
    """It would be that of the thread until its end."""
    scratch((LARGEST + 1,), np.uint8)
    assert all(buffer.size <= LARGEST for buffer in scratch_module._BUFFERS._buffers)


def test_each_thread_has_its_own_memory():
    mine = scratch((3, 4), np.float32)
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(lambda: scratch((3, 4), np.float32)).result()
    assert not np.shares_memory(mine, other)
