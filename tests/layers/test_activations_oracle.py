import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet import registry
from tinynet.builtin.layers.activations import LeakyReLU, ReLU, Sigmoid, SiLU, Tanh
from tinynet.builtin.layers.exponential_linear import CELU, ELU, SELU
from tinynet.builtin.layers.gated import GLU, SwiGLU
from tinynet.builtin.layers.gelu import GELU
from tinynet.builtin.layers.piecewise_activations import (
    Clip,
    HardShrink,
    HardSigmoid,
    HardSiLU,
    HardTanh,
    ReLU6,
    SoftShrink,
    Threshold,
)
from tinynet.builtin.layers.prelu import PReLU
from tinynet.builtin.layers.smooth_activations import (
    Exponential,
    LogSigmoid,
    Mish,
    Softplus,
    Softsign,
    TanhShrink,
)
from tinynet.builtin.layers.softmax import LogSoftmax, Softmax
from tinynet.layer import Build
from tinynet.layer.context import Context

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

nn = torch.nn


def fixed(cls, oracle, **options):
    """A layer without random options."""
    return cls, st.just((options, oracle))


def swiglu(x):
    a, b = x.chunk(2, -1)
    return nn.functional.silu(a) * b


# PyTorch's own gradients of these two use constants that are rounded to float32.


def celu(alpha):
    return lambda x: x.clamp(min=0) + alpha * torch.expm1(x.clamp(max=0) / alpha)


def hard_sigmoid(x):
    return nn.functional.relu6(x + 3) / 6


SLOPES = st.floats(0, 1)
ALPHAS = st.floats(0.01, 10)
BOUNDS = st.tuples(st.floats(-3, 1), st.floats(1.5, 3))
CASES = [
    fixed(ReLU, nn.ReLU()),
    (LeakyReLU, SLOPES.map(lambda s: ({"negative_slope": s}, nn.LeakyReLU(s)))),
    fixed(LeakyReLU, nn.LeakyReLU()),
    (ELU, ALPHAS.map(lambda a: ({"alpha": a}, nn.ELU(a)))),
    fixed(ELU, nn.ELU()),
    (CELU, ALPHAS.map(lambda a: ({"alpha": a}, celu(a)))),
    fixed(CELU, nn.CELU()),
    fixed(SELU, nn.SELU()),
    fixed(Sigmoid, nn.Sigmoid()),
    fixed(Tanh, nn.Tanh()),
    fixed(SiLU, nn.SiLU()),
    fixed(GELU, nn.GELU()),
    fixed(GELU, nn.GELU("tanh"), approximate="tanh"),
    fixed(Exponential, torch.exp),
    fixed(Softplus, nn.Softplus(threshold=1000)),  # above it, PyTorch returns x
    fixed(LogSigmoid, nn.LogSigmoid()),
    fixed(Softsign, nn.Softsign()),
    fixed(Mish, nn.Mish()),
    fixed(TanhShrink, nn.Tanhshrink()),
    fixed(ReLU6, nn.ReLU6()),
    fixed(HardTanh, nn.Hardtanh()),
    fixed(HardSigmoid, hard_sigmoid),
    fixed(HardSiLU, nn.Hardswish()),
    (Clip, BOUNDS.map(lambda b: ({"min": b[0], "max": b[1]}, lambda x: x.clamp(*b)))),
    (Threshold, BOUNDS.map(lambda b: (threshold(*b), nn.Threshold(*b)))),
    (HardShrink, SLOPES.map(lambda s: ({"threshold": s}, nn.Hardshrink(s)))),
    (SoftShrink, SLOPES.map(lambda s: ({"threshold": s}, nn.Softshrink(s)))),
    (Softmax, st.integers(-2, -1).map(lambda a: ({"axis": a}, nn.Softmax(a)))),
    (LogSoftmax, st.integers(-2, -1).map(lambda a: ({"axis": a}, nn.LogSoftmax(a)))),
    (GLU, st.integers(-2, -1).map(lambda a: ({"axis": a}, nn.GLU(a)))),
    fixed(SwiGLU, swiglu),
]


def threshold(limit, value):
    return {"threshold": limit, "default_value": value}


@pytest.mark.parametrize(
    ("cls", "options"), CASES, ids=[f"{i}-{cls.__name__}" for i, (cls, _) in enumerate(CASES)]
)
@settings(max_examples=100, deadline=None)
@given(
    in_shape=st.lists(st.integers(1, 5), min_size=2, max_size=3).map(tuple),
    scale=st.sampled_from([0.1, 1.0, 30.0]),
    seed=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_values_and_gradients_agree_with_torch(cls, options, in_shape, scale, seed, data):
    options, oracle = data.draw(options)
    if cls in (GLU, SwiGLU):
        in_shape = tuple(2 * size for size in in_shape)
    x = np.random.default_rng(seed).standard_normal((3, *in_shape)) * scale
    layer = cls(cls.Config(**options), (in_shape,), Build(dtype=x.dtype))
    ctx = Context(training=True)
    y, cache = layer.forward(ctx, x)
    dy = np.random.default_rng(seed + 1).standard_normal(y.shape) * scale
    ((dx,), _) = layer.backward(ctx, cache, dy)

    x_torch = torch.tensor(x, requires_grad=True)
    y_torch = oracle(x_torch)
    y_torch.backward(torch.tensor(dy))
    np.testing.assert_allclose(y, y_torch.detach().numpy(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(dx, x_torch.grad.numpy(), rtol=1e-9, atol=1e-12)


@settings(max_examples=100, deadline=None)
@given(
    samples=st.integers(1, 4),
    rest=st.lists(st.integers(1, 4), max_size=2),
    channels=st.integers(1, 5),
    alone=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_prelu_agrees_with_torch(samples, rest, channels, alone, seed):
    """With one slope for each channel, or a single one."""
    rng, shape = np.random.default_rng(seed), (*rest, channels)
    options = {
        "shared_axes": list(range(1, len(shape) + alone)),
        "alpha_initializer": {"type": "uniform", "minval": -0.5, "maxval": 0.5},
    }
    build = Build(dtype=np.dtype(np.float64), seed=seed, create=registry.default().create)
    layer, ctx = PReLU(PReLU.Config(**options), (shape,), build), Context(training=True)
    x, dy = rng.standard_normal((2, samples, *shape))
    y, cache = layer.forward(ctx, x)
    (dx,), grads = layer.backward(ctx, cache, dy)

    image = torch.tensor(x, requires_grad=True)
    alpha = torch.tensor(layer.params["alpha"].reshape(-1), requires_grad=True)
    expected = nn.functional.prelu(image.movedim(-1, 1), alpha).movedim(1, -1)
    expected.backward(torch.tensor(dy))
    np.testing.assert_allclose(y, expected.detach().numpy(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(dx, image.grad.numpy(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(
        grads["alpha"].reshape(-1), alpha.grad.numpy(), rtol=1e-9, atol=1e-12
    )
