"""The behavior of up-sampling; for its numbers see test_up_sampling_oracle.py."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tinynet.builtin.layers.up_sampling import UpSampling1D, UpSampling2D, UpSampling3D
from tinynet.errors import ShapeError
from tinynet.layer import Build, Context, Needs

from .image_layers import build, run, values

BOTH = pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])


def layer(in_shape, **options):
    return UpSampling2D(
        UpSampling2D.Config(**options), (in_shape,), Build(dtype=np.dtype(np.float64))
    )


def test_it_doubles_by_repeating_each_pixel_unless_told_otherwise():
    x = np.array([[1.0, 2.0], [3.0, 4.0]]).reshape(1, 2, 2, 1)
    y, _ = layer((2, 2, 1)).forward(Context(), x)
    np.testing.assert_array_equal(
        y.reshape(4, 4), [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]
    )


def test_bilinear_is_linear_between_centers_and_constant_at_edges():
    x = np.array([0.0, 4.0]).reshape(1, 1, 2, 1)
    y, _ = layer((1, 2, 1), size=[1, 2], interpolation="bilinear").forward(Context(), x)
    np.testing.assert_array_equal(y.ravel(), [0, 1, 3, 4])


@BOTH
@settings(deadline=None)
@given(
    shape=st.tuples(st.integers(0, 3), *[st.integers(1, 5)] * 3),
    size=st.tuples(st.integers(1, 4), st.integers(1, 4)),
)
def test_backward_is_the_transpose_of_forward(interpolation, shape, size):
    """<forward(x), dy> = <x, backward(dy)>, or training goes where the loss does not point."""
    subject = layer(shape[1:], size=size, interpolation=interpolation)
    rng, ctx = np.random.default_rng(0), Context(training=True)
    x = rng.standard_normal(shape)
    y, cache = subject.forward(ctx, x)
    assert subject.out_shape == (shape[1] * size[0], shape[2] * size[1], shape[3])
    assert y.shape == (shape[0], *subject.out_shape)
    dy = rng.standard_normal(y.shape)
    ((dx,), grads) = subject.backward(ctx, cache, dy)
    assert dx.shape == x.shape
    assert grads == {}
    np.testing.assert_allclose(np.vdot(x, dx), np.vdot(y, dy), rtol=1e-11, atol=1e-11)


@BOTH
def test_a_plain_image_stays_plain(interpolation):
    x = np.full((2, 3, 5, 2), 0.7)
    y, _ = layer((3, 5, 2), size=3, interpolation=interpolation).forward(Context(), x)
    np.testing.assert_allclose(y, 0.7, rtol=1e-15)


@BOTH
def test_a_gradient_that_nobody_needs_is_left_out(interpolation):
    subject = layer((2, 2, 1), interpolation=interpolation)
    ctx = Context(training=True, needs=Needs((False,), frozenset()))
    y, cache = subject.forward(ctx, np.ones((1, 2, 2, 1)))
    assert subject.backward(ctx, cache, y) == ((None,), {})


@BOTH
def test_building_an_image_of_any_size_takes_no_memory(interpolation):
    """`tinynet check` says what a network would cost; it must not pay."""
    side = 10**9
    subject = layer((side, side, 1), interpolation=interpolation)
    assert subject.out_shape == (2 * side, 2 * side, 1)


def test_an_input_that_is_no_image_is_refused():
    with pytest.raises(ShapeError, match=r"^up_sampling2d needs images"):
        layer((12, 3))


@pytest.mark.parametrize("options", [{"size": 0}, {"size": 1.5}, {"interpolation": "cubic"}])
def test_what_it_cannot_do_is_refused(options):
    with pytest.raises(ValidationError):
        UpSampling2D.Config(**options)


def test_cost():
    """Copies are free; each output of an interpolation is a sum over the rows and one over columns.

    Of 3x4 pixels, 2 channels: 3x8 from 4 each, then 6x8 from 3 each.
    """
    assert layer((3, 4, 2)).cost() == (0, 6 * 8 * 2 * 8)
    operations = 2 * (3 * 8 * 4 + 6 * 8 * 3) * 2
    assert layer((3, 4, 2), interpolation="bilinear").cost() == (operations, 6 * 8 * 2 * 8)


def test_steps_and_voxels_are_repeated():
    x = np.array([[1.0, 2], [3, 4]]).reshape(1, 2, 2)
    y = values(build(UpSampling1D, (2, 2), size=3), x)
    np.testing.assert_array_equal(y[0], [[1, 2]] * 3 + [[3, 4]] * 3)
    x = np.random.default_rng(0).standard_normal((2, 2, 3, 2, 4))
    y = values(build(UpSampling3D, (2, 3, 2, 4), size=[2, 1, 3]), x)
    np.testing.assert_array_equal(y, x.repeat(2, axis=1).repeat(3, axis=3))


@pytest.mark.parametrize(("kind", "sizes"), [(UpSampling1D, (3,)), (UpSampling3D, (3, 2, 4))])
def test_sequences_and_volumes_are_doubled_by_default(kind, sizes):
    subject = build(kind, (*sizes, 5))
    assert subject.out_shape == (*(2 * size for size in sizes), 5)
    assert subject.cost() == (0, 2 ** len(sizes) * np.prod(sizes) * 5 * 8)
    needs = Needs((False,), frozenset())
    assert run(subject, np.ones((1, *sizes, 5)), needs=needs)[1:] == (None, {})
    with pytest.raises(ShapeError, match=f"^up_sampling{len(sizes)}d needs"):
        build(kind, (12,))
    with pytest.raises(ValidationError):
        kind.Config(size=0)
