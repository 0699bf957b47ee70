"""Normalization that differs from PyTorch's would train another network than declared."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import tinynet.registry
from tinynet.builtin.layers.batch_norm import BatchNorm
from tinynet.builtin.layers.layer_norm import LayerNorm
from tinynet.builtin.layers.rms_norm import RMSNorm
from tinynet.layer import Build, Context

torch = pytest.importorskip("torch")

SHAPES = st.lists(st.integers(1, 6), min_size=2, max_size=5).map(tuple)
SEEDS = st.integers(0, 2**32 - 1)
EPSILONS = st.sampled_from([1e-5, 1e-3, 0.5])


def build():
    return Build(dtype=np.dtype(np.float64), create=tinynet.registry.default().create)


def fill(layer, rng):
    for param in layer.params.values():
        param[...] = rng.standard_normal(param.shape)


def run(layer, ctx, x, dy):
    """y, dx and the gradients by name."""
    y, cache = layer.forward(ctx, x)
    (dx,), grads = layer.backward(ctx, cache, dy)
    if ctx.training and hasattr(layer, "commit"):
        layer.commit(cache)
    return {"y": y, "dx": dx, **grads}


def leaf(array):
    return torch.tensor(array, requires_grad=True)


def assert_agree(actual, expected):
    for name, array in actual.items():
        np.testing.assert_allclose(
            array, expected[name].detach().numpy(), rtol=1e-9, atol=1e-9, err_msg=name
        )


@pytest.mark.oracle
@settings(max_examples=250, deadline=None)
@given(SHAPES, SEEDS, EPSILONS, st.booleans(), st.booleans(), st.booleans(), st.floats(0.0, 0.99))
def test_batch_norm_agrees(shape, seed, epsilon, center, scale, training, momentum):
    assume(np.prod(shape[:-1]) > 1)  # PyTorch refuses a single value per channel
    rng = np.random.default_rng(seed)
    config = BatchNorm.Config(epsilon=epsilon, center=center, scale=scale, momentum=momentum)
    layer = BatchNorm(config, (shape[1:],), build())
    fill(layer, rng)
    running = {
        "running_mean": rng.standard_normal(shape[-1:]),
        "running_var": rng.random(shape[-1]),
    }
    for name, value in running.items():
        layer.buffers[name][...] = value
    x, dy = rng.standard_normal(shape) * 3 + 1, rng.standard_normal(shape)

    tensors = {name: leaf(param) for name, param in layer.params.items()}
    buffers = {name: torch.tensor(value) for name, value in running.items()}
    image = leaf(x)
    y = torch.nn.functional.batch_norm(
        image.movedim(-1, 1),
        **buffers,
        weight=tensors.get("gamma"),
        bias=tensors.get("beta"),
        training=training,
        momentum=1 - momentum,
        eps=epsilon,
    ).movedim(1, -1)
    y.backward(torch.tensor(dy))

    actual = run(layer, Context(training=training), x, dy)
    expected = {name: tensor.grad for name, tensor in tensors.items()}
    assert_agree(actual, {"y": y, "dx": image.grad, **expected})
    assert_agree(layer.buffers, buffers)


@pytest.mark.oracle
@settings(max_examples=250, deadline=None)
@given(SHAPES, SEEDS, EPSILONS, st.booleans(), st.booleans(), st.data())
def test_layer_norm_agrees(shape, seed, epsilon, center, scale, data):
    rng = np.random.default_rng(seed)
    count = data.draw(st.integers(1, len(shape) - 1))
    config = LayerNorm.Config(
        epsilon=epsilon, center=center, scale=scale, axis=list(range(-count, 0))
    )
    layer = LayerNorm(config, (shape[1:],), build())
    fill(layer, rng)
    x, dy = rng.standard_normal(shape) * 3 + 1, rng.standard_normal(shape)

    tensors = {name: leaf(param) for name, param in layer.params.items()}
    rows = leaf(x)
    y = torch.nn.functional.layer_norm(
        rows, shape[-count:], tensors.get("gamma"), tensors.get("beta"), epsilon
    )
    y.backward(torch.tensor(dy))

    actual = run(layer, Context(training=True), x, dy)
    expected = {name: tensor.grad for name, tensor in tensors.items()}
    assert_agree(actual, {"y": y, "dx": rows.grad, **expected})


@pytest.mark.oracle
@settings(max_examples=250, deadline=None)
@given(SHAPES, SEEDS, EPSILONS, st.booleans())
def test_rms_norm_agrees(shape, seed, epsilon, scale):
    rng = np.random.default_rng(seed)
    layer = RMSNorm(RMSNorm.Config(epsilon=epsilon, scale=scale), (shape[1:],), build())
    fill(layer, rng)
    x, dy = rng.standard_normal(shape) * 3 + 1, rng.standard_normal(shape)

    tensors = {name: leaf(param) for name, param in layer.params.items()}
    rows = leaf(x)
    y = torch.nn.functional.rms_norm(rows, shape[-1:], tensors.get("gamma"), epsilon)
    y.backward(torch.tensor(dy))

    actual = run(layer, Context(training=True), x, dy)
    expected = {name: tensor.grad for name, tensor in tensors.items()}
    assert_agree(actual, {"y": y, "dx": rows.grad, **expected})
