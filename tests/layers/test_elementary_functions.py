import math

import numpy as np
import pytest

from tinynet.builtin.layers.elementary_functions import Absolute, Cos, Log, Sin
from tinynet.layer import Build, Context
from tinynet.network.network import Network


def outcome(cls, x):
    """Return y and the slope at each number."""
    x = np.array([x])
    layer = cls(cls.Config(), (x.shape[1:],), Build(dtype=x.dtype))
    y, cache = layer.forward(Context(training=True), x)
    ((dx,), gradients) = layer.backward(Context(training=True), cache, np.ones_like(x))
    assert gradients == {}
    return y[0], dx[0]


@pytest.mark.parametrize(
    ("cls", "x", "value", "slope"),
    [
        (Absolute, [-2.0, 0.0, 1.5], [2, 0, 1.5], [-1, 0, 1]),
        (Log, [0.5, 1.0, math.e], [-math.log(2), 0, 1], [2, 1, 1 / math.e]),
        (Sin, [-0.5, 0.0, 2.0], [-math.sin(0.5), 0, math.sin(2)], np.cos([0.5, 0, 2])),
        (Cos, [-0.5, 0.0, 2.0], [math.cos(0.5), 1, math.cos(2)], -np.sin([-0.5, 0, 2])),
    ],
)
def test_values_and_slopes_follow_the_formula(cls, x, value, slope):
    y, dx = outcome(cls, x)
    np.testing.assert_allclose(y, value, rtol=1e-14)
    np.testing.assert_allclose(dx, slope, rtol=1e-14)


def test_logarithm_outside_its_domain():
    with np.errstate(all="ignore"):
        y, _ = outcome(Log, [0.0, -1.0])
    assert y[0] == -np.inf
    assert np.isnan(y[1])


def test_distance_of_two_inputs_in_a_spec():
    layers = [
        {"type": "subtract", "inputs": ["input:left", "input:right"]},
        "absolute",
        {"type": "reduce_sum"},
    ]
    network = Network({"input_shape": {"left": [3], "right": [3]}, "layers": layers})
    left, right = np.array([[1.0, 2, 3]]), np.array([[4.0, 2, 1]])
    np.testing.assert_array_equal(network.predict({"left": left, "right": right}), [5])
