"""The behavior of `batch_norm`, besides its numbers (see test_norm_oracle.py)."""

import numpy as np
import pytest
from pydantic import ValidationError

import tinynet.registry
from tinynet.builtin.layers.batch_norm import BatchNorm
from tinynet.errors import ShapeError
from tinynet.layer import Buffered, Build, Context, Needs


def layer(in_shape, **options):
    build = Build(dtype=np.dtype(np.float64), create=tinynet.registry.default().create)
    return BatchNorm(BatchNorm.Config(**options), (in_shape,), build)


def batch(shape):
    return np.random.default_rng(0).standard_normal(shape) * 3 + 1


@pytest.mark.parametrize("shape", [(8, 3), (4, 6, 3), (2, 5, 5, 3), (2, 2, 3, 4, 3)])
def test_training_normalizes_every_channel_whatever_the_rank(shape):
    y, _ = layer(shape[1:], epsilon=1e-12).forward(Context(training=True), batch(shape))
    rows = y.reshape(-1, 3)
    np.testing.assert_allclose(rows.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(rows.std(axis=0), 1)


def test_only_commit_moves_the_running_statistics():
    norm, x = layer((3,), momentum=0.75), batch((8, 3))
    before = {name: buffer.copy() for name, buffer in norm.buffers.items()}
    y, cache = norm.forward(Context(training=True), x)
    norm.backward(Context(training=True), cache, y)
    for name, buffer in norm.buffers.items():
        np.testing.assert_array_equal(buffer, before[name])
    norm.commit(cache)
    np.testing.assert_allclose(norm.buffers["running_mean"], 0.25 * x.mean(axis=0))
    np.testing.assert_allclose(norm.buffers["running_var"], 0.75 + 0.25 * x.var(axis=0, ddof=1))


def test_a_frozen_part_of_the_network_still_commits():
    """Where no backward follows, `keep` is False; the statistics are learned all the same."""
    norm, x = layer((3,)), batch((8, 3))
    _, cache = norm.forward(Context(training=True, keep=False), x)
    norm.commit(cache)
    np.testing.assert_allclose(norm.buffers["running_mean"], 0.1 * x.mean(axis=0))


def test_evaluation_uses_running_statistics_for_each_sample():
    norm, x = layer((4, 3)), batch((8, 4, 3))
    norm.buffers["running_mean"][...] = 1
    norm.buffers["running_var"][...] = 4
    whole, cache = norm.forward(Context(), x)
    np.testing.assert_allclose(whole, (x - 1) / np.sqrt(4 + 1e-5))
    single, _ = norm.forward(Context(), x[:1])
    np.testing.assert_array_equal(single, whole[:1])
    norm.commit(cache)
    np.testing.assert_array_equal(norm.buffers["running_mean"], np.ones(3))


def test_a_last_batch_of_one_sample_does_not_spoil_the_run():
    norm, x = layer((3,)), batch((1, 3))
    norm.params["beta"][...] = [1, 2, 3]
    y, cache = norm.forward(Context(training=True), x)
    np.testing.assert_array_equal(y, [[1, 2, 3]])
    norm.commit(cache)
    np.testing.assert_array_equal(norm.buffers["running_var"], np.ones(3))
    np.testing.assert_allclose(norm.buffers["running_mean"], 0.1 * x[0])


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({}, {"gamma", "beta"}),
        ({"scale": False}, {"beta"}),
        ({"center": False}, {"gamma"}),
        ({"scale": False, "center": False}, set()),
    ],
)
def test_scale_and_center_choose_the_parameters(options, names):
    norm, x = layer((3,), **options), batch((8, 3))
    assert norm.params.keys() == names
    y, cache = norm.forward(Context(training=True), x)
    _, grads = norm.backward(Context(training=True), cache, y)
    assert grads.keys() == names


def test_gradients_that_nobody_needs_are_left_out():
    norm, x = layer((3,)), batch((8, 3))
    ctx = Context(training=True, needs=Needs((False,), frozenset({"beta"})))
    y, cache = norm.forward(ctx, x)
    (dx,), grads = norm.backward(ctx, cache, y)
    assert dx is None
    assert grads.keys() == {"beta"}


def test_batch_norm_is_summarized_and_buffered():
    norm = layer((3,))
    assert not getattr(norm, "per_sample", False)
    assert isinstance(norm, Buffered)


@pytest.mark.parametrize(
    "options", [{"momentum": 1.0}, {"momentum": -0.1}, {"epsilon": 0.0}, {"epsilon": -1e-5}]
)
def test_impossible_values_are_refused(options):
    with pytest.raises(ValidationError):
        BatchNorm.Config(**options)


def test_a_scalar_input_is_refused():
    with pytest.raises(ShapeError, match=r"\(\.\.\., channels\)"):
        layer(())


def test_the_cost_is_that_of_evaluation():
    assert layer((4, 3)).cost() == (36, 12 * 8)
