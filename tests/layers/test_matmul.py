import numpy as np
import pytest

from tinynet.builtin.layers.matmul import Matmul
from tinynet.layer import Build, ShapeError
from tinynet.layer.context import Context, Needs


def build(*in_shapes, dtype="float64", **options):
    return Matmul(Matmul.Config(**options), in_shapes, Build(dtype=np.dtype(dtype)))


def test_values_and_gradients_by_hand():
    layer, ctx = build((2, 2), (2, 1)), Context(training=True)
    a, b = np.array([[[1.0, 2.0], [3.0, 4.0]]]), np.array([[[5.0], [6.0]]])
    y, cache = layer.forward(ctx, a, b)
    assert layer.out_shape == (2, 1)
    np.testing.assert_array_equal(y, [[[17], [39]]])
    (da, db), _ = layer.backward(ctx, cache, np.array([[[1.0], [10.0]]]))
    np.testing.assert_array_equal(da, [[[5, 6], [50, 60]]])
    np.testing.assert_array_equal(db, [[[31], [42]]])


def test_each_factor_can_be_transposed():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((4, 3, 2)), rng.standard_normal((4, 5, 3))
    layer = build((3, 2), (5, 3), transpose_a=True, transpose_b=True)
    y, _ = layer.forward(Context(), a, b)
    assert layer.out_shape == (2, 5)
    np.testing.assert_allclose(y, a.swapaxes(1, 2) @ b.swapaxes(1, 2), rtol=1e-14)


def test_one_matrix_serves_all_heads_of_its_sample():
    """The batch axis is no part of the broadcasting: sample n meets the matrix of sample n."""
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 6, 3, 4)), rng.standard_normal((2, 4, 5))
    layer, ctx = build((6, 3, 4), (4, 5)), Context(training=True)
    y, cache = layer.forward(ctx, a, b)
    assert layer.out_shape == (6, 3, 5)
    np.testing.assert_allclose(y[1], a[1] @ b[1], rtol=1e-14)
    _, db = layer.backward(ctx, cache, np.ones_like(y))[0]
    assert db.shape == b.shape
    np.testing.assert_allclose(db[1], np.tile(a[1].sum(axis=(0, 1))[:, None], 5), rtol=1e-13)


@pytest.mark.parametrize("needed", [0, 1])
def test_gradients_that_are_not_needed_are_omitted(needed):
    layer = build((2, 3), (3, 4))
    needs = Needs(tuple(index == needed for index in range(2)), frozenset())
    ctx = Context(training=True, needs=needs)
    _, cache = layer.forward(ctx, np.ones((1, 2, 3)), np.ones((1, 3, 4)))
    grads, _ = layer.backward(ctx, cache, np.ones((1, 2, 4)))
    assert grads[1 - needed] is None
    assert grads[needed] is not None
    assert layer.forward(Context(keep=False), *cache)[1] is None


@pytest.mark.parametrize(
    ("in_shapes", "options", "message"),
    [
        ([(2, 3)], {}, "needs exactly two inputs; it got 1"),
        ([(2, 3)] * 3, {}, "needs exactly two inputs; it got 3"),
        ([(2, 3), (3,)], {}, r'it got \(2, 3\) and \(3,\): for vectors use "dot"'),
        ([(2, 3), (2, 3)], {}, 'B would be 3 and 2; set "transpose_b" to true'),
        ([(2, 3), (2, 4)], {}, 'B would be 3 and 2; set "transpose_a" to true'),
        ([(2, 3), (3, 4)], {"transpose_b": True}, 'B would be 3 and 4; set "transpose_b" to false'),
        ([(2, 3), (4, 5)], {}, "B would be 3 and 4$"),
        ([(2, 2, 3), (4, 3, 5)], {}, r"matmul needs inputs that broadcast.* got \(2,\) and \(4,\)"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(in_shapes, options, message):
    with pytest.raises(ShapeError, match=message):
        build(*in_shapes, **options)


def test_cost():
    assert build((2, 3), (3, 5), dtype="float32").cost() == (2 * 2 * 3 * 5, 40)
