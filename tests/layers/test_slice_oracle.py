import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.builtin.layers.slice import Slice
from tinynet.layer import Build
from tinynet.layer.context import Context

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle


@settings(max_examples=150, deadline=None)
@given(
    lengths=st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(1, 4)),
    batch=st.integers(1, 4),
    step=st.integers(1, 4),
    seed=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_values_and_gradients_agree_with_torch(lengths, batch, step, seed, data):
    start = data.draw(st.integers(-lengths[1], lengths[1] - 1))
    options = {"axis": 2, "start": start, "step": step}
    rng = np.random.default_rng(seed)
    layer = Slice(Slice.Config(**options), (lengths,), Build(dtype=np.dtype(np.float64)))
    x = rng.standard_normal((batch, *lengths))
    ctx = Context(training=True)
    y, cache = layer.forward(ctx, x)
    dy = rng.standard_normal(y.shape)
    (dx,), _ = layer.backward(ctx, cache, dy)

    tensor = torch.tensor(x, requires_grad=True)
    expected = tensor[:, :, start::step]
    expected.backward(torch.tensor(dy))
    np.testing.assert_array_equal(y, expected.detach().numpy())
    np.testing.assert_array_equal(dx, tensor.grad.numpy())
