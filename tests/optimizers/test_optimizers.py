"""The promises of every built-in optimizer, and the first steps of each by hand."""

import math
from inspect import signature
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tinynet import registry
from tinynet.builtin.optimizers.adadelta import Adadelta
from tinynet.builtin.optimizers.adagrad import Adagrad
from tinynet.builtin.optimizers.adam import Adam, AdamW
from tinynet.builtin.optimizers.adamax import Adamax
from tinynet.builtin.optimizers.nadam import Nadam
from tinynet.builtin.optimizers.radam import RAdam
from tinynet.builtin.optimizers.rmsprop import RMSprop
from tinynet.builtin.optimizers.rprop import Rprop
from tinynet.builtin.optimizers.sgd import SGD
from tinynet.testing.arrays import require_same_bits
from tinynet.testing.saving import require_storable, saved_and_loaded

from ..optimizer_cases import OPTIMIZERS

CASES = {
    "sgd": (SGD, {}),
    "sgd with everything": (SGD, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    "adam": (Adam, {}),
    "adam with decay": (Adam, {"weight_decay": 0.1}),
    "adam with amsgrad": (Adam, {"amsgrad": True}),
    "adamw": (AdamW, {}),
    "adamw with amsgrad": (AdamW, {"amsgrad": True}),
    "adadelta": (Adadelta, {}),
    "adagrad": (Adagrad, {}),
    "adamax": (Adamax, {}),
    "nadam": (Nadam, {}),
    "radam": (RAdam, {}),
    "rprop": (Rprop, {}),
    "rmsprop": (RMSprop, {}),
    "rmsprop with everything": (
        RMSprop,
        {"momentum": 0.9, "centered": True, "weight_decay": 0.1},
    ),
}

every_case = pytest.mark.parametrize(("kind", "options"), CASES.values(), ids=CASES.keys())


def make(kind: Any, options: dict[str, Any]) -> Any:
    return kind(kind.Config(**options))


def gradients(shape: tuple[int, ...], steps: int = 5) -> Any:
    rng = np.random.default_rng(11)
    for step in range(1, steps + 1):
        grad = np.array(rng.normal(size=shape))
        grad.setflags(write=False)
        yield step, grad


@every_case
@pytest.mark.parametrize("shape", [(), (3, 4)])
def test_update_changes_the_parameter_in_place_and_no_gradient(
    kind: Any, options: Any, shape: Any
) -> None:
    optimizer = make(kind, options)
    param = np.ones(shape)
    slots = optimizer.slots(param)
    places = {name: array.ctypes.data for name, array in slots.items()}
    before = param.copy()
    for step, grad in gradients(shape):
        optimizer.update(param, grad, slots, step, 0.01)
    assert (param != before).all()
    assert {name: array.ctypes.data for name, array in slots.items()} == places
    assert all(array.shape == shape for array in slots.values())


@every_case
def test_float32_stays_float32_and_agrees(kind: Any, options: Any) -> None:
    optimizer = make(kind, options)
    param, exact = np.ones((3, 4), np.float32), np.ones((3, 4))
    slots, exact_slots = optimizer.slots(param), optimizer.slots(exact)
    for step, grad in gradients((3, 4)):
        optimizer.update(param, grad.astype(np.float32), slots, step, 0.01)
        optimizer.update(exact, grad, exact_slots, step, 0.01)
    assert {array.dtype for array in slots.values()} <= {np.dtype(np.float32)}
    np.testing.assert_allclose(param, exact, rtol=1e-5)


@every_case
def test_work_cut_in_pieces_gives_the_same_bits(kind: Any, options: Any) -> None:
    optimizer = make(kind, options)
    whole, pieces = np.ones(1000), np.ones(1000)
    slots, piece_slots = optimizer.slots(whole), optimizer.slots(pieces)
    for step, grad in gradients((1000,)):
        optimizer.update(whole, grad, slots, step, 0.01)
        for cut in (slice(0, 37), slice(37, 512), slice(512, 1000)):
            views = {name: array[cut] for name, array in piece_slots.items()}
            optimizer.update(pieces[cut], grad[cut], views, step, 0.01)
    np.testing.assert_array_equal(whole, pieces)


@every_case
def test_kernels_without_its_update_leave_it_to_numpy(kind: Any, options: Any) -> None:
    """An older distribution of kernels may lack the update of a newer optimizer."""
    optimizer = make(kind, options)
    param, right = np.ones(8), np.ones(8)
    slots, right_slots = optimizer.slots(param), optimizer.slots(right)
    for step, grad in gradients((8,)):
        optimizer.update_with(object(), param, grad, slots, step, 0.01)
        optimizer.update(right, grad, right_slots, step, 0.01)
    np.testing.assert_array_equal(param, right)


@every_case
def test_the_update_of_the_kernels_is_used(kind: Any, options: Any) -> None:
    """Compiled kernels would be installed and never called."""
    optimizer, param, calls = make(kind, options), np.ones(8), []
    kernels = SimpleNamespace(**{optimizer.kernel.__name__: lambda *args: calls.append(args)})
    optimizer.update_with(kernels, param, param, optimizer.slots(param), 1, 0.01)
    (arguments,) = calls
    assert len(arguments) == len(signature(optimizer.kernel).parameters)
    np.testing.assert_array_equal(param, 1)


@every_case
def test_state_carried_to_another_optimizer_goes_on_exactly(kind: Any, options: Any) -> None:
    first, second = make(kind, options), make(kind, options)
    param = np.ones(8)
    slots = first.slots(param)
    resumed = None
    for step, grad in gradients((8,), steps=8):
        if step == 4:
            resumed = (param.copy(), {name: array.copy() for name, array in slots.items()})
        first.update(param, grad, slots, step, 0.01)
        if resumed is not None:
            second.update(resumed[0], grad, resumed[1], step, 0.01)
    assert resumed is not None
    np.testing.assert_array_equal(param, resumed[0])


@every_case
def test_a_gradient_of_zero_never_divides_by_zero(kind: Any, options: Any) -> None:
    decay = {"weight_decay": 0.0} if "weight_decay" in kind.Config.model_fields else {}
    optimizer = make(kind, {**options, **decay})
    param = np.ones(3, np.float32)
    slots = optimizer.slots(param)
    for step in range(1, 4):
        optimizer.update(param, np.zeros(3, np.float32), slots, step, 0.01)
    np.testing.assert_array_equal(param, 1)


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 3), (2, 0, 3)])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_parameter_without_elements_is_updated_and_saved(name: str, shape: Any) -> None:
    """Means of no elements are NaN, which the state of a run must not hold."""
    kind = registry.default().load("optimizers", name)
    for options in OPTIMIZERS[name]:
        optimizer, param = make(kind, options), np.empty(shape, np.float32)
        slots = optimizer.slots(param)
        for step in (1, 2, 3):
            optimizer.update(param, np.empty(shape, np.float32), slots, step, 0.01)
        require_storable(slots, "slots", finite=True)
        require_same_bits(slots, saved_and_loaded(slots), "saved and loaded")


