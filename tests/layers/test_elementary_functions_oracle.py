"""Elementary functions and cumulative sums against PyTorch, in float64."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.builtin.layers.cumulative_sum import CumulativeSum
from tinynet.builtin.layers.elementary_functions import Absolute, Cos, Log, Sin

from .torch_comparison import assert_agrees, build

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

shapes = st.lists(st.integers(1, 5), min_size=1, max_size=3).map(tuple)
FUNCTIONS = {Absolute: torch.abs, Cos: torch.cos, Log: torch.log, Sin: torch.sin}


@pytest.mark.parametrize("cls", FUNCTIONS)
@settings(max_examples=100, deadline=None)
@given(in_shape=shapes, scale=st.sampled_from([0.1, 1.0, 100.0]), seed=st.integers(0, 2**32 - 1))
def test_functions_agree_with_torch(cls, in_shape, scale, seed):
    x = np.random.default_rng(seed).standard_normal((3, *in_shape)) * scale
    if cls is Log:
        x = np.abs(x) + 1e-3 * scale
    if cls is Absolute:
        x = np.round(x)  # some of them 0
    assert_agrees(build(cls, {}, (in_shape,)), FUNCTIONS[cls], [x])


def cumulative_sum(x, axis, exclusive, reverse):
    if reverse:
        return cumulative_sum(x.flip(axis), axis, exclusive, False).flip(axis)
    return x.cumsum(axis) - (x if exclusive else 0)


@settings(max_examples=100, deadline=None)
@given(
    in_shape=shapes,
    exclusive=st.booleans(),
    reverse=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_cumulative_sums_agree_with_torch(in_shape, exclusive, reverse, seed, data):
    axis = data.draw(st.integers(1, len(in_shape)) | st.integers(-len(in_shape), -1))
    options = {"axis": axis, "exclusive": exclusive, "reverse": reverse}
    x = np.random.default_rng(seed).standard_normal((3, *in_shape))
    layer = build(CumulativeSum, options, (in_shape,))
    assert_agrees(layer, lambda x: cumulative_sum(x, **options), [x])
