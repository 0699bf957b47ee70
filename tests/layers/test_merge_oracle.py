import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

from tinynet.builtin.layers.merge import Add, Multiply, Subtract
from tinynet.layer import Build
from tinynet.layer.context import Context

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

OPERATIONS = {Add: torch.add, Subtract: torch.sub, Multiply: torch.mul}


@settings(max_examples=300, deadline=None)
@given(
    cls=st.sampled_from([Add, Subtract, Multiply]),
    count=st.integers(2, 4),
    batch=st.integers(1, 4),
    seed=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_broadcast_values_and_gradients_agree_with_torch(cls, count, batch, seed, data):
    count = 2 if cls is Subtract else count
    shapes = data.draw(mutually_broadcastable_shapes(num_shapes=count, max_dims=4, max_side=4))
    rng = np.random.default_rng(seed)
    layer = cls(cls.Config(), shapes.input_shapes, Build(dtype=np.dtype(np.float64)))
    inputs = [rng.standard_normal((batch, *shape)) for shape in shapes.input_shapes]
    ctx = Context(training=True)
    y, cache = layer.forward(ctx, *inputs)
    dy = rng.standard_normal((batch, *shapes.result_shape))
    grads, _ = layer.backward(ctx, cache, dy)

    # One sample after another: the batch axis takes no part in broadcasting.
    for sample in range(batch):
        tensors = [torch.tensor(x[sample], requires_grad=True) for x in inputs]
        expected = tensors[0]
        for tensor in tensors[1:]:
            expected = OPERATIONS[cls](expected, tensor)
        expected.backward(torch.tensor(dy[sample]))
        np.testing.assert_allclose(y[sample], expected.detach().numpy(), rtol=1e-9)
        for dx, tensor in zip(grads, tensors, strict=True):
            np.testing.assert_allclose(dx[sample], tensor.grad.numpy(), rtol=1e-9, atol=1e-12)
