"""PyTorch draws other elements; where both drop or both keep one, the results must agree."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.builtin.layers.alpha_dropout import AlphaDropout
from tinynet.builtin.layers.grouped_dropout import (
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
)
from tinynet.layer import Context

from .torch_comparison import build

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

LAYERS = [
    (AlphaDropout, 1, torch.nn.AlphaDropout),
    (SpatialDropout1D, 2, torch.nn.Dropout1d),
    (SpatialDropout2D, 3, torch.nn.Dropout2d),
    (SpatialDropout3D, 4, torch.nn.Dropout3d),
]


@pytest.mark.parametrize(("cls", "rank", "oracle"), LAYERS)
@settings(max_examples=100, deadline=None)
@given(rate=st.floats(0.1, 0.9), seed=st.integers(0, 2**32 - 1), data=st.data())
def test_values_and_gradients_agree_with_torch(cls, rank, oracle, rate, seed, data):
    lead = data.draw(st.lists(st.integers(1, 4), min_size=rank - 1, max_size=rank - 1))
    shape, rng = (*lead, 30), np.random.default_rng(seed)
    x, dy = rng.standard_normal((2, 8, *shape)) + 3  # nowhere 0
    layer, ctx = build(cls, {"rate": rate}, (shape,)), Context(training=True, seed=seed)
    y, cache = layer.forward(ctx, x)
    (dx,), _ = layer.backward(ctx, cache, dy)

    torch.manual_seed(seed)
    tensor = torch.tensor(x, requires_grad=True)
    y_torch = oracle(rate)(tensor.movedim(-1, 1)).movedim(1, -1)
    y_torch.backward(torch.tensor(dy))
    dx_torch = tensor.grad.numpy()
    same = (dx == 0) == (dx_torch == 0)
    assert same.mean() > 0.2
    np.testing.assert_allclose(y[same], y_torch.detach().numpy()[same], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(dx[same], dx_torch[same], rtol=1e-9)
    groups = dx_torch.reshape(8, -1, 30) == 0
    ours = dx.reshape(8, -1, 30) == 0
    if rank > 1:  # whole channels, in both
        for dropped in (groups, ours):
            np.testing.assert_array_equal(dropped, dropped[:, :1].repeat(dropped.shape[1], axis=1))
