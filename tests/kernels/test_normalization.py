"""The reference every other normalization kernel is measured by."""

import numpy as np
import pytest

from tinynet.kernels.numpy import NumpyKernels

from .used_memory import dirty

KERNELS = NumpyKernels()
ALL = (True, True, True)
SHAPES = [(5, 3), (4, 6, 3), (3, 4, 5, 2), (1, 1, 1, 4)]


def run_batch(x, gamma, beta, dy, statistics=None):
    """y, (mean, variance), and the gradients, through the statistics where they are of x."""
    count = x.size // x.shape[-1]
    mean, squares = KERNELS.moments(x, dirty)
    used = statistics or (mean, squares / count)
    y, saved = KERNELS.batch_norm(x, *used, gamma, beta, 1e-5, dirty, True)
    dgamma, dbeta = KERNELS.batch_norm_sums(dy, saved, dirty)
    means = None if statistics else (dgamma / count, dbeta / count)
    dx = KERNELS.batch_norm_backward(dy, saved, gamma, means, dirty)
    return y, used, (dx, dgamma, dbeta)


def run_rows(x, gamma, beta, dy, needs=ALL):
    y, saved = KERNELS.layer_norm(x, gamma, beta, 1e-5, dirty, True)
    return y, KERNELS.layer_norm_backward(dy, saved, gamma, dirty, needs)


def numbers(shape, seed=0):
    """x, dy of ``shape`` and gamma, beta of its last axis."""
    rng = np.random.default_rng(seed)
    return tuple(rng.standard_normal(s) for s in (shape, shape, shape[-1:], shape[-1:]))


def slope(function, x, direction, dy):
    """d/dt <dy, function(x + t * direction)> at 0, by central differences."""
    step = 1e-5
    change = function(x + step * direction) - function(x - step * direction)
    return np.vdot(dy, change) / (2 * step)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("fixed", [False, True])
