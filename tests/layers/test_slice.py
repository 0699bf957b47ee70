import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tinynet.builtin.layers.slice import Slice
from tinynet.layer import Build, ShapeError
from tinynet.layer.context import Context, Needs

bounds = st.one_of(st.none(), st.integers(-8, 8))


def build(in_shape, **options):
    return Slice(Slice.Config(**options), (in_shape,), Build(dtype=np.dtype(np.float64)))


def test_the_last_position_of_a_sequence():
    layer, ctx = build((4, 2), axis=1, start=-1), Context(training=True)
    x = np.arange(16.0).reshape(2, 4, 2)
    y, cache = layer.forward(ctx, x)
    assert layer.out_shape == (1, 2)
    np.testing.assert_array_equal(y, [[[6, 7]], [[14, 15]]])
    (dx,), _ = layer.backward(ctx, cache, np.ones((2, 1, 2)))
    np.testing.assert_array_equal(dx[0], [[0, 0], [0, 0], [0, 0], [1, 1]])


@settings(deadline=None)
@given(
    in_shape=st.lists(st.integers(1, 6), min_size=1, max_size=3).map(tuple),
    start=bounds,
    stop=bounds,
    step=st.integers(-3, 3).filter(bool),
    data=st.data(),
)
def test_every_range_means_the_same_as_in_python(in_shape, start, stop, step, data):
    place = data.draw(st.integers(0, len(in_shape) - 1))
    axis = data.draw(st.sampled_from([place + 1, place - len(in_shape)]))
    x = np.random.default_rng(0).standard_normal((2, *in_shape))
    expected = np.moveaxis(np.moveaxis(x, 1 + place, 0)[start:stop:step], 0, 1 + place)
    options = {"axis": axis, "start": start, "stop": stop, "step": step}
    if not expected.size:
        with pytest.raises(ShapeError, match="slice selects nothing"):
            build(in_shape, **options)
        return
    layer, ctx = build(in_shape, **options), Context(training=True)
    y, cache = layer.forward(ctx, x)
    assert layer.out_shape == expected.shape[1:]
    np.testing.assert_array_equal(y, expected)
    (dx,), _ = layer.backward(ctx, cache, y)
    selected = np.isin(x, expected)
    np.testing.assert_array_equal(dx, np.where(selected, x, 0))


def test_a_gradient_that_is_not_needed_is_omitted():
    ctx = Context(training=True, needs=Needs((False,), frozenset()))
    assert build((3,), stop=2).backward(ctx, None, np.zeros((1, 2))) == ((None,), {})


@pytest.mark.parametrize("axis", [0, 3, -3])
def test_an_axis_that_does_not_exist_or_is_the_batch_is_refused(axis):
    message = rf"slice: axis {axis} does not name an axis of a sample of shape \(4, 2\): set it to"
    with pytest.raises(ShapeError, match=message):
        build((4, 2), axis=axis)


def test_a_sample_without_axes_is_refused():
    with pytest.raises(
        ShapeError, match=r"needs an input with axes besides the batch; it got \(\)"
    ):
        build(())


def test_an_empty_range_names_the_options_and_the_size():
    message = r"it has start 5 and step 1, and axis -1 of a sample of shape \(4, 5\) has the size 5"
    with pytest.raises(ShapeError, match=message):
        build((4, 5), start=5)


@pytest.mark.parametrize("options", [{"step": 0}, {"start": 1.5}, {"stop": "2"}])
def test_impossible_options_are_refused(options):
    with pytest.raises(ValidationError):
        Slice.Config(**options)
