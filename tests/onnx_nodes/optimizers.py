"""Optimizers: one step of each parameter of a case."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinynet import registry

from .cases import Case
from .plan import NotRepresentable, Result

LATE = 10**6
"""A step at which the factors 1 - beta^step are 1 in float64."""


@dataclass(frozen=True)
class UpdatePlan:
    """One step of an optimizer.

    Attributes:
        name: The type of the optimizer.
        options: Its options.
        rate: The learning rate.
        step: Number of the step, from 1.
        tensors: For each parameter: itself, its gradient, its state by name, and what ONNX expects
            of the parameter and of the state.
    """

    name: str
    options: dict[str, Any]
    rate: float
    step: int
    tensors: list[tuple[Any, Any, dict[str, Any], Any, dict[str, Any]]]

    def results(self, dtype: str) -> list[Result]:
        """Return the parameters and their states after the step."""
        kind = registry.default().load("optimizers", self.name)
        optimizer = kind(kind.Config(**self.options))
        results = []
        for param, gradient, state, expected, expected_state in self.tensors:
            param = param.copy()
            slots = optimizer.slots(param)
            assert slots.keys() == state.keys()
            for slot, value in state.items():
                slots[slot][...] = value
            optimizer.update(param, gradient, slots, self.step, self.rate)
            results.append(Result("parameter", param, expected))
            results += [Result(slot, slots[slot], value) for slot, value in expected_state.items()]
        return results


def _tensors(case: Case, slots: list[str], factors: list[float] | None = None) -> list[Any]:
    """Return the tensors of a case, which lists X1, X2, ..., then G1, G2, ..., and the states.

    Args:
        case: The case.
        slots: Names of the states in tinynet.
        factors: The factor of tinynet's states, in units of ONNX's.
    """
    values = case.inputs[2:]
    count = len(values) // (2 + len(slots))
    factors = factors or [1.0] * len(slots)
    tensors = []
    for index in range(count):
        param, gradient, *states = values[index::count]
        expected, *expected_states = case.outputs[index::count]
        before, after = (
            {
                slot: np.asarray(state * np.float32(factor))
                for slot, state, factor in zip(slots, group, factors, strict=True)
            }
            for group in (states, expected_states)
        )
        tensors.append((param, gradient, before, expected, after))
    return tensors


def plan_adagrad(case: Case) -> UpdatePlan:
    """Return a step with the rate of the schedule `inverse_time`, which ONNX has as decay."""
    rate = float(case.x) / (1 + int(case.input(1)) * case.get("decay_factor", 0.0))
    options = {
        "epsilon": case.get("epsilon", 0.0),
        "weight_decay": case.get("norm_coefficient", 0.0),
    }
    return UpdatePlan("adagrad", options, rate, 1, _tensors(case, ["sum_of_squares"]))


def plan_adam(case: Case) -> UpdatePlan:
    """Return a step; ONNX adds epsilon before it corrects the bias of the second moment.

    ONNX does not correct the moments' bias at step 0; the correction of a late step is none.
    """
    step, beta = int(case.input(1)) or LATE, case.get("beta", 0.999)
    options = {
        "beta_1": case.get("alpha", 0.9),
        "beta_2": beta,
        "epsilon": case.get("epsilon", 0.0) / np.sqrt(1 - beta**step),
        "weight_decay": case.get("norm_coefficient", 0.0),
    }
    assert not case.get("norm_coefficient_post", 0.0)
    tensors = _tensors(case, ["first_moment", "second_moment"])
    return UpdatePlan("adam", options, float(case.x), step, tensors)


def plan_momentum(case: Case) -> UpdatePlan:
    """Return a step; ONNX multiplies gradients by beta after step 0, here part of the rate."""
    beta = case.get("beta") if int(case.input(1)) else 1.0
    nesterov = case.get("mode") == "nesterov"
    if nesterov and beta != 1:
        raise NotRepresentable("Nesterov momentum with a factor of the gradient")
    options = {
        "momentum": case.get("alpha"),
        "nesterov": nesterov,
        "weight_decay": case.get("norm_coefficient", 0.0),
    }
    rate = float(case.x) * beta
    return UpdatePlan("sgd", options, rate, 1, _tensors(case, ["velocity"], [1 / beta]))
