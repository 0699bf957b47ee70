"""The arguments that the kernels accept; no others may crash the interpreter."""

import sys

import numpy as np
import pytest
from tinynet_native import NativeKernels, _kernels

from tinynet.kernels import Window

KERNELS = NativeKernels()
WINDOW = Window((3, 3))
RNG = np.random.default_rng(0)
FUNCTIONS = [name for name in dir(_kernels) if name[0] != "_" and name != "Recording"]


def normal(*shape):
    return RNG.normal(size=shape).astype("float32")


def strided(array):
    """Return the same numbers as every second element of a larger array."""
    return np.repeat(array, 2, axis=-1)[..., ::2]


def reversed_in_memory(array):
    return np.ascontiguousarray(array[::-1])[::-1]


def misaligned(array):
    """Return the same numbers one byte off their alignment."""
    raw = np.empty(array.nbytes + 1, np.uint8)[1:]
    copy = raw.view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


def read_only(array):
    copy = array.copy()
    copy.flags.writeable = False
    return copy


@pytest.mark.parametrize("other", [strided, reversed_in_memory, misaligned, read_only])
def test_memory_layout_of_inputs_does_not_matter(other):
    x, weight, bias, dy = normal(2, 6, 7, 3), normal(3, 3, 3, 5), normal(5), normal(2, 4, 5, 5)
    expected, saved = KERNELS.conv2d(x, weight, bias, WINDOW, np.empty, True)
    inputs = [other(array) for array in (x, weight, bias)]
    actual, other_saved = KERNELS.conv2d(*inputs, WINDOW, np.empty, True)
    np.testing.assert_array_equal(actual, expected)
    needs = (True, True, True)
    for a, b in zip(
        KERNELS.conv2d_backward(other(dy), other_saved, inputs[1], WINDOW, np.empty, needs),
        KERNELS.conv2d_backward(dy, saved, weight, WINDOW, np.empty, needs),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)


def test_a_view_is_read_from_its_own_start():
    x = normal(9, 33)
    np.testing.assert_array_equal(KERNELS.relu(x[3:], np.empty), np.maximum(x[3:], 0))


def conv2d(**changes):
    arguments = {
        "x": normal(2, 6, 6, 4),
        "weight": normal(3, 3, 4, 6),
        "bias": normal(6),
        "y": normal(2, 4, 4, 6),
    } | changes
    numbers = [arguments.pop(name, 1) for name in ("down", "right")]
    _kernels.conv2d(*arguments.values(), False, *numbers, 0, 0, 1, 1)


def test_unchanged_arguments_are_accepted():
    conv2d()


WRONG = {
    "other channels than the weight's": ({"x": normal(2, 6, 6, 5)}, ValueError),
    "too few axes": ({"x": normal(2, 6, 24)}, ValueError),
    "two dtypes": ({"x": np.zeros((2, 6, 6, 4))}, ValueError),
    "integers": ({"x": np.zeros((2, 6, 6, 4), "int32")}, ValueError),
    "float16": ({"x": np.zeros((2, 6, 6, 4), "float16")}, ValueError),
    "foreign byte order": ({"x": np.zeros((2, 6, 6, 4), ">f4")}, ValueError),
    "no input": ({"x": None}, TypeError),
    "a kernel without cells": ({"weight": normal(0, 3, 4, 6)}, ValueError),
    "no channels": ({"weight": normal(3, 3, 0, 6)}, ValueError),
    "groups that do not divide the filters": ({"weight": normal(3, 3, 2, 5)}, ValueError),
    "a longer bias": ({"bias": normal(7)}, ValueError),
    "fewer outputs than samples": ({"y": normal(1, 4, 4, 6)}, ValueError),
    "more outputs than filters": ({"y": normal(2, 4, 4, 7)}, ValueError),
    "a read-only output": ({"y": read_only(normal(2, 4, 4, 6))}, ValueError),
    "a misaligned output": ({"y": misaligned(normal(2, 4, 4, 6))}, ValueError),
    "no stride": ({"down": 0}, ValueError),
    "a negative stride": ({"right": -1}, ValueError),
    "a stride that is not a number": ({"right": "1"}, TypeError),
}


