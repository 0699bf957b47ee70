"""Pooling that differs from PyTorch's would train another network than the user declared."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.builtin.layers.global_pool1d import GlobalAvgPool1D, GlobalMaxPool1D
from tinynet.builtin.layers.pool1d import AvgPool1D, MaxPool1D
from tinynet.layer import Build, Context

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

FLOAT64 = np.dtype(np.float64)
SEEDS = st.integers(0, 2**32 - 1)


@st.composite
def cases(draw):
    """A config that PyTorch can express too, the shape of its input, and a seed."""
    size, strides = draw(st.integers(1, 5)), draw(st.none() | st.integers(1, 4))
    config = {
        "pool_size": size,
        "strides": strides,
        "padding": draw(st.integers(0, size // 2)),
    }
    shape = (draw(st.integers(1, 4)), size + draw(st.integers(0, 9)), draw(st.integers(1, 5)))
    return config, shape, draw(SEEDS)


def check(layer_type, config, shape, seed, pool):
    """Compare with a function of a tensor (N, C, T)."""
    rng = np.random.default_rng(seed)
    layer = layer_type(layer_type.Config(**config), (shape[1:],), Build(dtype=FLOAT64))
    x = rng.integers(-2, 3, shape).astype(np.float64)  # few values: every window has ties
    dy = rng.standard_normal((shape[0], *layer.out_shape))
    y, cache = layer.forward(Context(training=True), x)
    (dx,), _ = layer.backward(Context(training=True), cache, dy)

    sequence = torch.tensor(x, requires_grad=True)
    expected = pool(sequence.permute(0, 2, 1)).permute(0, 2, 1)
    expected.backward(torch.tensor(dy).reshape(expected.shape))
    np.testing.assert_allclose(y, expected.detach().numpy().reshape(y.shape), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(dx, sequence.grad.numpy(), rtol=1e-9, atol=1e-9)


@settings(max_examples=150, deadline=None)
@given(cases())
def test_max_pooling_agrees_ties_included(case):
    config, shape, seed = case
    pool = torch.nn.MaxPool1d(config["pool_size"], config["strides"], config["padding"])
    check(MaxPool1D, config, shape, seed, pool)


@settings(max_examples=150, deadline=None)
@given(cases())
def test_average_pooling_agrees(case):
    config, shape, seed = case
    # AvgPool1d with count_include_pad=False.
    size, stride, padding = config["pool_size"], config["strides"], config["padding"]
    pool = torch.nn.AvgPool2d(
        (1, size), stride and (1, stride), (0, padding), count_include_pad=False
    )
    check(AvgPool1D, config, shape, seed, lambda x: pool(x[:, :, None])[:, :, 0])


@settings(max_examples=100, deadline=None)
@given(st.tuples(*[st.integers(1, 6)] * 3), SEEDS)
def test_global_pooling_agrees(shape, seed):
    check(GlobalAvgPool1D, {}, shape, seed, torch.nn.AdaptiveAvgPool1d(1))
    check(GlobalMaxPool1D, {}, shape, seed, torch.nn.AdaptiveMaxPool1d(1))


def of_valid_steps(x, mask, reduce):
    """Reduce the valid steps of each sample; zeros where there are none."""
    rows = [
        reduce(sample[valid]) if valid.any() else torch.zeros(x.shape[2], dtype=x.dtype)
        for sample, valid in zip(x, mask.bool(), strict=True)
    ]
    return torch.stack(rows)


@settings(max_examples=100, deadline=None)
@given(st.tuples(*[st.integers(1, 6)] * 3), SEEDS)
def test_global_pooling_of_valid_steps_agrees(shape, seed):
    rng = np.random.default_rng(seed)
    x, dy = rng.standard_normal(shape), rng.standard_normal((shape[0], shape[2]))
    mask = rng.integers(2, size=shape[:2]).astype(np.float64)
    for layer_type, reduce in (
        (GlobalAvgPool1D, lambda steps: steps.mean(dim=0)),
        (GlobalMaxPool1D, lambda steps: steps.amax(dim=0)),
    ):
        layer = layer_type(layer_type.Config(), (shape[1:], shape[1:2]), Build(dtype=FLOAT64))
        y, cache = layer.forward(Context(training=True), x, mask)
        (dx, dmask), _ = layer.backward(Context(training=True), cache, dy)
        sequence = torch.tensor(x, requires_grad=True)
        expected = of_valid_steps(sequence, torch.tensor(mask), reduce)
        assert dmask is None
        np.testing.assert_allclose(y, expected.detach().numpy(), rtol=1e-9, atol=1e-9)
        if mask.any():
            expected.backward(torch.tensor(dy))
            np.testing.assert_allclose(dx, sequence.grad.numpy(), rtol=1e-9, atol=1e-9)
        else:
            np.testing.assert_array_equal(dx, np.zeros(shape))
