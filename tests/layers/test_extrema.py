import numpy as np
import pytest

from tinynet.builtin.layers.extrema import Maximum, Minimum
from tinynet.layer import Build, Context, ShapeError


def build(cls, *in_shapes):
    return cls(cls.Config(), in_shapes, Build(dtype=np.dtype(np.float64)))


def test_the_gradient_goes_to_the_chosen_input():
    inputs = [np.array([row]) for row in ([1.0, 5, 3], [4.0, 2, 3], [0.0, 0, 3])]
    dy, ctx = np.array([[6.0, 60, 600]]), Context(training=True)
    third = [0, 0, 200]
    for cls, y_right, expected in (
        (Maximum, [4, 5, 3], ([0, 60, 200], [6, 0, 200], third)),
        (Minimum, [0, 0, 3], (third, third, [6, 60, 200])),
    ):
        layer = build(cls, (3,), (3,), (3,))
        y, cache = layer.forward(ctx, *inputs)
        np.testing.assert_array_equal(y, [y_right])
        for dx, right in zip(layer.backward(ctx, cache, dy)[0], expected, strict=True):
            np.testing.assert_array_equal(dx, [right])


def test_samples_broadcast():
    layer, ctx = build(Maximum, (2, 2), (2,)), Context(training=True)
    x, row = np.array([[[1.0, 5], [3, 0]]]), np.array([[2.0, 4]])
    y, cache = layer.forward(ctx, x, row)
    np.testing.assert_array_equal(y, [[[2, 5], [3, 4]]])
    (dx, drow), _ = layer.backward(ctx, cache, np.array([[[1.0, 10], [100, 1000]]]))
    np.testing.assert_array_equal(dx, [[[0, 10], [100, 0]]])
    np.testing.assert_array_equal(drow, [[1, 1000]])


@pytest.mark.parametrize("cls", [Maximum, Minimum])
def test_nan_is_not_hidden(cls):
    y, _ = build(cls, (2,), (2,)).forward(
        Context(), np.array([[np.nan, 1]]), np.array([[1, np.nan]])
    )
    assert np.isnan(y).all()


@pytest.mark.parametrize("cls", [Maximum, Minimum])
def test_a_single_input_is_refused(cls):
    with pytest.raises(ShapeError, match=f"{cls.spec_name} needs two or more inputs; it got 1"):
        build(cls, (3,))
