from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

from tinynet.builtin.layers.divide import Divide
from tinynet.builtin.layers.extrema import Maximum, Minimum
from tinynet.builtin.layers.merge import Add, Average, Multiply, Subtract
from tinynet.builtin.layers.power import Power
from tinynet.layer import Build
from tinynet.layer.context import Context

from .torch_comparison import assert_agrees, build

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

OPERATIONS = {
    Add: lambda *inputs: sum(inputs),
    Average: lambda *inputs: torch.stack(torch.broadcast_tensors(*inputs)).mean(0),
    Divide: torch.div,
    Maximum: lambda *inputs: torch.stack(torch.broadcast_tensors(*inputs)).amax(0),
    Minimum: lambda *inputs: torch.stack(torch.broadcast_tensors(*inputs)).amin(0),
    Multiply: lambda *inputs: reduce(torch.mul, inputs),
    Power: torch.pow,
    Subtract: torch.sub,
}


@pytest.mark.parametrize("cls", OPERATIONS)
@settings(max_examples=100, deadline=None)
@given(
    count=st.integers(2, 4),
    batch=st.integers(1, 4),
    ties=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_broadcast_values_and_gradients_agree_with_torch(cls, count, batch, ties, seed, data):
    count = 2 if cls in (Divide, Power, Subtract) else count
    shapes = data.draw(mutually_broadcastable_shapes(num_shapes=count, max_dims=4, max_side=4))
    rng = np.random.default_rng(seed)
    layer = cls(cls.Config(), shapes.input_shapes, Build(dtype=np.dtype(np.float64)))
    inputs = [rng.standard_normal((batch, *shape)) for shape in shapes.input_shapes]
    if cls is Power:  # a power of a negative number is NaN
        inputs[0] = np.abs(inputs[0])
    elif ties and cls is not Divide:
        inputs = [np.round(x) for x in inputs]
    ctx = Context(training=True)
    y, cache = layer.forward(ctx, *inputs)
    dy = rng.standard_normal((batch, *shapes.result_shape))
    grads, _ = layer.backward(ctx, cache, dy)

    # One sample after another: the batch axis takes no part in broadcasting.
    for sample in range(batch):
        tensors = [torch.tensor(x[sample], requires_grad=True) for x in inputs]
        expected = OPERATIONS[cls](*tensors)
        expected.backward(torch.tensor(dy[sample]))
        np.testing.assert_allclose(y[sample], expected.detach().numpy(), rtol=1e-9)
        for dx, tensor in zip(grads, tensors, strict=True):
            np.testing.assert_allclose(dx[sample], tensor.grad.numpy(), rtol=1e-9, atol=1e-12)


@settings(max_examples=100, deadline=None)
@given(
    exponent=st.sampled_from([-2, -0.5, 0, 0.5, 1, 2, 3]) | st.floats(-3, 3),
    in_shape=st.lists(st.integers(1, 4), max_size=3).map(tuple),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_power_of_a_number_agrees_with_torch(exponent, in_shape, seed):
    x = np.random.default_rng(seed).uniform(0.2, 3, (2, *in_shape))
    layer = build(Power, {"exponent": exponent}, (in_shape,))
    assert_agrees(layer, lambda x: x**exponent, [x])
