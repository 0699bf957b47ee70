"""squeeze, expand_dims, tile, pad, gather, identity and scale, compared with PyTorch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.builtin.layers.gather import Gather
from tinynet.builtin.layers.identity import Identity
from tinynet.builtin.layers.pad import Pad
from tinynet.builtin.layers.reshape import ExpandDims, Squeeze
from tinynet.builtin.layers.scale import Scale
from tinynet.builtin.layers.tile import Tile

from .torch_comparison import assert_agrees, build

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple)
many = settings(max_examples=100, deadline=None)


def compare(layer_class, options, in_shape, oracle, seed=0):
    x = np.random.default_rng(seed).standard_normal((3, *in_shape))
    assert_agrees(build(layer_class, options, (in_shape,), seed), oracle, [x])


def axis_of(data, rank):
    """An axis of (N, ...) that is not the batch, from either end."""
    return data.draw(st.integers(1, rank) | st.integers(-rank, -1), label="axis")


@many
@given(SHAPES, st.data())
def test_squeeze_agrees(shape, data):
    axis = axis_of(data, len(shape) + 1)
    place = axis - 1 if axis > 0 else axis + len(shape) + 1
    in_shape = (*shape[:place], 1, *shape[place:])
    compare(Squeeze, {"axis": axis}, in_shape, lambda x: x.squeeze(axis))


@many
@given(SHAPES, st.data())
def test_expand_dims_agrees(shape, data):
    axis = axis_of(data, len(shape) + 1)
    compare(ExpandDims, {"axis": axis}, shape, lambda x: x.unsqueeze(axis))


@many
@given(SHAPES, st.data())
def test_tile_agrees(shape, data):
    repeats = data.draw(st.lists(st.integers(1, 3), min_size=1, max_size=len(shape)))
    compare(Tile, {"repeats": repeats}, shape, lambda x: x.tile(repeats))


@many
@given(SHAPES, st.data())
def test_gather_agrees(shape, data):
    axis = axis_of(data, len(shape))
    size = shape[axis - 1 if axis > 0 else axis]
    indices = data.draw(st.lists(st.integers(-size, size - 1), min_size=1, max_size=9))
    chosen = torch.tensor(indices) % size
    options = {"axis": axis, "indices": indices}
    compare(Gather, options, shape, lambda x: x.index_select(axis, chosen))


@many
@given(SHAPES, st.data())
def test_constant_padding_agrees(shape, data):
    pairs = [data.draw(st.lists(st.integers(0, 3), min_size=2, max_size=2)) for _ in shape]
    value = data.draw(st.floats(-2, 2))
    flat = [width for pair in reversed(pairs) for width in pair]
    options = {"pad_width": pairs, "constant_values": value}
    compare(Pad, options, shape, lambda x: torch.nn.functional.pad(x, flat, value=value))


@pytest.mark.parametrize(
    ("mode", "name"), [("reflect", "reflect"), ("edge", "replicate"), ("wrap", "circular")]
)
@many
@given(shape=st.lists(st.integers(1, 5), min_size=1, max_size=3).map(tuple), data=st.data())
def test_padding_with_elements_agrees(mode, name, shape, data):
    most = [{"reflect": size - 1, "wrap": size}.get(mode, 6) for size in shape]
    pairs = [data.draw(st.tuples(*[st.integers(0, n)] * 2).map(list)) for n in most]
    flat = [width for pair in reversed(pairs) for width in pair]
    # PyTorch pads the axes after the batch and the channels.
    options = {"pad_width": pairs, "mode": mode}
    compare(
        Pad,
        options,
        shape,
        lambda x: torch.nn.functional.pad(x[:, None], flat, mode=name)[:, 0],
    )


@many
@given(SHAPES, st.booleans(), st.integers(0, 2**32 - 1), st.data())
def test_scale_agrees(shape, center, seed, data):
    axis = data.draw(st.lists(st.integers(1, len(shape)), unique=True))
    compare(
        Scale,
        {"axis": axis, "center": center},
        shape,
        lambda x, gamma, beta=0: x * gamma + beta,
        seed,
    )


@many
@given(SHAPES)
def test_identity_agrees(shape):
    compare(Identity, {}, shape, torch.nn.Identity())
