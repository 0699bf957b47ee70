"""The numbers of `simple_rnn` by hand; test_recurrent.py has the shared options."""

import numpy as np
import pytest
from pydantic import ValidationError

from .recurrent_layers import build, run

ACTIVATIONS = {"tanh": np.tanh, "relu": lambda x: np.maximum(x, 0)}


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_three_steps_by_hand(activation):
    layer = build("simple_rnn", (3, 2), units=1, activation=activation, return_sequences=True)
    layer.params["weight"][...] = [[0.5], [-1.0]]
    layer.params["recurrent_weight"][...] = [[-0.75]]
    layer.params["bias"][...] = [0.25]
    x = np.array([[[1.0, 0.5], [-2.0, 1.0], [0.0, -1.0]]])
    (y,) = run(layer, [x])
    state = 0.0
    for t in range(3):
        state = ACTIVATIONS[activation](0.5 * x[0, t, 0] - x[0, t, 1] - 0.75 * state + 0.25)
        np.testing.assert_allclose(y[0, t], state, rtol=1e-12)


def test_gradient_of_a_linear_recurrence_is_a_power_of_its_weight():
    """While a ReLU is open, the state after T steps depends on step t as weight ** (T - 1 - t)."""
    layer = build("simple_rnn", (4, 1), units=1, activation="relu")
    layer.params["weight"][...] = 1
    layer.params["recurrent_weight"][...] = 0.5
    _, (dx,), grads = run(layer, [np.ones((1, 4, 1))], [np.ones((1, 1))])
    np.testing.assert_allclose(dx[0, :, 0], [0.125, 0.25, 0.5, 1])
    np.testing.assert_allclose(grads["bias"], [1.875])


def test_other_activations_are_refused():
    with pytest.raises(ValidationError):
        build("simple_rnn", (5, 2), units=3, activation="sigmoid")


def test_cost_counts_products_and_arrays_that_are_kept():
    assert build("simple_rnn", (7, 3), units=5).cost() == (7 * 2 * (3 + 5) * 5, 7 * 5 * 8)
