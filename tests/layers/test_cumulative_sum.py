import numpy as np
import pytest

from tinynet.builtin.layers.cumulative_sum import CumulativeSum
from tinynet.layer import Build, Context, ShapeError


def outcome(x, dy=None, **options):
    """Return y and dx of one sample."""
    x = np.array([x], np.float64)
    layer = CumulativeSum(CumulativeSum.Config(**options), (x.shape[1:],), Build(dtype=x.dtype))
    y, cache = layer.forward(Context(training=True), x)
    dy = np.ones_like(y) if dy is None else np.array([dy], np.float64)
    ((dx,), gradients) = layer.backward(Context(training=True), cache, dy)
    assert gradients == {}
    return y[0].tolist(), dx[0].tolist()


@pytest.mark.parametrize(
    ("options", "sums", "gradient"),
    [
        ({}, [1, 3, 6], [111, 110, 100]),
        ({"exclusive": True}, [0, 1, 3], [110, 100, 0]),
        ({"reverse": True}, [6, 5, 3], [1, 11, 111]),
        ({"reverse": True, "exclusive": True}, [5, 3, 0], [0, 1, 11]),
    ],
)
def test_sums_and_gradients_by_hand(options, sums, gradient):
    assert outcome([1, 2, 3], [1, 10, 100], **options) == (sums, gradient)


def test_any_axis_of_a_sample():
    x = [[1, 2], [3, 4], [5, 6]]
    assert outcome(x, axis=1)[0] == [[1, 2], [4, 6], [9, 12]]
    assert outcome(x, axis=-1)[0] == [[1, 3], [3, 7], [5, 11]]


def test_single_element():
    assert outcome([7])[0] == [7]
    assert outcome([7], exclusive=True) == ([0], [0])


def test_batch_is_no_axis_to_sum():
    with pytest.raises(ShapeError, match="axis 0 does not name an axis of a sample"):
        outcome([1], axis=0)
