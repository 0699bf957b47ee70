"""Padding and cropping that differ from PyTorch's `pad` would shift what a network sees."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.builtin.layers.cropping import Cropping1D, Cropping2D, Cropping3D
from tinynet.builtin.layers.zero_padding import ZeroPadding1D, ZeroPadding2D, ZeroPadding3D

from .image_layers import agree_with_torch

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

SEEDS = st.integers(0, 2**32 - 1)


def check(layer_type, name, sides, sizes, sign, seed):
    """Compare with `pad`, which has the last axis first, and crops by negative numbers."""
    counts = [sign * count for side in reversed(sides) for count in side]
    agree_with_torch(
        layer_type,
        {name: sides[0] if len(sides) == 1 else sides},
        (2, *sizes, 3),
        seed,
        lambda x: torch.nn.functional.pad(x, counts),
    )


@pytest.mark.parametrize(
    ("layer_type", "axes"), [(ZeroPadding1D, 1), (ZeroPadding2D, 2), (ZeroPadding3D, 3)]
)
@settings(max_examples=100, deadline=None)
@given(data=st.data(), seed=SEEDS)
def test_zero_padding_agrees(layer_type, axes, data, seed):
    side = st.tuples(st.integers(0, 3), st.integers(0, 3))
    sides = data.draw(st.tuples(*[side] * axes))
    sizes = data.draw(st.tuples(*[st.integers(1, 4)] * axes))
    check(layer_type, "padding", sides, sizes, 1, seed)


@pytest.mark.parametrize(
    ("layer_type", "axes"), [(Cropping1D, 1), (Cropping2D, 2), (Cropping3D, 3)]
)
@settings(max_examples=100, deadline=None)
@given(data=st.data(), seed=SEEDS)
def test_cropping_agrees(layer_type, axes, data, seed):
    side = st.tuples(st.integers(0, 3), st.integers(0, 3))
    sides = data.draw(st.tuples(*[side] * axes))
    sizes = [sum(pair) + data.draw(st.integers(1, 3)) for pair in sides]
    check(layer_type, "cropping", sides, sizes, -1, seed)