def test_batch_norm_is_its_formula(shape, fixed):
    x, dy, gamma, beta = numbers(shape)
    axes = tuple(range(len(shape) - 1))
    statistics = (gamma + 1, beta**2) if fixed else None
    y, (mean, variance), (_, dgamma, dbeta) = run_batch(x, gamma, beta, dy, statistics)
    expected = statistics or (x.mean(axis=axes), x.var(axis=axes))
    np.testing.assert_allclose(mean, expected[0], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(variance, expected[1], rtol=1e-12, atol=1e-14)
    normal = (x - mean) / np.sqrt(variance + 1e-5)
    np.testing.assert_allclose(y, normal * gamma + beta, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(dgamma, (dy * normal).sum(axis=axes), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(dbeta, dy.sum(axis=axes), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("fixed", [False, True])
def test_batch_norm_gradient_passes_through_batch_statistics_only(shape, fixed):
    x, dy, gamma, beta = numbers(shape)
    direction = np.random.default_rng(1).standard_normal(shape)
    statistics = (gamma, beta**2) if fixed else None
    _, _, (dx, _, _) = run_batch(x, gamma, beta, dy, statistics)
    expected = slope(lambda v: run_batch(v, gamma, beta, dy, statistics)[0], x, direction, dy)
    assert np.vdot(dx, direction) == pytest.approx(expected, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("shape", [(5, 3), (2, 4, 6)])
def test_layer_norm_is_its_formula(shape):
    x, dy, gamma, beta = numbers(shape)
    y, (dx, dgamma, dbeta) = run_rows(x, gamma, beta, dy)
    normal = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(y, normal * gamma + beta, rtol=1e-9, atol=1e-12)
    axes = tuple(range(len(shape) - 1))
    np.testing.assert_allclose(dgamma, (dy * normal).sum(axis=axes), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(dbeta, dy.sum(axis=axes), rtol=1e-9, atol=1e-12)
    direction = np.random.default_rng(1).standard_normal(shape)
    expected = slope(lambda v: run_rows(v, gamma, beta, dy)[0], x, direction, dy)
    assert np.vdot(dx, direction) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("index", range(3))
def test_nothing_is_returned_that_nobody_needs(index):
    x, dy, gamma, beta = numbers((4, 6, 3))
    needs = tuple(number == index for number in range(3))
    every, some = run_rows(x, gamma, beta, dy)[-1], run_rows(x, gamma, beta, dy, needs=needs)[-1]
    assert [gradient is not None for gradient in some] == list(needs)
    np.testing.assert_array_equal(some[index], every[index])


@pytest.mark.parametrize("run", [run_batch, run_rows])
def test_without_gamma_and_beta_they_are_one_and_zero(run):
    x, dy, gamma, beta = numbers((4, 6, 3))
    bare = run(x, None, None, dy)
    full = run(x, np.ones_like(gamma), np.zeros_like(beta), dy)
    np.testing.assert_array_equal(bare[0], full[0])
    np.testing.assert_array_equal(bare[-1][0], full[-1][0])


@pytest.mark.parametrize("run", [run_batch, run_rows])
def test_float32_stays_and_survives_a_large_mean(run):
    """The variance is that of the centered values: a mean of 1000 does not drown it."""
    x, dy, gamma, beta = (a.astype(np.float32) for a in numbers((64, 8, 16)))
    x += 1000
    y, *_, gradients = run(x, gamma, beta, dy)
    assert {a.dtype for a in (y, *gradients)} == {np.dtype(np.float32)}
    exact = run(*(a.astype(np.float64) for a in (x, gamma, beta, dy)))[0]
    np.testing.assert_allclose(y, exact, atol=2e-3)


def test_one_value_per_channel_gives_beta_and_no_gradient():
    x, dy, gamma, beta = numbers((1, 3))
    y, _, (dx, dgamma, dbeta) = run_batch(x, gamma, beta, dy)
    np.testing.assert_array_equal(y[0], beta)
    np.testing.assert_array_equal(dx, np.zeros((1, 3)))
    np.testing.assert_array_equal(dgamma, np.zeros(3))
    np.testing.assert_array_equal(dbeta, dy[0])


class OwnBatchNorm(NumpyKernels):
    """Kernels that were written before `batch_norm_relu`."""

    @staticmethod
    def batch_norm(*args):
        y, saved = NumpyKernels.batch_norm(*args)
        return y, (saved, "own")

    @staticmethod
    def batch_norm_sums(dy, saved, empty):
        assert saved[1] == "own"
        return NumpyKernels.batch_norm_sums(dy, saved[0], empty)

    @staticmethod
    def batch_norm_backward(dy, saved, *args):
        assert saved[1] == "own"
        return NumpyKernels.batch_norm_backward(dy, saved[0], *args)


@pytest.mark.parametrize("kernels", [NumpyKernels(), OwnBatchNorm()], ids=["numpy", "older"])
def test_batch_norm_with_relu_has_the_bits_of_both(kernels):
    """Older distributions of kernels have a `batch_norm`, but none with a ReLU."""
    x, dy, gamma, beta = numbers((4, 6, 3))
    arguments, means = (x, gamma, beta**2, gamma, beta, 1e-5, dirty), (gamma, beta)
    normal, saved = kernels.batch_norm(*arguments, True)
    masked = dy * (normal > 0)
    expected = [
        np.maximum(normal, 0),
        *kernels.batch_norm_sums(masked, saved, dirty),
        kernels.batch_norm_backward(masked, saved, gamma, means, dirty),
    ]
    y, saved = kernels.batch_norm_relu(*arguments, True)
    actual = [
        y,
        *kernels.batch_norm_relu_sums(dy, saved, dirty),
        kernels.batch_norm_relu_backward(dy, saved, gamma, means, dirty),
    ]
    for a, b in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(
        kernels.batch_norm_relu_sums(2 * dy, saved, dirty)[1], 2 * expected[2], "another gradient"
    )
    light, saved = kernels.batch_norm_relu(*arguments, False)
    np.testing.assert_array_equal(light, y)
    assert saved is None
