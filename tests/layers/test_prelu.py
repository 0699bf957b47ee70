import numpy as np
import pytest

from tinynet import registry
from tinynet.builtin.layers.prelu import PReLU
from tinynet.layer import Build, Context, ShapeError
from tinynet.layer.context import Needs


def build(in_shape, **options):
    new = Build(dtype=np.dtype(np.float64), create=registry.default().create)
    return PReLU(PReLU.Config(**options), (in_shape,), new)


@pytest.mark.parametrize(
    ("shared_axes", "shape"),
    [([], (4, 5, 3)), ([1, 2], (1, 1, 3)), ([-1], (4, 5, 1)), ([1, 2, 3], (1, 1, 1))],
)
def test_alpha_has_one_number_along_shared_axes(shared_axes, shape):
    assert build((4, 5, 3), shared_axes=shared_axes).params["alpha"].shape == shape


def test_it_is_a_relu_before_it_has_learned():
    y, _ = build((3,)).forward(Context(), np.array([[-2.0, 0.0, 1.5]]))
    np.testing.assert_array_equal(y, [[0, 0, 1.5]])


def test_values_and_gradients_by_hand():
    layer, ctx = build((2, 2), shared_axes=[1]), Context(training=True)
    layer.params["alpha"][...] = [[0.5, 10]]
    x = np.array([[[-2.0, 1.0], [3.0, -4.0]], [[-6.0, 0.0], [0.0, 1.0]]])
    y, cache = layer.forward(ctx, x)
    np.testing.assert_array_equal(y, [[[-1, 1], [3, -40]], [[-3, 0], [0, 1]]])
    dy = np.array([[[1.0, 10.0], [100.0, 1000.0]], [[2.0, 3.0], [4.0, 5.0]]])
    (dx,), grads = layer.backward(ctx, cache, dy)
    np.testing.assert_array_equal(dx, [[[0.5, 10], [100, 10000]], [[1, 30], [2, 5]]])
    np.testing.assert_array_equal(grads["alpha"], [[-14, -4000]])


def test_nan_is_not_hidden():
    y, _ = build((2,)).forward(Context(), np.array([[np.nan, 1.0]]))
    assert np.isnan(y).tolist() == [[True, False]]


def test_gradients_that_are_not_needed_are_omitted():
    layer, x = build((3,)), np.ones((2, 3))
    ctx = Context(training=True, needs=Needs((False,), frozenset()))
    assert layer.backward(ctx, layer.forward(ctx, x)[1], x) == ((None,), {})
    assert layer.forward(Context(keep=False), x)[1] is None


@pytest.mark.parametrize("axis", [0, 3, -3])
def test_axes_that_do_not_exist_are_refused(axis):
    with pytest.raises(ShapeError, match=rf"prelu: axis {axis} does not name an axis .* \(4, 3\)"):
        build((4, 3), shared_axes=[axis])


def test_cost():
    assert build((4, 3)).cost() == (48, 96)
