import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.builtin.layers.activations import ELU, LeakyReLU, ReLU, Sigmoid, SiLU, Tanh
from tinynet.builtin.layers.gelu import GELU
from tinynet.builtin.layers.softmax import Softmax
from tinynet.layer import Build
from tinynet.layer.context import Context

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

slopes = st.floats(0, 1)
alphas = st.floats(0.01, 10)
cases = st.one_of(
    st.just((ReLU, {}, torch.nn.ReLU())),
    slopes.map(lambda s: (LeakyReLU, {"negative_slope": s}, torch.nn.LeakyReLU(s))),
    st.just((LeakyReLU, {}, torch.nn.LeakyReLU())),
    alphas.map(lambda a: (ELU, {"alpha": a}, torch.nn.ELU(a))),
    st.just((ELU, {}, torch.nn.ELU())),
    st.just((Sigmoid, {}, torch.nn.Sigmoid())),
    st.just((Tanh, {}, torch.nn.Tanh())),
    st.just((SiLU, {}, torch.nn.SiLU())),
    st.just((GELU, {}, torch.nn.GELU())),
    st.just((GELU, {"approximate": "tanh"}, torch.nn.GELU("tanh"))),
    st.integers(-2, -1).map(lambda a: (Softmax, {"axis": a}, torch.nn.Softmax(a))),
)


@settings(max_examples=300, deadline=None)
@given(
    case=cases,
    in_shape=st.lists(st.integers(1, 5), min_size=2, max_size=3).map(tuple),
    scale=st.sampled_from([0.1, 1.0, 30.0]),
    seed=st.integers(0, 2**32 - 1),
)
def test_values_and_gradients_agree_with_torch(case, in_shape, scale, seed):
    cls, options, oracle = case
    x, dy = np.random.default_rng(seed).standard_normal((2, 3, *in_shape)) * scale
    layer = cls(cls.Config(**options), (in_shape,), Build(dtype=x.dtype))
    ctx = Context(training=True)
    y, cache = layer.forward(ctx, x)
    ((dx,), _) = layer.backward(ctx, cache, dy)

    x_torch = torch.tensor(x, requires_grad=True)
    y_torch = oracle(x_torch)
    y_torch.backward(torch.tensor(dy))
    np.testing.assert_allclose(y, y_torch.detach().numpy(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(dx, x_torch.grad.numpy(), rtol=1e-9, atol=1e-12)
