import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.builtin.layers.repeat_vector import RepeatVector
from tinynet.layer import Build
from tinynet.layer.context import Context

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle


@settings(max_examples=100, deadline=None)
@given(
    features=st.integers(1, 8),
    n=st.integers(1, 8),
    batch=st.integers(1, 5),
    seed=st.integers(0, 2**32 - 1),
)
def test_values_and_gradients_agree_with_torch(features, n, batch, seed):
    rng = np.random.default_rng(seed)
    build = Build(dtype=np.dtype(np.float64))
    layer = RepeatVector(RepeatVector.Config(n=n), ((features,),), build)
    x, dy = rng.standard_normal((batch, features)), rng.standard_normal((batch, n, features))
    ctx = Context(training=True)
    y, cache = layer.forward(ctx, x)
    (dx,), _ = layer.backward(ctx, cache, dy)

    tensor = torch.tensor(x, requires_grad=True)
    expected = tensor.unsqueeze(1).repeat(1, n, 1)
    expected.backward(torch.tensor(dy))
    np.testing.assert_array_equal(y, expected.detach().numpy())
    np.testing.assert_allclose(dx, tensor.grad.numpy(), rtol=1e-9, atol=1e-12)
