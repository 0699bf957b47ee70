"""Cosine similarity: exact values, and vectors of zeros or of extreme length."""

from typing import Any

import numpy as np
import pytest

from tinynet.builtin.losses.cosine_similarity import CosineSimilarity
from tinynet.errors import ShapeError
from tinynet.layer.context import Context


def both(outputs: Any, targets: Any) -> tuple[float, Any]:
    """Return the sum and its gradient."""
    loss, ctx = CosineSimilarity(CosineSimilarity.Config()), Context(training=True)
    value, cache = loss.forward(ctx, np.array(outputs), np.array(targets))
    return value, loss.backward(ctx, cache)


@pytest.mark.parametrize(
    ("target", "value"), [([6.0, 8.0], -1), ([-3.0, -4.0], 1), ([4.0, -3.0], 0), ([1.0, 0.0], -0.6)]
)
def test_the_loss_is_the_negative_cosine(target: Any, value: float) -> None:
    found, gradient = both([[3.0, 4.0]], [target])
    assert found == pytest.approx(value, abs=1e-15)
    assert gradient @ [3.0, 4.0] == pytest.approx(0, abs=1e-15)


def test_the_mean_is_taken_over_vectors() -> None:
    value, gradient = both([[[2.0, 0.0], [0.0, 2.0]]], [[[1.0, 0.0], [1.0, 0.0]]])
    assert value == -0.5
    np.testing.assert_array_equal(gradient, [[[0, 0], [-0.25, 0]]])


@pytest.mark.parametrize(("output", "target"), [([0.0, 0], [1.0, 2]), ([1.0, 2], [0.0, 0])])
def test_a_vector_of_zeros_has_no_loss_and_no_gradient(output: Any, target: Any) -> None:
    value, gradient = both([output], [target])
    assert value == 0
    assert not gradient.any()


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_vectors_of_extreme_length_have_a_direction(scale: float) -> None:
    outputs = np.array([[3.0, 4.0]], np.float32) * np.float32(scale)
    value, gradient = both(outputs, np.array([[1.0, 0.0]], np.float32))
    assert value == pytest.approx(-0.6, rel=1e-6)
    np.testing.assert_allclose(gradient * scale, [[-0.128, 0.096]], rtol=1e-5)


def test_shapes_that_do_not_fit_name_the_right_one() -> None:
    loss = CosineSimilarity(CosineSimilarity.Config())
    with pytest.raises(ShapeError, match=r"end the network with outputs of shape \(3,\)"):
        loss.check_shapes((4,), (3,))
    for out_shape in ((), (1,), (3,)):
        with pytest.raises(ShapeError, match=r"give targets that are vectors, \(N, \.\.\., D\)"):
            loss.check_shapes(out_shape, ())
