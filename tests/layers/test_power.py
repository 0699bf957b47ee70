import numpy as np
import pytest

from tinynet.builtin.layers.divide import Divide
from tinynet.builtin.layers.power import Power
from tinynet.layer import Build, Context, ShapeError


def build(cls, *in_shapes, **options):
    return cls(cls.Config(**options), in_shapes, Build(dtype=np.dtype(np.float64)))


def outcome(layer, *inputs):
    ctx = Context(training=True)
    y, cache = layer.forward(ctx, *inputs)
    return y, layer.backward(ctx, cache, np.ones_like(y))[0]


def test_powers_of_a_number_by_hand():
    x = np.array([[-2.0, 0.0, 3.0]])
    for exponent, value, slope in (
        (2, [4, 0, 9], [-4, 0, 6]),
        (3, [-8, 0, 27], [12, 0, 27]),
        (1, [-2, 0, 3], [1, 1, 1]),
        (0, [1, 1, 1], [0, 0, 0]),
    ):
        y, (dx,) = outcome(build(Power, (3,), exponent=exponent), x)
        np.testing.assert_allclose(y, [value])
        np.testing.assert_allclose(dx, [slope])


def test_the_second_input_can_be_the_exponent():
    base, exponent = np.array([[2.0, 4.0], [0.0, 0.0]]), np.array([[3.0, 0.5], [2.0, 0.0]])
    y, (of_base, of_exponent) = outcome(build(Power, (2,), (2,)), base, exponent)
    np.testing.assert_allclose(y, [[8, 2], [0, 1]])
    np.testing.assert_allclose(of_base, [[12, 0.25], [0, 0]])
    np.testing.assert_allclose(of_exponent, [[8 * np.log(2), 2 * np.log(4)], [0, 0]])


def test_a_quotient_by_hand():
    y, (first, second) = outcome(
        build(Divide, (2, 2), (2,)), np.array([[[6.0, 8], [3, 4]]]), np.array([[3.0, 2]])
    )
    np.testing.assert_allclose(y, [[[2, 4], [1, 2]]])
    np.testing.assert_allclose(first, [[[1 / 3, 0.5], [1 / 3, 0.5]]])
    np.testing.assert_allclose(second, [[-1, -3]])


@pytest.mark.parametrize(
    ("cls", "count", "options", "message"),
    [
        (Power, 2, {"exponent": 2}, "power with the exponent 2.0 needs one input; it got 2"),
        (Power, 1, {}, "power without an exponent needs exactly two inputs; it got 1"),
        (Divide, 3, {}, "divide needs exactly two inputs; it got 3"),
    ],
)
def test_other_numbers_of_inputs_are_refused(cls, count, options, message):
    with pytest.raises(ShapeError, match=message):
        build(cls, *[(3,)] * count, **options)


def test_cost():
    assert build(Power, (4, 1), (3,)).cost() == (12, 96)
    assert build(Divide, (4, 1), (3,)).cost() == (12, 96)
