import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.builtin.layers.bilinear import Bilinear
from tinynet.builtin.layers.cosine_similarity import CosineSimilarity

from .torch_comparison import assert_agrees, build

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

SIZES = st.integers(1, 5)
LEADS = st.lists(st.integers(1, 4), max_size=2)
SEEDS = st.integers(0, 2**32 - 1)


@settings(max_examples=100, deadline=None)
@given(LEADS, SIZES, SIZES, SIZES, SIZES, st.booleans(), SEEDS)
def test_bilinear_agrees_with_torch(lead, first, second, units, batch, use_bias, seed):
    shapes = [(*lead, first), (*lead, second)]
    layer = build(Bilinear, {"units": units, "use_bias": use_bias}, shapes, seed)
    rng = np.random.default_rng(seed)
    inputs = [rng.standard_normal((batch, *shape)) for shape in shapes]

    def oracle(a, b, weight, bias=None):
        return torch.nn.functional.bilinear(a, b, weight.permute(2, 0, 1), bias)

    assert_agrees(layer, oracle, inputs)


@settings(max_examples=150, deadline=None)
@given(
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    keepdims=st.booleans(),
    epsilon=st.sampled_from([1e-8, 0.5, 3.0]),
    batch=SIZES,
    seed=SEEDS,
    data=st.data(),
)
def test_cosine_similarity_agrees_with_torch(shape, keepdims, epsilon, batch, seed, data):
    axis = data.draw(st.integers(1, len(shape)), label="axis")
    other = [
        size if place == axis else data.draw(st.sampled_from([size, 1]))
        for place, size in enumerate(shape, 1)
    ]
    shapes = data.draw(st.permutations([tuple(shape), tuple(other)]))
    options = {"axis": axis, "keepdims": keepdims, "epsilon": epsilon}
    layer = build(CosineSimilarity, options, shapes)
    rng = np.random.default_rng(seed)
    inputs = [rng.standard_normal((batch, *shape)) for shape in shapes]

    def oracle(a, b):
        # For a norm below the least one, PyTorch's own function has another gradient.
        norms = [x.norm(dim=axis, keepdim=True).clamp_min(epsilon) for x in (a, b)]
        y = (a * b / (norms[0] * norms[1])).sum(axis, keepdim=keepdims)
        same = torch.nn.functional.cosine_similarity(a, b, dim=axis, eps=epsilon)
        torch.testing.assert_close(y.reshape(same.shape), same)
        return y

    assert_agrees(layer, oracle, inputs)
