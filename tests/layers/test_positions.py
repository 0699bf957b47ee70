"""Layers that add positions to a sequence: their values, options and errors."""

from itertools import pairwise

import numpy as np
import pytest
from pydantic import ValidationError

import tinynet.registry
from tinynet.builtin.layers.position_embedding import PositionEmbedding
from tinynet.builtin.layers.rotary_embedding import RotaryEmbedding
from tinynet.builtin.layers.sinusoidal_position import SinusoidalPosition
from tinynet.errors import ShapeError
from tinynet.layer import Build, Context, Needs


def layer(layer_class, in_shape, dtype=np.float64, **options):
    build = Build(dtype=np.dtype(dtype), create=tinynet.registry.default().create)
    return layer_class(layer_class.Config(**options), (in_shape,), build)


def batch(shape):
    return np.random.default_rng(0).standard_normal(shape)


def test_position_embedding_adds_its_weight():
    embedding = layer(PositionEmbedding, (3, 2), max_length=5)
    weight = embedding.params["weight"]
    weight[...] = np.arange(10).reshape(5, 2)
    y, _ = embedding.forward(Context(), np.array([[[1.0, 1], [2, 2], [3, 3]]]))
    np.testing.assert_array_equal(y, [[[1, 2], [4, 5], [7, 8]]])


def test_positions_after_the_sequence_have_no_gradient():
    embedding, x = layer(PositionEmbedding, (3, 2), max_length=5), batch((4, 3, 2))
    ctx = Context(training=True)
    _, cache = embedding.forward(ctx, x)
    (dx,), grads = embedding.backward(ctx, cache, x)
    np.testing.assert_array_equal(dx, x)
    np.testing.assert_allclose(grads["weight"][:3], x.sum(axis=0))
    np.testing.assert_array_equal(grads["weight"][3:], np.zeros((2, 2)))


def test_position_embedding_is_as_long_as_its_input_by_default():
    assert layer(PositionEmbedding, (3, 2)).params["weight"].shape == (3, 2)


def test_a_sequence_longer_than_max_length_is_refused():
    with pytest.raises(ShapeError, match="sequence of 7 steps; set max_length to 7 or more"):
        layer(PositionEmbedding, (7, 2), max_length=5)


def test_frozen_position_embedding_returns_no_gradient():
    embedding, x = layer(PositionEmbedding, (3, 2)), batch((4, 3, 2))
    ctx = Context(training=True, needs=Needs((False,), frozenset()))
    assert embedding.backward(ctx, None, x) == ((None,), {})


def test_sinusoids_alternate_sine_and_cosine():
    y, _ = layer(SinusoidalPosition, (3, 5), base=10.0).forward(Context(), np.zeros((1, 3, 5)))
    for position in range(3):
        expected = [
            np.sin(position),
            np.cos(position),
            np.sin(position / 10**0.4),
            np.cos(position / 10**0.4),
            np.sin(position / 10**0.8),
        ]
        np.testing.assert_allclose(y[0, position], expected, rtol=1e-12)


def test_sinusoids_of_float32_are_rounded_once():
    x = np.zeros((1, 4000, 6), np.float32)
    y, _ = layer(SinusoidalPosition, (4000, 6), np.float32).forward(Context(), x)
    exact, _ = layer(SinusoidalPosition, (4000, 6)).forward(Context(), x.astype(np.float64))
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y, exact.astype(np.float32))


def test_rotary_embedding_rotates_pairs():
    rotary = layer(RotaryEmbedding, (3, 4), base=16.0)
    x = np.tile([1.0, 1, 0, 2], (1, 3, 1))
    y, _ = rotary.forward(Context(), x)
    np.testing.assert_array_equal(y[0, 0], x[0, 0])
    for position in range(3):
        fast, slow = position, position / 4
        expected = [
            np.cos(fast),
            np.cos(slow) - 2 * np.sin(slow),
            np.sin(fast),
            2 * np.cos(slow) + np.sin(slow),
        ]
        np.testing.assert_allclose(y[0, position], expected, rtol=1e-12, atol=1e-15)


