"""Lion: its protocol, its update by hand, and the example."""

from pathlib import Path

import numpy as np
import pytest
from tinynet_lion import Lion

import tinynet
from tinynet.testing import optimizer_checks

SPEC = Path(__file__).parents[1] / "digits_lion.json"
CHECKS = [check for case in Lion.examples for check in optimizer_checks(Lion, **case)]


@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_conforms_to_the_protocol_of_optimizers(check):
    check()


def after(gradients, param, rate=0.5, **options):
    """Return parameter and momentum after a step for each gradient."""
    lion, param = Lion(Lion.Config(**options)), np.array(param)
    slots = lion.slots(param)
    for step, gradient in enumerate(gradients, start=1):
        lion.update(param, np.array(gradient), slots, step, rate)
    return param, slots["momentum"]


def test_first_steps_by_hand():
    """Otherwise it is another optimizer under Lion's name."""
    first = after([[2.0, -0.1, 0.0]], [1.0, 1.0, 1.0], beta_1=0.5, beta_2=0.75)
    np.testing.assert_allclose(first, [[0.5, 1.5, 1.0], [0.5, -0.025, 0.0]], rtol=1e-15)
    # 0.5 * 0.5 - 0.5 * 1 < 0, so the second step goes back; the momentum is still above 0.
    second = after([[2.0], [-1.0]], [1.0], beta_1=0.5, beta_2=0.75)
    np.testing.assert_allclose(second, [[1.0], [0.125]], rtol=1e-15)


def test_only_the_sign_of_the_smoothed_gradient_counts():
    small, _ = after([[1e-6, -1e-6]], [0.0, 0.0])
    large, _ = after([[1e6, -1e6]], [0.0, 0.0])
    np.testing.assert_array_equal(small, [-0.5, 0.5])
    np.testing.assert_array_equal(large, small)


def test_weight_decay_acts_on_the_parameter_and_not_through_the_momentum():
    param, momentum = after([[0.0]], [8.0], weight_decay=0.25)
    np.testing.assert_array_equal(param, [8 - 0.5 * 0.25 * 8])
    np.testing.assert_array_equal(momentum, [0.0])


def test_the_example_learns_digits(tmp_path):
    run = tinynet.train(SPEC, tmp_path / "run")
    assert run.evaluate("test").metrics["accuracy"] > 0.95
