"""The numbers of `lstm` by hand, and its parameters; test_recurrent.py has the shared options."""

import numpy as np
import pytest

from .recurrent_layers import build, run


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_two_steps_by_hand():
    layer = build("lstm", (2, 1), units=1, return_sequences=True, return_state=True)
    layer.params["weight"][...] = [[0.5, -1.0, 2.0, 0.25]]
    layer.params["recurrent_weight"][...] = [[1.0, 0.5, -0.5, 2.0]]
    layer.params["bias"][...] = [0.1, 0.2, 0.3, 0.4]
    y, last_state, last_cell = run(layer, [np.array([[[1.0], [2.0]]])])
    state = cell = 0.0
    for t, x in enumerate((1.0, 2.0)):
        i = sigmoid(0.5 * x + 1.0 * state + 0.1)
        f = sigmoid(-1.0 * x + 0.5 * state + 0.2)
        c = np.tanh(2.0 * x - 0.5 * state + 0.3)
        o = sigmoid(0.25 * x + 2.0 * state + 0.4)
        cell = f * cell + i * c
        state = o * np.tanh(cell)
        np.testing.assert_allclose(y[0, t], state, rtol=1e-12)
    np.testing.assert_allclose(last_state, [[state]], rtol=1e-12)
    np.testing.assert_allclose(last_cell, [[cell]], rtol=1e-12)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_bias_of_the_forget_gate_starts_at_one(bidirectional):
    layer = build("lstm", (5, 2), units=3, bidirectional=bidirectional, bias_initializer="normal")
    for prefix in ("", "backward_")[: 1 + bidirectional]:
        i, f, c, o = layer.params[f"{prefix}bias"].reshape(4, 3)
        np.testing.assert_array_equal(f, 1)
        assert 0 < np.abs([i, c, o]).max() < 0.5


def test_without_unit_forget_bias_the_initializer_fills_the_bias():
    layer = build("lstm", (5, 2), units=3, unit_forget_bias=False)
    np.testing.assert_array_equal(layer.params["bias"], 0)


def test_parameters_have_the_shapes_and_initializers_of_keras():
    layer = build("lstm", (5, 2), units=3)
    shapes = {name: param.shape for name, param in layer.params.items()}
    assert shapes == {"weight": (2, 12), "recurrent_weight": (3, 12), "bias": (12,)}
    recurrent = layer.params["recurrent_weight"]
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(3), atol=1e-12)
    assert np.abs(layer.params["weight"]).max() <= np.sqrt(6 / (2 + 12))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("x", [1e30, -1e30])
def test_saturated_gates_give_finite_outputs_and_gradients(dtype, x):
    layer = build("lstm", (3, 2), units=2, dtype=dtype)
    (y,), (dx,), grads = run(layer, [np.full((1, 3, 2), x, dtype)], [np.ones((1, 2), dtype)])
    assert all(np.isfinite(array).all() for array in (y, dx, *grads.values()))
    assert y.dtype == dx.dtype == dtype


def test_cost_counts_products_and_arrays_that_are_kept():
    layer = build("lstm", (7, 3), units=5)
    assert layer.cost() == (7 * 2 * (3 + 5) * 20, 7 * 6 * 5 * 8)
    both = build("lstm", (7, 3), units=5, bidirectional=True)
    assert both.cost() == tuple(2 * number for number in layer.cost())
