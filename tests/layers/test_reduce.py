import numpy as np
import pytest
from pydantic import ValidationError

from tinynet.builtin.layers.reduce import ReduceMax, ReduceMean, ReduceMin, ReduceStd, ReduceSum
from tinynet.layer import Build, Context, ShapeError
from tinynet.layer.context import Needs

FUNCTIONS = {
    ReduceMax: np.max,
    ReduceMean: np.mean,
    ReduceMin: np.min,
    ReduceStd: np.std,
    ReduceSum: np.sum,
}
every_layer = pytest.mark.parametrize("cls", FUNCTIONS)


def build(cls, in_shape, dtype="float64", **options):
    return cls(cls.Config(**options), (in_shape,), Build(dtype=np.dtype(dtype)))


def slope(cls, x, **options):
    layer, ctx = build(cls, x.shape[1:], **options), Context(training=True)
    y, cache = layer.forward(ctx, x)
    (dx,), _ = layer.backward(ctx, cache, np.ones_like(y))
    return dx


@every_layer
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(
    ("axes", "numpy_axes"),
    [(None, (1, 2, 3)), (-1, 3), ([1, 2], (1, 2)), ([3, 1], (1, 3)), ([-2], 2)],
)
def test_values_are_those_of_numpy(cls, axes, numpy_axes, keepdims):
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 5))
    layer = build(cls, (3, 4, 5), axes=axes, keepdims=keepdims)
    y, _ = layer.forward(Context(), x)
    assert y.shape == (2, *layer.out_shape)
    expected = FUNCTIONS[cls](x, axis=numpy_axes, keepdims=keepdims)
    np.testing.assert_allclose(y, expected, rtol=1e-14)


@every_layer
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_sample_has_the_same_bits_in_any_batch(cls, dtype):
    x = np.random.default_rng(0).standard_normal((7, 9, 33, 5)).astype(dtype)
    for axes in (None, [1, 2], [2], [1, 3], -1):
        layer = build(cls, (9, 33, 5), dtype, axes=axes)
        whole, alone = (layer.forward(Context(), part)[0] for part in (x, x[4:5]))
        np.testing.assert_array_equal(whole[4:5], alone)


def test_equal_numbers_share_the_gradient():
    x = np.array([[2.0, 1, 2, 1], [0, 0, 0, 5]])
    np.testing.assert_array_equal(slope(ReduceMax, x), [[0.5, 0, 0.5, 0], [0, 0, 0, 1]])
    third = 1 / 3
    np.testing.assert_array_equal(slope(ReduceMin, x), [[0, 0.5, 0, 0.5], [third, third, third, 0]])


def test_the_gradient_of_a_deviation_of_zero_is_zero():
    assert not slope(ReduceStd, np.full((2, 4), 3.0)).any()


@every_layer
def test_nan_is_not_hidden(cls):
    x = np.array([[np.nan, 1.0], [2.0, 1.0]])
    y, _ = build(cls, (2,)).forward(Context(), x)
    assert np.isnan(y).tolist() == [True, False]
    assert slope(cls, x).shape == x.shape


@every_layer
def test_axes_that_do_not_exist_or_repeat_are_refused(cls):
    with pytest.raises(ShapeError, match=rf"{cls.spec_name}: axis 3 does not name an axis"):
        build(cls, (4, 3), axes=[1, 3])
    with pytest.raises(ShapeError, match=r"axes \[1, -2\] name the same axis .* \(4, 3\) twice"):
        build(cls, (4, 3), axes=[1, -2])
    with pytest.raises(ValidationError):
        cls.Config(axes=[])


@every_layer
def test_nothing_is_kept_or_computed_that_nobody_needs(cls):
    layer, x = build(cls, (3,)), np.ones((2, 3))
    assert layer.forward(Context(keep=False), x)[1] is None
    ctx = Context(training=True, needs=Needs((False,), frozenset()))
    y, cache = layer.forward(ctx, x)
    assert layer.backward(ctx, cache, y) == ((None,), {})


def test_cost():
    assert build(ReduceSum, (4, 3), "float32", axes=-1).cost() == (12, 16)
    assert build(ReduceStd, (4, 3), "float32").cost() == (48, 4)
