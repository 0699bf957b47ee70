import numpy as np
import pytest

from tinynet.builtin.layers.gaussian_sampling import GaussianSampling
from tinynet.layer import Build, ShapeError
from tinynet.layer.context import Context, Needs


def build(*in_shapes, dtype="float64"):
    config = GaussianSampling.Config()
    return GaussianSampling(config, in_shapes, Build(dtype=np.dtype(dtype)))


def sample(mean, log_variance, **key):
    layer = build(mean.shape[1:], log_variance.shape[1:], dtype=mean.dtype)
    return layer.forward(Context(training=True, **key), mean, log_variance)[0]


def test_training_draws_from_the_distribution():
    count = 200_000
    mean = np.tile([1.0, -2.0], (count, 1))
    log_variance = np.tile(np.log([4.0, 0.25]), (count, 1))
    y = sample(mean, log_variance)
    # Five standard deviations of the mean, and of the variance.
    np.testing.assert_allclose(y.mean(axis=0), [1, -2], atol=5 * 2 / np.sqrt(count))
    np.testing.assert_allclose(y.var(axis=0), [4, 0.25], rtol=5 * np.sqrt(2 / count))


def test_evaluation_is_the_mean_and_draws_nothing():
    layer, ctx = build((3,), (3,)), Context(training=False)
    mean, log_variance = np.arange(6.0).reshape(2, 3), np.ones((2, 3))
    y, cache = layer.forward(ctx, mean, log_variance)
    np.testing.assert_array_equal(y, mean)
    assert ctx._rng is None
    (d_mean, d_log_variance), _ = layer.backward(ctx, cache, 3 * mean)
    np.testing.assert_array_equal(d_mean, 3 * mean)
    np.testing.assert_array_equal(d_log_variance, np.zeros((2, 3)))


def test_gradients_follow_the_noise():
    layer, ctx = build((3,), (3,)), Context(training=True)
    mean, log_variance = np.zeros((2, 3)), np.log(np.full((2, 3), 9.0))
    y, cache = layer.forward(ctx, mean, log_variance)
    dy = np.arange(6.0).reshape(2, 3)
    (d_mean, d_log_variance), grads = layer.backward(ctx, cache, dy)
    np.testing.assert_array_equal(d_mean, dy)
    np.testing.assert_allclose(d_log_variance, dy * y / 2, rtol=1e-14)
    assert grads == {}


def test_the_pass_alone_decides_the_noise():
    """A resumed run draws what the uninterrupted one would have drawn."""
    arrays = np.zeros((4, 3)), np.zeros((4, 3))
    first = sample(*arrays, seed=1, step=7, node="a")
    np.testing.assert_array_equal(first, sample(*arrays, seed=1, step=7, node="a"))
    for other in ({"step": 8}, {"node": "b"}, {"seed": 2}, {"first_sample": 4}):
        assert (first != sample(*arrays, **{"seed": 1, "step": 7, "node": "a"} | other)).any()


def test_float32_and_float64_networks_draw_the_same_noise():
    arrays = np.zeros((4, 3)), np.zeros((4, 3))
    single = sample(*(array.astype(np.float32) for array in arrays))
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single, sample(*arrays))


@pytest.mark.parametrize("needed", [0, 1])
@pytest.mark.parametrize("training", [True, False])
def test_gradients_that_are_not_needed_are_omitted(needed, training):
    layer = build((3,), (3,))
    needs = Needs(tuple(index == needed for index in range(2)), frozenset())
    ctx = Context(training=training, needs=needs)
    _, cache = layer.forward(ctx, np.ones((1, 3)), np.ones((1, 3)))
    grads, _ = layer.backward(ctx, cache, np.ones((1, 3)))
    assert grads[1 - needed] is None
    assert grads[needed] is not None
    kept = layer.forward(Context(training=True, keep=False), np.ones((1, 3)), np.ones((1, 3)))[1]
    assert kept is None


@pytest.mark.parametrize("in_shapes", [[(3,)], [(3,), (4,)], [(3,), (3,), (3,)]])
def test_inputs_that_do_not_fit_are_refused(in_shapes):
    with pytest.raises(ShapeError, match="gaussian_sampling needs two inputs of one shape, a mean"):
        build(*in_shapes)


def test_cost():
    assert build((2, 3), (2, 3), dtype="float32").cost() == (30, 48)