def test_rotated_products_depend_on_the_distance_alone():
    query, key = (np.broadcast_to(row, (1, 9, 2, 6)) for row in batch((2, 2, 6)))
    rotary = layer(RotaryEmbedding, (9, 2, 6))
    rotated = [rotary.forward(Context(), x)[0][0] for x in (query, key)]
    products = np.einsum("thd,shd->hts", *rotated)
    for distance in range(-8, 9):
        diagonal = np.diagonal(products, distance, axis1=1, axis2=2)
        np.testing.assert_allclose(diagonal, diagonal[:, :1] + np.zeros_like(diagonal), rtol=1e-9)


def test_the_heads_of_a_position_are_rotated_alike():
    x = batch((2, 5, 3, 4))
    y, _ = layer(RotaryEmbedding, (5, 3, 4)).forward(Context(), x)
    for head in range(3):
        alone, _ = layer(RotaryEmbedding, (5, 4)).forward(Context(), x[:, :, head])
        np.testing.assert_array_equal(y[:, :, head], alone)


@pytest.mark.parametrize("layer_class", [PositionEmbedding, SinusoidalPosition])
@pytest.mark.parametrize("in_shape", [(), (4,), (2, 3, 4)])
def test_inputs_that_are_no_sequences_are_refused(layer_class, in_shape):
    with pytest.raises(ShapeError, match=r"needs a sequence of shape \(steps, channels\); it got"):
        layer(layer_class, in_shape)


@pytest.mark.parametrize("in_shape", [(), (4,), (2, 3, 4, 6)])
def test_rotary_embedding_refuses_other_ranks(in_shape):
    with pytest.raises(ShapeError, match=r"\(steps, channels\) or \(steps, heads, channels\)"):
        layer(RotaryEmbedding, in_shape)


def test_rotary_embedding_refuses_an_odd_number_of_channels():
    with pytest.raises(ShapeError, match=r"\(6, 2, 5\) has an odd number of them, 5"):
        layer(RotaryEmbedding, (6, 2, 5))


@pytest.mark.parametrize("layer_class", [SinusoidalPosition, RotaryEmbedding])
def test_a_base_of_one_is_refused(layer_class):
    with pytest.raises(ValidationError, match="base"):
        layer_class.Config(base=1.0)


@pytest.mark.parametrize("layer_class", [PositionEmbedding, SinusoidalPosition, RotaryEmbedding])
def test_one_position_at_a_time_gives_the_whole_sequence(layer_class):
    positions, x = layer(layer_class, (7, 4)), batch((3, 7, 4))
    expected, _ = positions.forward(Context(), x)
    for ends in (range(8), [0, 3, 4, 7]):
        cache = positions.start_cache(3, 7)
        parts = [
            positions.forward_next(Context(), cache, start, x[:, start:stop])
            for start, stop in pairwise(ends)
        ]
        np.testing.assert_array_equal(np.concatenate(parts, axis=1), expected)


@pytest.mark.parametrize("layer_class", [SinusoidalPosition, RotaryEmbedding])
def test_positions_go_on_after_the_declared_sequence(layer_class):
    x = batch((3, 1, 4))
    short, long = layer(layer_class, (1, 4)), layer(layer_class, (9, 4))
    expected, _ = long.forward(Context(), np.repeat(x, 9, axis=1))
    y = short.forward_next(Context(), short.start_cache(3, 9), 8, x)
    np.testing.assert_array_equal(y[:, 0], expected[:, 8])


def test_more_positions_than_vectors_are_refused():
    with pytest.raises(ShapeError, match="vectors for 5 positions, not for 6; compute at most 5"):
        layer(PositionEmbedding, (3, 2), max_length=5).start_cache(1, 6)
