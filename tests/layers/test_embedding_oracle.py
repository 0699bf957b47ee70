import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet import registry
from tinynet.builtin.layers.embedding import Embedding
from tinynet.layer import Build
from tinynet.layer.context import Context

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle


@settings(max_examples=250, deadline=None)
@given(
    input_dim=st.integers(1, 50),
    output_dim=st.integers(1, 8),
    in_shape=st.lists(st.integers(1, 6), max_size=3).map(tuple),
    batch=st.integers(1, 8),
    floating=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_values_and_gradients_agree_with_torch(
    input_dim, output_dim, in_shape, batch, floating, seed
):
    rng = np.random.default_rng(seed)
    layer = Embedding(
        Embedding.Config(input_dim=input_dim, output_dim=output_dim),
        (in_shape,),
        Build(dtype=np.dtype(np.float64), seed=seed, create=registry.default().create),
    )
    x = rng.integers(0, input_dim, (batch, *in_shape))
    ctx = Context(training=True)
    y, cache = layer.forward(ctx, x.astype(np.float64) if floating else x)
    dy = rng.standard_normal(y.shape)
    _, grads = layer.backward(ctx, cache, dy)

    weight = torch.tensor(layer.params["weight"], requires_grad=True)
    y_torch = torch.nn.functional.embedding(torch.tensor(x), weight)
    y_torch.backward(torch.tensor(dy))
    np.testing.assert_allclose(y, y_torch.detach().numpy(), rtol=1e-9)
    np.testing.assert_allclose(grads["weight"], weight.grad.numpy(), rtol=1e-9, atol=1e-12)
