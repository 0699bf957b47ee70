"""Optimizers that scale the step of a whole parameter by its norm: `lamb` and `lars`."""

from typing import Any

import numpy as np
import pytest

from tinynet.builtin.optimizers.lamb import LAMB
from tinynet.builtin.optimizers.lars import LARS


def first_step(kind: Any, param: Any, grad: Any, **options: Any) -> Any:
    """Return the change of the parameter by a first step of rate 0.1."""
    optimizer, after = kind(kind.Config(**options)), np.array(param)
    optimizer.update(after, np.array(grad), optimizer.slots(after), 1, 0.1)
    return after - param


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_a_step_of_lamb_has_the_norm_of_the_parameter_times_the_rate(scale: float) -> None:
    param = np.array([3.0, -4.0]) * scale
    change = first_step(LAMB, param, [0.5, 2.0], epsilon=1e-12, weight_decay=0.0)
    np.testing.assert_allclose(change, -0.1 * 5 * scale * np.sqrt([0.5, 0.5]), rtol=1e-9)


def test_the_decay_of_lamb_is_part_of_the_step() -> None:
    change = first_step(LAMB, [3.0, -4.0], [1.0, 1.0], epsilon=1e-12, weight_decay=0.5)
    step = np.array([2.5, -1.0])
    np.testing.assert_allclose(change, -0.1 * 5 * step / np.linalg.norm(step), rtol=1e-9)


def test_a_step_of_lars_is_a_share_of_the_norm_of_the_parameter() -> None:
    options = {"trust_coefficient": 0.01, "weight_decay": 0.2, "epsilon": 1e-12}
    change = first_step(LARS, [3.0, -4.0], [0.6, 0.8], **options)
    ratio = 0.01 * 5 / (1 + 0.2 * 5)
    np.testing.assert_allclose(change, -0.1 * ratio * np.array([1.2, 0.0]), rtol=1e-9, atol=1e-15)


def test_the_velocity_of_lars_adds_up() -> None:
    optimizer, param = LARS(LARS.Config(momentum=0.5)), np.array([1.0])
    slots = optimizer.slots(param)
    for step in (1, 2):
        optimizer.update(param, np.array([2.0]), slots, step, 1.0)
    np.testing.assert_allclose(param, [1 - 0.001 - (0.0005 + 0.000999)], rtol=1e-8)


def test_a_parameter_of_zeros_takes_a_step_that_is_not_scaled() -> None:
    np.testing.assert_allclose(first_step(LAMB, [0.0], [3.0]), [-0.1], rtol=1e-6)
    np.testing.assert_allclose(first_step(LARS, [0.0], [3.0]), [-0.3], rtol=1e-12)


@pytest.mark.parametrize("kind", [LAMB, LARS])
def test_large_float32_values_have_finite_norms(kind: Any) -> None:
    change = first_step(kind, np.float32([1e15, 1e15]), np.float32([1e15, 1e15]))
    assert change.dtype == np.float32
    assert np.isfinite(change).all()
    assert change.all()
