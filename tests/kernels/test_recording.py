"""Recorded calls of NumPy's kernels compute from their arguments as they are when made again."""

import contextlib

import numpy as np

from tinynet.kernels.memory import Workspace
from tinynet.kernels.numpy import NumpyKernels
from tinynet.kernels.recording import RecordedCalls
from tinynet.kernels.window import Window


def recording_of(compute):
    """Return the recording of a function of kernels, and its results."""
    calls = RecordedCalls()
    calls.start()
    results = compute(NumpyKernels(), Workspace().empty)
    calls.stop()
    return calls, results


def test_results_in_memory_of_their_own_are_copied_to_views_of_them():
    """The gradient of a bias is a new array each time; a layer may have made a view of it."""
    dy, x, weight = np.ones((4, 3), "f"), np.ones((4, 2), "f"), np.ones((2, 3), "f")

    def compute(kernels, empty):
        _, _, dbias = kernels.dense_backward(dy, x, weight, empty, (True, True, True))
        return kernels.scale(dbias.reshape(3, 1), 2.0, empty)

    calls, scaled = recording_of(compute)
    dy[:] = 5
    calls.run()
    assert scaled.tolist() == [[40.0]] * 3


def test_a_backward_call_uses_what_the_last_forward_call_has_saved():
    """Saved values may be arrays and objects of their own."""
    rng = np.random.default_rng(0)
    x, dy = (rng.normal(size=(6, 4, 4, 2)).astype("f") for _ in range(2))
    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))

    def compute(kernels, empty):
        args = x, mean, variance, None, None, 1e-3, empty, True
        y, saved = kernels.batch_norm_relu(*args)
        pooled, cells = kernels.max_pool2d(y, Window((2, 2), (2, 2)), empty, True)
        part = kernels.max_pool2d_backward(pooled, cells, Window((2, 2), (2, 2)), empty)
        means = kernels.batch_norm_relu_sums(dy, saved, empty)
        return part, kernels.batch_norm_relu_backward(dy, saved, None, means, empty)

    calls, found = recording_of(compute)
    for array in (x, dy, variance):
        array[...] = np.abs(rng.normal(size=array.shape))
    calls.run()
    for one, other in zip(found, compute(NumpyKernels(), Workspace().empty), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_failing_kernel_leaves_the_recording_as_it_was():
    calls = RecordedCalls()
    calls.start()
    with contextlib.suppress(ValueError):
        NumpyKernels().add(np.ones(2), np.ones(3), Workspace().empty)
    y = NumpyKernels().scale(np.ones(2), 3.0, Workspace().empty)
    calls.stop()
    y[:] = 0
    calls.run()
    assert y.tolist() == [3, 3]


def test_kernels_of_a_derived_class_are_not_recorded():
    """Its own computations would be left out when the kernels are called again."""

    class Doubles(NumpyKernels):
        def scale(self, x, factor, empty):
            return 2 * super().scale(x, factor, empty)

    assert NumpyKernels.recording is RecordedCalls
    assert Doubles.recording is None
