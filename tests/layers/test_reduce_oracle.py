import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.builtin.layers.reduce import ReduceMax, ReduceMean, ReduceMin, ReduceStd, ReduceSum

from .torch_comparison import assert_agrees, build

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

ORACLES = {
    ReduceMax: torch.amax,
    ReduceMean: torch.mean,
    ReduceMin: torch.amin,
    ReduceStd: lambda x, **axes: torch.std(x, correction=0, **axes),
    ReduceSum: torch.sum,
}


@pytest.mark.parametrize("cls", ORACLES)
@settings(max_examples=100, deadline=None)
@given(
    in_shape=st.lists(st.integers(2, 5), min_size=1, max_size=3).map(tuple),
    keepdims=st.booleans(),
    ties=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_values_and_gradients_agree_with_torch(cls, in_shape, keepdims, ties, seed, data):
    rank = len(in_shape)
    axes = data.draw(st.none() | st.lists(st.integers(1, rank), min_size=1, unique=True))
    x = np.random.default_rng(seed).standard_normal((3, *in_shape))
    if ties and cls is not ReduceStd:  # of equal numbers, PyTorch's gradient is NaN
        x = np.round(x)
    layer = build(cls, {"axes": axes, "keepdims": keepdims}, (in_shape,))
    dim = axes or [*range(1, rank + 1)]
    assert_agrees(layer, lambda x: ORACLES[cls](x, dim=dim, keepdim=keepdims), [x])