def test_plain_sgd_needs_no_state() -> None:
    optimizer, param = make(SGD, {}), np.array([1.0, 2.0])
    assert optimizer.slots(param) == {}
    optimizer.update(param, np.array([10.0, -10.0]), {}, 1, 0.1)
    np.testing.assert_allclose(param, [0.0, 3.0], atol=1e-15)


def test_momentum_adds_up_and_the_rate_acts_at_once() -> None:
    optimizer, param = make(SGD, {"momentum": 0.5}), np.array([0.0])
    slots = optimizer.slots(param)
    optimizer.update(param, np.array([1.0]), slots, 1, 0.1)
    optimizer.update(param, np.array([1.0]), slots, 2, 0.01)
    np.testing.assert_allclose(param, [-0.1 - 0.015], rtol=1e-15)


def test_nesterov_looks_ahead() -> None:
    optimizer, param = make(SGD, {"momentum": 0.5, "nesterov": True}), np.array([0.0])
    slots = optimizer.slots(param)
    optimizer.update(param, np.array([1.0]), slots, 1, 0.1)
    np.testing.assert_allclose(param, [-0.15], rtol=1e-15)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_adams_first_step_is_the_rate_whatever_the_gradients_scale(scale: float) -> None:
    optimizer, param = make(Adam, {}), np.zeros(2)
    optimizer.update(param, np.array([scale, -scale]), optimizer.slots(param), 1, 0.01)
    np.testing.assert_allclose(param, [-0.01, 0.01], rtol=1e-4)


