import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tinynet.builtin.layers.gather import Gather
from tinynet.layer import Build, Context, ShapeError
from tinynet.layer.context import Needs


def build(in_shape, indices, dtype="float64", **options):
    config = Gather.Config(indices=indices, **options)
    return Gather(config, (in_shape,), Build(dtype=np.dtype(dtype)))


@settings(deadline=None)
@given(in_shape=st.lists(st.integers(1, 5), min_size=1, max_size=3).map(tuple), data=st.data())
def test_values_are_those_at_the_indices(in_shape, data):
    axis = data.draw(st.integers(1, len(in_shape)))
    size = in_shape[axis - 1]
    indices = data.draw(st.lists(st.integers(-size, size - 1), min_size=1, max_size=7))
    x = np.random.default_rng(0).standard_normal((2, *in_shape))
    layer = build(in_shape, indices, axis=axis)
    y, _ = layer.forward(Context(), x)
    assert y.shape == (2, *layer.out_shape)
    np.testing.assert_array_equal(y, np.take(x, indices, axis=axis))


def test_gradients_of_equal_indices_are_summed():
    layer, ctx = build((4,), [2, 0, -2, 2]), Context(training=True)
    (dx,), _ = layer.backward(ctx, None, np.array([[1.0, 10, 100, 1000]]))
    np.testing.assert_array_equal(dx, [[10, 0, 1101, 0]])


def test_indices_and_axes_that_do_not_exist_are_refused():
    with pytest.raises(ShapeError, match=r"\(4, 3\) has the indices from 0 to 2, but not 3, -4$"):
        build((4, 3), [0, 3, -4])
    with pytest.raises(ShapeError, match=r"gather: axis 0 .* axis 0 is the batch"):
        build((4, 3), [0], axis=0)
    with pytest.raises(ValidationError):
        Gather.Config(indices=[])


def test_a_gradient_that_is_not_needed_is_omitted():
    ctx = Context(training=True, needs=Needs((False,), frozenset()))
    assert build((3,), [1]).backward(ctx, None, np.zeros((1, 1))) == ((None,), {})


def test_cost():
    assert build((4, 3), [1, 1], dtype="float32").cost() == (0, 32)
