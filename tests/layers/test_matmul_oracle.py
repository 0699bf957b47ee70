import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

from tinynet.builtin.layers.matmul import Matmul
from tinynet.layer import Build
from tinynet.layer.context import Context

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

sizes = st.integers(1, 5)


@settings(max_examples=300, deadline=None)
@given(
    rows=sizes,
    inner=sizes,
    columns=sizes,
    leads=mutually_broadcastable_shapes(num_shapes=2, max_dims=2, max_side=3),
    transpose_a=st.booleans(),
    transpose_b=st.booleans(),
    batch=st.integers(1, 4),
    seed=st.integers(0, 2**32 - 1),
)
def test_values_and_gradients_agree_with_torch(
    rows, inner, columns, leads, transpose_a, transpose_b, batch, seed
):
    rng = np.random.default_rng(seed)
    a_matrix = (inner, rows) if transpose_a else (rows, inner)
    b_matrix = (columns, inner) if transpose_b else (inner, columns)
    in_shapes = (*leads.input_shapes[0], *a_matrix), (*leads.input_shapes[1], *b_matrix)
    config = Matmul.Config(transpose_a=transpose_a, transpose_b=transpose_b)
    layer = Matmul(config, in_shapes, Build(dtype=np.dtype(np.float64)))
    inputs = [rng.standard_normal((batch, *shape)) for shape in in_shapes]
    ctx = Context(training=True)
    y, cache = layer.forward(ctx, *inputs)
    dy = rng.standard_normal(y.shape)
    (da, db), _ = layer.backward(ctx, cache, dy)

    for sample in range(batch):
        a, b = (torch.tensor(x[sample], requires_grad=True) for x in inputs)
        expected = torch.matmul(a.mT if transpose_a else a, b.mT if transpose_b else b)
        assert expected.shape == layer.out_shape
        expected.backward(torch.tensor(dy[sample]))
        np.testing.assert_allclose(y[sample], expected.detach().numpy(), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(da[sample], a.grad.numpy(), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(db[sample], b.grad.numpy(), rtol=1e-9, atol=1e-12)
