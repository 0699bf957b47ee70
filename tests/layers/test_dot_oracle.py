import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.builtin.layers.dot import Dot
from tinynet.layer import Build
from tinynet.layer.context import Context

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

rests = st.lists(st.integers(1, 4), max_size=2)


@settings(max_examples=300, deadline=None)
@given(
    size=st.integers(1, 6),
    first=rests,
    second=rests,
    normalize=st.booleans(),
    batch=st.integers(1, 4),
    seed=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_values_and_gradients_agree_with_torch(size, first, second, normalize, batch, seed, data):
    axes = [data.draw(st.integers(1, 1 + len(rest)), label="axis") for rest in (first, second)]
    in_shapes = tuple(
        (*rest[: axis - 1], size, *rest[axis - 1 :])
        for rest, axis in zip((first, second), axes, strict=True)
    )
    config = Dot.Config(axes=axes, normalize=normalize)
    layer = Dot(config, in_shapes, Build(dtype=np.dtype(np.float64)))
    rng = np.random.default_rng(seed)
    inputs = [rng.standard_normal((batch, *shape)) for shape in in_shapes]
    ctx = Context(training=True)
    y, cache = layer.forward(ctx, *inputs)
    dy = rng.standard_normal(y.shape)
    grads, _ = layer.backward(ctx, cache, dy)

    for sample in range(batch):
        tensors = [torch.tensor(x[sample], requires_grad=True) for x in inputs]
        vectors = [
            torch.nn.functional.normalize(x, dim=axis - 1) if normalize else x
            for x, axis in zip(tensors, axes, strict=True)
        ]
        expected = torch.tensordot(*vectors, dims=([axes[0] - 1], [axes[1] - 1]))
        expected = expected.reshape(layer.out_shape)
        expected.backward(torch.tensor(dy[sample]))
        np.testing.assert_allclose(y[sample], expected.detach().numpy(), rtol=1e-9, atol=1e-12)
        for dx, tensor in zip(grads, tensors, strict=True):
            np.testing.assert_allclose(dx[sample], tensor.grad.numpy(), rtol=1e-9, atol=1e-10)
