import numpy as np
import pytest
from pydantic import ValidationError

from tinynet.builtin.layers.permute import Permute
from tinynet.layer import Build, ShapeError
from tinynet.layer.context import Context, Needs


def build(in_shape, dims, dtype="float64"):
    return Permute(Permute.Config(dims=dims), (in_shape,), Build(dtype=np.dtype(dtype)))


def test_dims_count_from_one_without_the_batch():
    """As in Keras: [2, 1] swaps the two axes of a sample."""
    layer, ctx = build((2, 3), [2, 1]), Context(training=True)
    x = np.arange(12.0).reshape(2, 2, 3)
    y, cache = layer.forward(ctx, x)
    assert layer.out_shape == (3, 2)
    np.testing.assert_array_equal(y[0], [[0, 3], [1, 4], [2, 5]])
    (dx,), _ = layer.backward(ctx, cache, y)
    np.testing.assert_array_equal(dx, x)


def test_the_output_is_contiguous():
    """Otherwise each layer after it would make its own copy."""
    layer = build((2, 3, 4), [3, 1, 2])
    y, _ = layer.forward(Context(), np.zeros((5, 2, 3, 4)))
    assert y.shape == (5, 4, 2, 3)
    assert y.flags.c_contiguous


def test_a_gradient_that_is_not_needed_is_omitted():
    ctx = Context(training=True, needs=Needs((False,), frozenset()))
    assert build((2, 3), [2, 1]).backward(ctx, None, np.zeros((1, 3, 2))) == ((None,), {})


def test_a_sample_with_another_number_of_axes_is_refused():
    with pytest.raises(ShapeError, match=r"dims \[2, 1\] needs an input of 2 axes .* got \(4,\)"):
        build((4,), [2, 1])


@pytest.mark.parametrize("dims", [[], [0, 1], [1, 1], [2], [1, 3], [1.0, 2], "21", [-1, 1]])
def test_dims_that_are_no_permutation_are_refused(dims):
    with pytest.raises(ValidationError):
        Permute.Config(dims=dims)


def test_cost():
    assert build((5, 2), [2, 1], dtype="float32").cost() == (0, 40)
