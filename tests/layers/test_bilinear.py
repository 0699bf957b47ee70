import numpy as np
import pytest

from tinynet import registry
from tinynet.builtin.layers.bilinear import Bilinear
from tinynet.layer import Build, Context, ShapeError
from tinynet.layer.context import Needs


def build(*in_shapes, **options):
    new = Build(dtype=np.dtype(np.float64), create=registry.default().create)
    return Bilinear(Bilinear.Config(**options), in_shapes, new)


def test_it_is_its_formula():
    layer = build((4, 3), (4, 2), units=5)
    layer.params["bias"][...] = np.arange(5)
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 4, 3)), rng.standard_normal((2, 4, 2))
    y, _ = layer.forward(Context(), a, b)
    expected = np.einsum("nti,ijk,ntj->ntk", a, layer.params["weight"], b) + np.arange(5)
    assert layer.out_shape == (4, 5)
    np.testing.assert_allclose(y, expected, rtol=1e-12)


def test_gradients_that_are_not_needed_are_omitted():
    layer = build((3,), (2,), units=4)
    inputs, dy = (np.ones((5, 3)), np.ones((5, 2))), np.ones((5, 4))
    ctx = Context(training=True, needs=Needs((False, True), frozenset({"bias"})))
    (da, db), grads = layer.backward(ctx, layer.forward(ctx, *inputs)[1], dy)
    assert da is None
    assert db.shape == (5, 2)
    assert grads.keys() == {"bias"}


@pytest.mark.parametrize("in_shapes", [((4, 3), (3,)), ((4, 3), (5, 3)), ((3,), ())])
def test_inputs_that_do_not_fit_are_refused(in_shapes):
    with pytest.raises(ShapeError, match=r"same axes before the last; it got \(.*\) and \("):
        build(*in_shapes, units=2)


def test_cost():
    assert build((4, 3), (4, 2), units=5).cost() == (4 * (2 * 5 + 1) * 6, 160)
