"""Workspaces: memory is used again, and does not grow with each shape that came once."""

import numpy as np

from tinynet.kernels.memory import (
    ALIGNMENT,
    CHUNK,
    FIRST_BYTES,
    MOST_GROWTHS,
    MOST_KEPT,
    Workspace,
)


def compute(workspace, *sizes):
    """Return the addresses of the arrays of a pass."""
    arrays = [workspace.empty((size,), np.float32) for size in sizes]
    workspace.reset()
    return [array.ctypes.data for array in arrays]


def test_passes_of_a_few_sizes_use_the_same_memory():
    workspace, sizes = Workspace(), range(1, MOST_GROWTHS)
    first = {size: compute(workspace, size, 64, size) for size in sizes}
    for _ in range(100):
        assert {size: compute(workspace, size, 64, size) for size in sizes} == first


def test_arrays_of_sizes_that_do_not_come_again_are_released():
    """A process that predicts batches of any size would otherwise need memory for each of them."""
    workspace = Workspace()
    (used,) = compute(workspace, 0)
    for size in range(1, 1000):
        assert compute(workspace, size, 0)[1] == used, "memory of every pass is not released"
        assert len(workspace.arrays) <= 2 * MOST_GROWTHS + 1


def test_objects_of_each_owner_are_limited():
    workspace, owners = Workspace(), [object(), object()]
    for size in range(100):
        for owner in owners:
            assert workspace.keep((owner, size), size) == size
    newest = range(100 - MOST_KEPT, 100)
    assert workspace.kept.keys() == {(owner, size) for owner in owners for size in newest}


def test_arrays_of_a_chunk_are_aligned_and_keep_their_values():
    """Otherwise a layer overwrites what another has saved for its backward."""
    workspace = Workspace()
    workspace.empty((FIRST_BYTES,), np.uint8)
    shapes = [(3, 5), (CHUNK // 16,), (), (0, 4), (CHUNK // 8 - 1,), (7,)] * 3
    arrays = [workspace.empty(shape, np.float32) for shape in shapes]
    for number, array in enumerate(arrays):
        array[...] = number
    for number, (shape, array) in enumerate(zip(shapes, arrays, strict=True)):
        assert array.shape == shape
        assert array.flags.c_contiguous
        assert array.ctypes.data % ALIGNMENT == 0
        assert (array == number).all()


def test_a_workspace_hands_out_its_arrays_of_chunks_again():
    """Otherwise every step takes more memory than the one before."""
    workspace = Workspace()
    workspace.empty((FIRST_BYTES,), np.uint8)
    first = workspace.empty((1000,), np.float32)
    workspace.reset()
    assert workspace.empty((1000,), np.float32) is first