@pytest.mark.parametrize("name", WRONG)
def test_invalid_arguments_are_an_error(name):
    """A plugin may call a kernel wrongly; that must not end the process."""
    changes, error = WRONG[name]
    with pytest.raises(error):
        conv2d(**changes)


def test_windows_beyond_an_image_read_nothing_outside_it():
    y, bias = normal(2, 9, 9, 6), normal(6)
    conv2d(y=y, bias=bias)
    np.testing.assert_array_equal(y[:, 6:], np.broadcast_to(bias, (2, 3, 9, 6)))


def test_a_dense_layer_without_inputs_is_an_error():
    """Its output would be uninitialized memory."""
    with pytest.raises(ValueError, match="empty"):
        KERNELS.dense(normal(2, 0), normal(0, 3), normal(3), np.empty)


@pytest.mark.parametrize("groups", [-1, 0, 3])
def test_groups_that_do_not_divide_the_channels_are_an_error(groups):
    with pytest.raises(ValueError, match="divide"):
        KERNELS.group_norm(normal(2, 5, 4), groups, None, None, 1e-5, np.empty, True)


@pytest.mark.parametrize("label", [-1, 4, 2**40])
def test_a_label_outside_the_classes_is_an_error(label):
    with pytest.raises(IndexError, match="label"):
        KERNELS.softmax_cross_entropy(normal(2, 4), np.array([0, label]), 0.0, np.empty)


def test_labels_that_are_not_integers_are_an_error():
    with pytest.raises(TypeError):
        KERNELS.softmax_cross_entropy(normal(2, 4), np.array([0.5, 1.0]), 0.0, np.empty)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_too_few_and_too_many_arguments_are_an_error(name):
    function = getattr(_kernels, name)
    takes_none = name in ("level", "levels", "threads_in_use")
    for count in (1,) if takes_none else (0, 40):
        with pytest.raises(TypeError):
            function(*[normal(2, 2)] * count)


def test_updates_take_their_arguments_by_name():
    """The interface in `tinynet.kernels` lets plugins do so."""
    param, grad, velocity = normal(9), normal(9), normal(9)
    expected = param.copy()
    KERNELS.sgd(expected, grad, velocity.copy(), 0.9, True, 0.1, 0.01)
    options = {"weight_decay": 0.1, "rate": 0.01, "momentum": 0.9, "nesterov": True}
    KERNELS.sgd(param, grad, velocity=velocity, **options)
    np.testing.assert_array_equal(param, expected)
    with pytest.raises(TypeError, match="weight_decay"):
        KERNELS.sgd(param, grad, velocity=velocity, rate=0.01, momentum=0.9, nesterov=True)


def test_missing_state_of_an_update_is_an_error():
    param, grad = normal(9), normal(9)
    with pytest.raises(TypeError):
        KERNELS.adam(param, grad, None, normal(9), 0.9, 0.999, 1e-8, 0.0, False, 1, 0.01)
    with pytest.raises(ValueError, match="fit together"):
        KERNELS.sgd(param, grad, normal(8), 0.9, False, 0.0, 0.01)


def test_an_unknown_level_is_an_error():
    with pytest.raises(ValueError, match="'avx9'"):
        _kernels.use_level("avx9")


def test_no_reference_leaks():
    """A step calls dozens of kernels: one array kept alive by each would end a long run."""
    x, weight = normal(1, 5, 5, 3), normal(3, 3, 3, 4)
    counts = [sys.getrefcount(array) for array in (x, weight)]
    for _ in range(10):
        KERNELS.conv2d(strided(x), weight, None, WINDOW, np.empty, False)
        with pytest.raises(ValueError, match="fit together"):
            _kernels.relu(x, weight)
    assert [sys.getrefcount(array) for array in (x, weight)] == counts
