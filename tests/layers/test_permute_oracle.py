import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.builtin.layers.permute import Permute
from tinynet.layer import Build
from tinynet.layer.context import Context

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle


@settings(max_examples=100, deadline=None)
@given(
    in_shape=st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple),
    batch=st.integers(1, 4),
    seed=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_values_and_gradients_agree_with_torch(in_shape, batch, seed, data):
    dims = data.draw(st.permutations(range(1, len(in_shape) + 1)))
    rng = np.random.default_rng(seed)
    layer = Permute(Permute.Config(dims=dims), (in_shape,), Build(dtype=np.dtype(np.float64)))
    x = rng.standard_normal((batch, *in_shape))
    ctx = Context(training=True)
    y, cache = layer.forward(ctx, x)
    dy = rng.standard_normal(y.shape)
    (dx,), _ = layer.backward(ctx, cache, dy)

    tensor = torch.tensor(x, requires_grad=True)
    expected = tensor.permute(0, *dims)
    expected.backward(torch.tensor(dy))
    np.testing.assert_array_equal(y, expected.detach().numpy())
    np.testing.assert_array_equal(dx, tensor.grad.numpy())
