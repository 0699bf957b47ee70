import numpy as np
import pytest

from tinynet.builtin.layers.cosine_similarity import CosineSimilarity
from tinynet.layer import Build, Context, ShapeError


def build(*in_shapes, **options):
    config = CosineSimilarity.Config(**options)
    return CosineSimilarity(config, in_shapes, Build(dtype=np.dtype(np.float64)))


def test_the_cosine_of_an_angle():
    a = np.array([[3.0, 0.0], [1.0, 1.0], [2.0, 0.0], [1.0, 2.0]])
    b = np.array([[2.0, 0.0], [1.0, 0.0], [0.0, 5.0], [-1.0, -2.0]])
    y, _ = build((2,), (2,)).forward(Context(), a, b)
    np.testing.assert_allclose(y, [1, np.sqrt(0.5), 0, -1], atol=1e-15)


@pytest.mark.parametrize(
    ("options", "out_shape"),
    [({}, (4,)), ({"axis": 1}, (3,)), ({"keepdims": True}, (4, 1)), ({"axis": -2}, (3,))],
)
def test_the_axis_of_the_vectors_disappears_or_has_size_one(options, out_shape):
    assert build((4, 3), (4, 3), **options).out_shape == out_shape


def test_a_vector_of_zeros_is_no_trouble():
    layer, ctx = build((2,), (2,)), Context(training=True)
    a, b = np.zeros((1, 2)), np.ones((1, 2))
    y, cache = layer.forward(ctx, a, b)
    grads, _ = layer.backward(ctx, cache, np.ones(1))
    assert y == 0
    assert np.isfinite(grads).all()


def test_inputs_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError, match="needs exactly two inputs; it got 1"):
        build((3,))
    with pytest.raises(ShapeError, match="cosine_similarity needs inputs that broadcast"):
        build((3,), (4,))
    for shapes, axis in ((((4, 3), (4, 1)), -1), (((4, 3), (3,)), 1)):
        with pytest.raises(ShapeError, match=rf"vectors of equal size along axis {axis}; it got"):
            build(*shapes, axis=axis)


def test_cost():
    assert build((4, 3), (3,)).cost() == (72, 32)
