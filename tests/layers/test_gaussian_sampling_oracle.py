import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.builtin.layers.gaussian_sampling import GaussianSampling
from tinynet.layer import Build
from tinynet.layer.context import Context

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle


@settings(max_examples=200, deadline=None)
@given(
    shape=st.lists(st.integers(1, 4), max_size=3).map(tuple),
    batch=st.integers(1, 4),
    scale=st.sampled_from([0.1, 1.0, 10.0]),
    seed=st.integers(0, 2**32 - 1),
)
def test_values_and_gradients_agree_with_torch(shape, batch, scale, seed):
    layer = GaussianSampling(GaussianSampling.Config(), (shape, shape), Build(dtype=np.dtype("f8")))
    rng = np.random.default_rng(seed)
    mean, log_variance, dy = (rng.standard_normal((batch, *shape)) * scale for _ in range(3))
    ctx = Context(training=True, seed=seed)
    y, cache = layer.forward(ctx, mean, log_variance)
    grads, _ = layer.backward(ctx, cache, dy)

    noise, _ = layer.forward(Context(training=True, seed=seed), 0 * mean, 0 * log_variance)
    tensors = [torch.tensor(array, requires_grad=True) for array in (mean, log_variance)]
    expected = tensors[0] + (tensors[1] / 2).exp() * torch.tensor(noise)
    expected.backward(torch.tensor(dy))
    np.testing.assert_allclose(y, expected.detach().numpy(), rtol=1e-9, atol=1e-12)
    for gradient, tensor in zip(grads, tensors, strict=True):
        np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-9, atol=1e-12)
