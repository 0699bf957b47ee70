import numpy as np
import pytest
from pydantic import ValidationError

from tinynet.builtin.layers.repeat_vector import RepeatVector
from tinynet.layer import Build, ShapeError
from tinynet.layer.context import Context, Needs


def build(in_shape, n, dtype="float64"):
    return RepeatVector(RepeatVector.Config(n=n), (in_shape,), Build(dtype=np.dtype(dtype)))


def test_a_vector_is_repeated_and_its_gradient_is_the_sum():
    layer, ctx = build((2,), 3), Context(training=True)
    y, cache = layer.forward(ctx, np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert layer.out_shape == (3, 2)
    np.testing.assert_array_equal(y, [[[1, 2]] * 3, [[3, 4]] * 3])
    dy = np.arange(12.0).reshape(2, 3, 2)
    (dx,), _ = layer.backward(ctx, cache, dy)
    np.testing.assert_array_equal(dx, [[0 + 2 + 4, 1 + 3 + 5], [6 + 8 + 10, 7 + 9 + 11]])


def test_a_gradient_that_is_not_needed_is_omitted():
    layer = build((2,), 3)
    ctx = Context(training=True, needs=Needs((False,), frozenset()))
    assert layer.backward(ctx, None, np.zeros((1, 3, 2))) == ((None,), {})


@pytest.mark.parametrize("in_shape", [(), (4, 3)])
def test_a_sample_that_is_no_vector_is_refused(in_shape):
    with pytest.raises(ShapeError, match=r"needs an input of shape \(features,\); it got"):
        build(in_shape, 2)


def test_impossible_counts_are_refused():
    with pytest.raises(ValidationError):
        RepeatVector.Config(n=0)
    with pytest.raises(ValidationError):
        RepeatVector.Config()


def test_cost():
    assert build((5,), 3, dtype="float32").cost() == (0, 60)
