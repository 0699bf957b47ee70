"""The same inputs give the same bits: a resumed run is the run that was interrupted."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from tinynet_native import NativeKernels

from tinynet.kernels import Window
from tinynet.kernels.numpy import NumpyKernels

KERNELS = NativeKernels()
SAME = Window((3, 3), padding=((1, 1), (1, 1)))
RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.normal(size=shape).astype("float32")


X, WEIGHT, DY = normal(9, 12, 13, 5), normal(3, 3, 5, 20), normal(9, 12, 13, 20)
DENSE = normal(5, 37)
GAMMA = normal(5)


def shifted(array, offset):
    """Return a copy that starts ``offset`` elements after the start of a cache line."""
    raw = np.empty(array.size + 32, array.dtype)
    start = -raw.ctypes.data % 64 // array.itemsize + offset
    copy = raw[start : start + array.size].reshape(array.shape)
    copy[...] = array
    return copy


MOMENTS = 0.9, 0.999, 1e-8, 0.1
UPDATES = {
    "amsgrad": (3, (*MOMENTS, True, 7, 0.01)),
    "adamax": (2, (*MOMENTS, 7, 0.01)),
    "nadam": (2, (*MOMENTS, 0.7, 0.4, 7, 0.01)),
    "radam": (2, (*MOMENTS, 7, 0.01)),
    "adagrad": (1, (1e-8, 0.1, 0.01)),
    "adadelta": (2, (0.9, 1e-6, 0.1, 0.01)),
    "rprop": (2, (0.5, 1.2, 0.06, 0.12, 0.01)),
}


def updated(offset):
    """Yield the parameter and the state after an update of each optimizer."""
    for name, (slots, numbers) in UPDATES.items():
        arrays = [shifted(array, offset) for array in (DY, DY[::-1], *[abs(DY)] * slots)]
        getattr(KERNELS, name)(*arrays, *numbers)
        yield from arrays


def everything(offset=0):
    """Return the results of many kernels, as bytes."""
    x, weight, dy = (shifted(array, offset) for array in (X, WEIGHT, DY))
    rows = shifted(X.reshape(-1, 5), offset)
    y, saved = KERNELS.conv2d(x, weight, None, SAME, np.empty, True)
    pooled, winners = KERNELS.max_pool2d(x, SAME, np.empty, True)
    heads = shifted(X[:, :, :12].reshape(9, 24, 6, 5), offset)
    attended, saved_heads = KERNELS.attention(
        *(heads, heads, heads), None, True, 1.0, None, 0.0, np.empty, True
    )
    normal_rows, saved_rows = KERNELS.layer_norm(x, GAMMA, None, 1e-5, np.empty, True)
    grouped, saved_groups = KERNELS.group_norm(
        *(x, 1, GAMMA, GAMMA, 1e-5, np.empty, True), relu=True
    )
    arrays = [
        *updated(offset),
        y,
        grouped,
        *KERNELS.group_norm_backward(x, saved_groups, GAMMA, np.empty, (True, True, True)),
        *KERNELS.conv2d_backward(dy, saved, weight, SAME, np.empty, (True, True, True)),
        pooled,
        KERNELS.max_pool2d_backward(pooled, winners, SAME, np.empty),
        KERNELS.dense(rows, DENSE, None, np.empty),
        *KERNELS.dense_backward(rows @ DENSE, rows, DENSE, np.empty, (True, True, True)),
        *KERNELS.moments(x, np.empty),
        normal_rows,
        *KERNELS.layer_norm_backward(x, saved_rows, GAMMA, np.empty, (True, True, True)),
        attended,
        *KERNELS.attention_backward(heads, saved_heads, np.empty, (True, True, True)),
    ]
    return [array.tobytes() for array in arrays]


@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("offset", [1, 5, 16])
def test_alignment_of_arrays_changes_no_bit(offset):
    assert everything(offset) == everything()


@pytest.mark.usefixtures("level")
def test_concurrent_calls_return_the_same_bits():
    expected = everything()
    with ThreadPoolExecutor(4) as pool:
        assert all(results == expected for results in pool.map(lambda _: everything(), range(40)))


@pytest.mark.usefixtures("level")
def test_result_of_a_sample_does_not_depend_on_its_batch():
    """Otherwise the prediction for an image would depend on the images beside it."""
    for image in (X, X[:, :5, :5], X[:, :1, :7]):
        together, _ = KERNELS.conv2d(image, WEIGHT, None, SAME, np.empty, False)
        for count in (1, 2, 8):
            alone, _ = KERNELS.conv2d(image[:count], WEIGHT, None, SAME, np.empty, False)
            np.testing.assert_array_equal(alone, together[:count])
    for units in (70, 150):
        rows, weight = normal(70, 300), normal(300, units)
        together = KERNELS.dense(rows, weight, None, np.empty)
        for count in (1, 2, 7, 15, 33, 60):
            alone = KERNELS.dense(rows[:count], weight, None, np.empty)
            np.testing.assert_array_equal(alone, together[:count])


def test_kernels_release_the_interpreter_lock():
    """With the lock held, shards on several threads would take as long as on one."""
    before = sys.getswitchinterval()
    started, stopped, finished = threading.Event(), threading.Event(), threading.Event()

    def work():
        started.set()
        for _ in range(10_000):
            if stopped.is_set():
                break
            KERNELS.conv2d(X, WEIGHT, None, SAME, np.empty, False)
        finished.set()

    # No thread is forced to release the lock in this time: the kernel must release it.
    sys.setswitchinterval(1000)
    try:
        thread = threading.Thread(target=work)
        thread.start()
        started.wait()
        assert not finished.is_set()
        stopped.set()
        thread.join()
    finally:
        sys.setswitchinterval(before)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("first", "count"), [(0, 1), (1, 9), (7, 3), (0, 100_003), (13, 70_001)])
def test_random_numbers_are_those_of_numpy(first, count, threads):
    """Dropout has the same mask with any kernels, and a run continues with others."""
    key = np.random.default_rng(count).integers(-(2**63), 2**63 - 1, 2)
    expected = NumpyKernels().uniform(key, first, (count,), np.empty)
    with KERNELS.on_threads(threads):
        numbers = KERNELS.uniform(key, first, (count,), np.empty)
    assert numbers.tobytes() == expected.tobytes()
