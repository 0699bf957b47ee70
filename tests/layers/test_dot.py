import math

import numpy as np
import pytest
from pydantic import ValidationError

from tinynet.builtin.layers.dot import Dot
from tinynet.layer import Build, ShapeError
from tinynet.layer.context import Context, Needs


def build(*in_shapes, dtype="float64", **options):
    return Dot(Dot.Config(**options), in_shapes, Build(dtype=np.dtype(dtype)))


def test_two_vectors_give_one_number_of_shape_one():
    """As in Keras: (N, K) and (N, K) -> (N, 1)."""
    layer, ctx = build((2,), (2,)), Context(training=True)
    a, b = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[5.0, 6.0], [7.0, 8.0]])
    y, cache = layer.forward(ctx, a, b)
    assert layer.out_shape == (1,)
    np.testing.assert_array_equal(y, [[17], [53]])
    (da, db), _ = layer.backward(ctx, cache, np.array([[1.0], [10.0]]))
    np.testing.assert_array_equal(da, [[5, 6], [70, 80]])
    np.testing.assert_array_equal(db, [[1, 2], [30, 40]])


@pytest.mark.parametrize(
    ("in_shapes", "axes", "subscripts"),
    [
        (((5, 4), (4, 6)), [2, 1], "ak,kb->ab"),
        (((5, 4), (6, 4)), -1, "ak,bk->ab"),
        (((4, 5), (4, 6)), 1, "ka,kb->ab"),
        (((4,), (3, 2, 4)), -1, "k,abk->ab"),
        (((2, 4, 3), (5, 4)), [2, -1], "akb,ck->abc"),
    ],
)
def test_the_axes_that_remain_are_those_of_keras(in_shapes, axes, subscripts):
    layer = build(*in_shapes, axes=axes)
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((3, *shape)) for shape in in_shapes)
    y, _ = layer.forward(Context(), a, b)
    assert y.shape[1:] == layer.out_shape
    for sample in range(3):
        expected = np.einsum(subscripts, a[sample], b[sample])
        np.testing.assert_allclose(y[sample], expected, rtol=1e-12)


def test_normalized_vectors_give_the_cosine():
    layer = build((2,), (2,), normalize=True)
    a, b = np.array([[3.0, 4.0], [0.0, 2.0]]), np.array([[30.0, 40.0], [5.0, 5.0]])
    y, _ = layer.forward(Context(), a, b)
    np.testing.assert_allclose(y, [[1], [math.sqrt(0.5)]], rtol=1e-15)


def test_a_vector_of_zeros_stays_zero_and_gives_finite_gradients():
    layer, ctx = build((2,), (2,), normalize=True), Context(training=True)
    y, cache = layer.forward(ctx, np.zeros((1, 2)), np.ones((1, 2)))
    assert y == 0
    (da, db), _ = layer.backward(ctx, cache, np.ones((1, 1)))
    assert np.isfinite(da).all()
    np.testing.assert_array_equal(db, [[0, 0]])


@pytest.mark.parametrize("needed", [0, 1])
def test_gradients_that_are_not_needed_are_omitted(needed):
    layer = build((3,), (3,))
    needs = Needs(tuple(index == needed for index in range(2)), frozenset())
    ctx = Context(training=True, needs=needs)
    _, cache = layer.forward(ctx, np.ones((1, 3)), np.ones((1, 3)))
    grads, _ = layer.backward(ctx, cache, np.ones((1, 1)))
    assert grads[1 - needed] is None
    assert grads[needed] is not None
    assert layer.forward(Context(keep=False), np.ones((1, 3)), np.ones((1, 3)))[1] is None


@pytest.mark.parametrize(
    ("in_shapes", "axes", "message"),
    [
        ([(3,)], -1, "needs exactly two inputs; it got 1"),
        ([(4, 3), (3, 4)], -1, r"dot on axes \[-1, -1\] .* have the sizes 3 and 4"),
        ([(4, 3), (3,)], [1, 2], r"axis 2 does not name an axis of a sample of shape \(3,\)"),
        ([(3,), (3,)], 0, "axis 0 is the batch"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(in_shapes, axes, message):
    with pytest.raises(ShapeError, match=message):
        build(*in_shapes, axes=axes)


@pytest.mark.parametrize("axes", [[1], [1, 2, 3], "1", 1.5, None])
def test_impossible_axes_are_refused(axes):
    with pytest.raises(ValidationError):
        Dot.Config(axes=axes)


def test_cost():
    assert build((2, 3), (5, 3), dtype="float32").cost() == (2 * 2 * 3 * 5, 40)
