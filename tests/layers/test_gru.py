"""The numbers of `gru` by hand, and its bias; test_recurrent.py has the shared options."""

import numpy as np
import pytest

from .recurrent_layers import build, run


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("reset_after", [True, False])
def test_two_steps_by_hand(reset_after):
    layer = build("gru", (2, 1), units=1, reset_after=reset_after, return_sequences=True)
    layer.params["weight"][...] = [[0.5, -1.0, 2.0]]
    layer.params["recurrent_weight"][...] = [[1.0, 0.5, -0.5]]
    # Only the third recurrent bias differs from a term of the first bias.
    biases = [[0.1, 0.2, 0.3], [0.0, 0.0, 0.7]]
    layer.params["bias"][...] = biases if reset_after else biases[0]
    (y,) = run(layer, [np.array([[[1.0], [2.0]]])])
    state = 0.0
    for t, x in enumerate((1.0, 2.0)):
        z = sigmoid(0.5 * x + 1.0 * state + 0.1)
        r = sigmoid(-1.0 * x + 0.5 * state + 0.2)
        inner = r * (-0.5 * state + 0.7) if reset_after else -0.5 * (r * state)
        h = np.tanh(2.0 * x + inner + 0.3)
        state = z * state + (1 - z) * h
        np.testing.assert_allclose(y[0, t], state, rtol=1e-12)


def test_both_conventions_agree_where_the_product_is_diagonal():
    """Then (r * state) @ R and r * (state @ R) are equal, but for the second bias, which is 0."""
    x = np.random.default_rng(0).standard_normal((4, 6, 3))
    outputs = []
    for reset_after in (True, False):
        layer = build("gru", (6, 3), units=3, reset_after=reset_after)
        layer.params["recurrent_weight"][:, 6:] = np.diag([0.5, -1.0, 2.0])
        outputs.append(run(layer, [x])[0])
    np.testing.assert_allclose(*outputs, rtol=1e-12)


@pytest.mark.parametrize(("reset_after", "shape"), [(True, (2, 9)), (False, (9,))])
def test_bias_has_a_row_for_each_product(reset_after, shape):
    layer = build("gru", (5, 2), units=3, reset_after=reset_after)
    shapes = {name: param.shape for name, param in layer.params.items()}
    assert shapes == {"weight": (2, 9), "recurrent_weight": (3, 9), "bias": shape}


def test_cost_counts_products_and_arrays_that_are_kept():
    assert build("gru", (7, 3), units=5).cost() == (7 * 2 * (3 + 5) * 15, 7 * 5 * 5 * 8)
