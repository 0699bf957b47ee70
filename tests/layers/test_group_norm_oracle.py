import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.builtin.layers.group_norm import GroupNorm, InstanceNorm
from tinynet.builtin.layers.local_response_norm import LocalResponseNorm

from .torch_comparison import assert_agrees, build

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

SIZES = st.integers(1, 4)
SEEDS = st.integers(0, 2**32 - 1)
EPSILONS = st.sampled_from([1e-5, 1e-3, 0.5])


def channels_first(function):
    """The function of PyTorch on arrays whose channels are last."""

    def moved(x):
        y = function(x.movedim(-1, 1).contiguous())
        # In another memory order, the backward of normalization in PyTorch 2.13 is wrong.
        y.register_hook(lambda dy: dy.contiguous())
        return y.movedim(1, -1)

    return moved


def inputs(shape, batch, seed):
    return [np.random.default_rng(seed).standard_normal((batch, *shape)) * 3 + 1]


@settings(max_examples=200, deadline=None)
@given(
    lead=st.lists(st.integers(1, 5), max_size=3),
    groups=SIZES,
    size=SIZES,
    batch=SIZES,
    affine=st.tuples(st.booleans(), st.booleans()),
    epsilon=EPSILONS,
    seed=SEEDS,
)
def test_group_norm_agrees_with_torch(lead, groups, size, batch, affine, epsilon, seed):
    shape = (*lead, groups * size)
    if np.prod(shape) == groups:
        shape = (*lead, 2 * groups)
    options = {"groups": groups, "epsilon": epsilon, "scale": affine[0], "center": affine[1]}

    def oracle(x, gamma=None, beta=None):
        if gamma is None:  # the backward of PyTorch 2.13 fails for a beta alone
            gamma = torch.ones(shape[-1], dtype=x.dtype)
        return channels_first(
            lambda y: torch.nn.functional.group_norm(y, groups, gamma, beta, epsilon)
        )(x)

    layer = build(GroupNorm, options, (shape,), seed)
    assert_agrees(layer, oracle, inputs(shape, batch, seed), atol=1e-9)


@settings(max_examples=100, deadline=None)
@given(
    lead=st.lists(st.integers(2, 5), min_size=1, max_size=3),
    channels=st.integers(1, 6),
    batch=SIZES,
    affine=st.tuples(st.booleans(), st.booleans()),
    epsilon=EPSILONS,
    seed=SEEDS,
)
def test_instance_norm_agrees_with_torch(lead, channels, batch, affine, epsilon, seed):
    shape = (*lead, channels)
    options = {"epsilon": epsilon, "scale": affine[0], "center": affine[1]}

    def oracle(x, gamma=None, beta=None):
        return channels_first(
            lambda y: torch.nn.functional.instance_norm(y, weight=gamma, bias=beta, eps=epsilon)
        )(x)

    layer = build(InstanceNorm, options, (shape,), seed)
    assert_agrees(layer, oracle, inputs(shape, batch, seed), atol=1e-9)


@settings(max_examples=100, deadline=None)
@given(
    lead=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    channels=st.integers(1, 8),
    size=st.integers(1, 9),
    numbers=st.tuples(st.floats(0, 3), st.floats(-1, 2), st.floats(0.1, 3)),
    batch=SIZES,
    seed=SEEDS,
)
def test_local_response_norm_agrees_with_torch(lead, channels, size, numbers, batch, seed):
    shape, (alpha, beta, k) = (*lead, channels), numbers
    options = {"size": size, "alpha": alpha, "beta": beta, "k": k}
    oracle = channels_first(torch.nn.LocalResponseNorm(size, alpha, beta, k))
    layer = build(LocalResponseNorm, options, (shape,))
    assert_agrees(layer, oracle, inputs(shape, batch, seed), atol=1e-9)