def test_adamw_decays_the_parameter_and_not_its_moments() -> None:
    optimizer, param = make(AdamW, {"weight_decay": 0.1}), np.array([2.0])
    slots = optimizer.slots(param)
    optimizer.update(param, np.array([0.0]), slots, 1, 0.5)
    np.testing.assert_allclose(param, [2.0 * (1 - 0.05)], rtol=1e-15)
    assert not slots["first_moment"].any()


def test_rmsprops_first_step_divides_by_the_running_size() -> None:
    optimizer, param = make(RMSprop, {"rho": 0.75}), np.zeros(1)
    optimizer.update(param, np.array([4.0]), optimizer.slots(param), 1, 0.01)
    np.testing.assert_allclose(param, [-0.01 * 4 / math.sqrt(0.25 * 16)], rtol=1e-8)


def test_centered_rmsprop_survives_a_variance_of_zero() -> None:
    optimizer, param = make(RMSprop, {"rho": 0.1, "centered": True}), np.zeros(64)
    slots = optimizer.slots(param)
    grad = np.random.default_rng(0).normal(size=64)
    for step in range(1, 60):
        optimizer.update(param, grad, slots, step, 1e-9)
    assert np.isfinite(param).all()


def test_amsgrad_divides_by_the_largest_second_moment() -> None:
    optimizer, param = make(Adam, {"beta_2": 0.5, "amsgrad": True}), np.zeros(1)
    slots = optimizer.slots(param)
    for step, grad in enumerate((4.0, 0.0, 0.0), 1):
        optimizer.update(param, np.array([grad]), slots, step, 0.01)
    assert slots["second_moment"] == [2.0]
    assert slots["largest_second_moment"] == [8.0]


def test_the_momentum_of_a_long_run_of_nadam_is_that_of_beta_1() -> None:
    """The product of all momenta is computed for the first steps alone: it vanishes soon."""
    optimizer, param = make(Nadam, {}), np.zeros(1)
    *_, of_moment, of_grad, _, _ = optimizer.arguments(optimizer.slots(param), 10**6, 0.01)
    np.testing.assert_allclose([of_moment, of_grad], [0.9, 0.1], rtol=1e-15)


def test_radam_without_enough_steps_has_the_scale_of_the_gradient() -> None:
    optimizer, param = make(RAdam, {}), np.zeros(2)
    slots = optimizer.slots(param)
    for step in range(1, 6):
        optimizer.update(param, np.array([1.0, 10.0]), slots, step, 0.01)
    np.testing.assert_allclose(param, [-0.05, -0.5], rtol=1e-12)
    optimizer.update(param, np.array([1.0, 10.0]), slots, 6, 0.01)
    steps = param - [-0.05, -0.5]
    np.testing.assert_allclose(steps[0], steps[1], rtol=1e-6)


def test_rprop_leaves_out_the_step_after_a_change_of_sign() -> None:
    optimizer, param = make(Rprop, {}), np.zeros(1)
    slots, seen = optimizer.slots(param), []
    for step, grad in enumerate((3.0, 1.0, -5.0, -1.0), 1):
        optimizer.update(param, np.array([grad]), slots, step, 0.1)
        seen.append(param[0])
    np.testing.assert_allclose(seen, [-0.1, -0.22, -0.22, -0.16], rtol=1e-12)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (SGD, {"learning_rate": 0.0}),
        (SGD, {"momentum": 1.0}),
        (SGD, {"weight_decay": -0.1}),
        (SGD, {"clip_norm": 0.0}),
        (Adam, {"beta_1": 1.0}),
        (Adam, {"beta_2": -0.1}),
        (Adam, {"epsilon": 0.0}),
        (Adagrad, {"initial_accumulator_value": -0.1}),
        (Nadam, {"momentum_decay": -1.0}),
        (Rprop, {"eta_plus": 1.0}),
        (Rprop, {"min_factor": 2.0, "max_factor": 1.0}),
        (RMSprop, {"rho": 1.0}),
    ],
)
def test_impossible_values_are_refused(kind: Any, options: Any) -> None:
    with pytest.raises(ValidationError):
        kind.Config(**options)


def test_nesterov_without_momentum_is_refused_in_one_sentence() -> None:
    with pytest.raises(ValidationError) as caught:
        SGD.Config(nesterov=True)
    (error,) = caught.value.errors()
    assert error["msg"] == "nesterov needs a momentum above 0"
