import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.builtin.layers.split import Split
from tinynet.layer import Build
from tinynet.layer.context import Context

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle


@settings(max_examples=150, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 4), min_size=1, max_size=5),
    rest=st.integers(1, 4),
    last=st.booleans(),
    batch=st.integers(1, 4),
    seed=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_values_and_gradients_agree_with_torch(sizes, rest, last, batch, seed, data):
    used = data.draw(st.sets(st.integers(0, len(sizes) - 1), min_size=1))
    in_shape = (rest, sum(sizes)) if last else (sum(sizes), rest)
    config = Split.Config(sections=sizes, axis=-1 if last else 1)
    layer = Split(config, (in_shape,), Build(dtype=np.dtype(np.float64)))
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((batch, *in_shape))
    ctx = Context(training=True)
    ys, cache = layer.forward(ctx, x)
    dys = [rng.standard_normal(y.shape) if i in used else None for i, y in enumerate(ys)]
    (dx,), _ = layer.backward(ctx, cache, tuple(dys))

    tensor = torch.tensor(x, requires_grad=True)
    expected = torch.split(tensor, sizes, dim=-1 if last else 1)
    sum((expected[i] * torch.tensor(dys[i])).sum() for i in used).backward()
    for y, right in zip(ys, expected, strict=True):
        np.testing.assert_array_equal(y, right.detach().numpy())
    np.testing.assert_array_equal(dx, tensor.grad.numpy())
