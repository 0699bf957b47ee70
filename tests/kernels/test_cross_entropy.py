"""The loss that nearly every classifier trains on."""

import numpy as np
import pytest

from tinynet.kernels.memory import aligned_empty
from tinynet.kernels.numpy import NumpyKernels


def cross_entropy(logits, labels, label_smoothing=0.0):
    return NumpyKernels().softmax_cross_entropy(logits, labels, label_smoothing, aligned_empty)


def by_hand(logits, labels, label_smoothing):
    classes = logits.shape[1]
    target = (1 - label_smoothing) * np.eye(classes)[labels] + label_smoothing / classes
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return -(target * np.log(probabilities)).sum(axis=1), probabilities - target


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1, 1.0])
def test_it_is_its_formula(label_smoothing):
    rng = np.random.default_rng(0)
    logits, labels = rng.standard_normal((9, 5)), rng.integers(0, 5, 9)
    actual = cross_entropy(logits, labels, label_smoothing)
    for ours, expected in zip(actual, by_hand(logits, labels, label_smoothing), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-14)


def test_large_logits_do_not_overflow():
    losses, gradient = cross_entropy(np.array([[1e4, -1e4], [1e4, -1e4]]), np.array([0, 1]))
    np.testing.assert_array_equal(losses, [0, 2e4])
    np.testing.assert_array_equal(gradient, [[0, 0], [1, -1]])


def test_a_class_may_be_excluded_by_minus_infinity():
    losses, gradient = cross_entropy(np.array([[0.0, 0.0, -np.inf]]), np.array([0]))
    np.testing.assert_allclose(losses, np.log(2))
    np.testing.assert_allclose(gradient, [[-0.5, 0.5, 0]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_stays(dtype):
    losses, gradient = cross_entropy(np.ones((2, 3), dtype), np.array([0, 1]), 0.1)
    assert losses.dtype == gradient.dtype == dtype
