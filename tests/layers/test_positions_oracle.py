import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinynet.registry
from tinynet.builtin.layers.position_embedding import PositionEmbedding
from tinynet.builtin.layers.rotary_embedding import RotaryEmbedding
from tinynet.builtin.layers.sinusoidal_position import SinusoidalPosition
from tinynet.layer import Build, Context

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

SIZES = st.integers(1, 6)
SEEDS = st.integers(0, 2**32 - 1)
BASES = st.sampled_from([2.0, 100.0, 1e4])


def run(layer_class, options, shape, seed):
    """Return the layer, x, y, dy and the gradients by name."""
    build = Build(dtype=np.dtype(np.float64), create=tinynet.registry.default().create, seed=seed)
    layer = layer_class(layer_class.Config(**options), (shape[1:],), build)
    rng = np.random.default_rng(seed)
    x, dy = rng.standard_normal(shape), rng.standard_normal(shape)
    ctx = Context(training=True)
    y, cache = layer.forward(ctx, x)
    (dx,), grads = layer.backward(ctx, cache, dy)
    return layer, x, y, dy, {"x": dx, **grads}


def assert_agree(y, dy, grads, expected, tensors):
    expected.backward(torch.tensor(dy))
    np.testing.assert_allclose(y, expected.detach().numpy(), rtol=1e-9, atol=1e-12)
    assert grads.keys() == tensors.keys()
    for name, tensor in tensors.items():
        np.testing.assert_allclose(
            grads[name], tensor.grad.numpy(), rtol=1e-9, atol=1e-12, err_msg=name
        )


@settings(max_examples=100, deadline=None)
@given(SIZES, SIZES, SIZES, st.integers(0, 3), SEEDS)
def test_position_embedding_agrees(samples, steps, channels, more, seed):
    shape = (samples, steps, channels)
    layer, x, y, dy, grads = run(PositionEmbedding, {"max_length": steps + more}, shape, seed)
    image = torch.tensor(x, requires_grad=True)
    weight = torch.tensor(layer.params["weight"], requires_grad=True)
    expected = image + torch.nn.functional.embedding(torch.arange(steps), weight)
    assert_agree(y, dy, grads, expected, {"x": image, "weight": weight})


@settings(max_examples=100, deadline=None)
@given(SIZES, st.integers(1, 40), SIZES, BASES, SEEDS)
def test_sinusoidal_position_agrees(samples, steps, channels, base, seed):
    shape = (samples, steps, channels)
    _, x, y, dy, grads = run(SinusoidalPosition, {"base": base}, shape, seed)
    image = torch.tensor(x, requires_grad=True)
    even = 2.0 * (torch.arange(channels).double() // 2)
    angles = torch.arange(steps).double()[:, None] * torch.exp(-even * (np.log(base) / channels))
    table = torch.where(torch.arange(channels) % 2 == 0, angles.sin(), angles.cos())
    assert_agree(y, dy, grads, image + table, {"x": image})


@settings(max_examples=100, deadline=None)
@given(SIZES, st.integers(1, 40), st.integers(0, 3), SIZES, BASES, SEEDS)
def test_rotary_embedding_agrees(samples, steps, heads, pairs, base, seed):
    """A rotation is a product of complex numbers, with heads 0 for an input without heads."""
    shape = (samples, steps, *((heads,) if heads else ()), 2 * pairs)
    _, x, y, dy, grads = run(RotaryEmbedding, {"base": base}, shape, seed)
    image = torch.tensor(x, requires_grad=True)
    turns = torch.arange(steps).double()[:, None] * base ** (-torch.arange(pairs).double() / pairs)
    turns = turns[:, None] if heads else turns
    numbers = torch.complex(image[..., :pairs], image[..., pairs:])
    rotated = numbers * torch.polar(torch.ones_like(turns), turns)
    expected = torch.cat([rotated.real, rotated.imag], dim=-1)
    assert_agree(y, dy, grads, expected, {"x": image})
