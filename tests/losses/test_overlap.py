"""Losses of masks: their formulas, empty masks, and certain predictions."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tinynet.builtin.losses.overlap import Dice, Tversky
from tinynet.errors import ShapeError
from tinynet.functional import sigmoid
from tinynet.layer.context import Context

RNG = np.random.default_rng(0)


def both(
    kind: Any, outputs: Any, targets: Any, weights: Any = None, **options: Any
) -> tuple[float, Any]:
    """Return the sum and its gradient."""
    loss, ctx = kind(kind.Config(**options)), Context(training=True)
    value, cache = loss.forward(ctx, np.array(outputs), np.array(targets), weights)
    return value, loss.backward(ctx, cache)


def test_the_formulas() -> None:
    x, z = RNG.normal(size=(3, 4, 5, 2)), RNG.integers(0, 2, (3, 4, 5, 2))
    p, axes = sigmoid(x), (1, 2, 3)
    hit, wrong = (p * z).sum(axis=axes), (p * (1 - z)).sum(axis=axes)
    missed = ((1 - p) * z).sum(axis=axes)
    expected = (1 - (2 * hit + 3) / (p.sum(axis=axes) + z.sum(axis=axes) + 3)).sum()
    assert both(Dice, x, z, smooth=3.0)[0] == pytest.approx(expected, rel=1e-13)
    expected = (1 - (hit + 3) / (hit + 0.3 * wrong + 0.8 * missed + 3)).sum()
    options = {"alpha": 0.3, "beta": 0.8, "smooth": 3.0}
    assert both(Tversky, x, z, **options)[0] == pytest.approx(expected, rel=1e-13)


def test_dice_is_a_case_of_tversky() -> None:
    x, z = RNG.normal(size=(3, 8)), RNG.random((3, 8))
    value, gradient = both(Dice, x, z, smooth=2.0)
    expected, other = both(Tversky, x, z, smooth=1.0)
    assert value == expected
    np.testing.assert_array_equal(gradient, other)


def test_probabilities_have_the_loss_of_their_logits() -> None:
    x, z, weights = RNG.normal(size=(3, 8)), RNG.integers(0, 2, (3, 8)), np.array([0, 1, 2.5])
    p = sigmoid(x)
    value, gradient = both(Dice, x, z, weights)
    expected, other = both(Dice, p, z, weights, from_logits=False)
    assert value == expected
    np.testing.assert_allclose(gradient, other * p * (1 - p), rtol=1e-13)
    assert not gradient[0].any()
    loss = Dice(Dice.Config(from_logits=False))
    assert loss.predict(p) is p


@pytest.mark.parametrize("kind", [Dice, Tversky])
def test_a_right_empty_mask_has_no_loss(kind: Any) -> None:
    x = np.full((1, 10), -50.0)
    value, gradient = both(kind, x, np.zeros((1, 10)))
    assert 0 < value < 1e-20
    assert np.isfinite(gradient).all()
    wrong, _ = both(kind, -x, np.zeros((1, 10)))
    assert wrong > 0.8


@pytest.mark.parametrize("kind", [Dice, Tversky])
def test_weights_are_those_of_samples(kind: Any) -> None:
    with pytest.raises(ShapeError, match=f"{kind.name} needs one weight for each sample"):
        both(kind, np.zeros((2, 3)), np.zeros((2, 3)), np.ones((2, 3)))


def test_targets_are_masks() -> None:
    loss = Dice(Dice.Config())
    loss.check_shapes((4, 4, 1), (4, 4))
    with pytest.raises(ShapeError, match="dice needs masks of the outputs' shape as targets"):
        loss.check_shapes((4, 4, 3), (4, 4))
    assert loss.bad_target((2,), np.array([[0, 1], [0, 2]])) == (1, "2 is not a number from 0 to 1")
    assert loss.max_classes((4, 4, 1)) == 2


@pytest.mark.parametrize(("kind", "options"), [(Dice, {"smooth": 0.0}), (Tversky, {"alpha": -0.1})])
def test_impossible_options_are_refused(kind: Any, options: Any) -> None:
    with pytest.raises(ValidationError):
        kind.Config(**options)
