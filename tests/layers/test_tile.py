import numpy as np
import pytest
from pydantic import ValidationError

from tinynet.builtin.layers.tile import Tile
from tinynet.layer import Build, Context, ShapeError
from tinynet.layer.context import Needs


def build(in_shape, repeats, dtype="float64"):
    return Tile(Tile.Config(repeats=repeats), (in_shape,), Build(dtype=np.dtype(dtype)))


@pytest.mark.parametrize(
    ("repeats", "full"), [(3, (1, 3)), ([2], (1, 2)), ([2, 1], (2, 1)), ([2, 3], (2, 3))]
)
def test_copies_lie_side_by_side(repeats, full):
    x = np.random.default_rng(0).standard_normal((2, 4, 3))
    layer = build((4, 3), repeats)
    y, _ = layer.forward(Context(), x)
    assert y.shape == (2, *layer.out_shape)
    np.testing.assert_array_equal(y, np.tile(x, (1, *full)))


def test_the_gradient_is_the_sum_over_the_copies():
    layer, ctx = build((2, 1), [2, 2]), Context(training=True)
    dy = 10.0 ** np.arange(8).reshape(1, 4, 2)
    (dx,), _ = layer.backward(ctx, None, dy)
    np.testing.assert_array_equal(dx, [[[110011], [11001100]]])


def test_more_repeats_than_axes_and_no_copies_are_refused():
    with pytest.raises(ShapeError, match=r"repeats \[2, 1\] needs .* at least 2 axes; it got \(3,"):
        build((3,), [2, 1])
    for repeats in (0, [], [1, 0]):
        with pytest.raises(ValidationError):
            Tile.Config(repeats=repeats)


def test_a_gradient_that_is_not_needed_is_omitted():
    ctx = Context(training=True, needs=Needs((False,), frozenset()))
    assert build((3,), 2).backward(ctx, None, np.zeros((1, 6))) == ((None,), {})


def test_cost():
    assert build((4, 3), 2, dtype="float32").cost() == (0, 96)
