"""The cases that test_contract.py checks of optimizers: their options."""

from typing import Any

OPTIMIZERS: dict[str, list[dict[str, Any]]] = {
    "adadelta": [{}, {"rho": 0.5, "weight_decay": 0.1}],
    "adafactor": [{}, {"beta_2_decay": -0.5, "epsilon_1": 1e-3, "weight_decay": 0.1}],
    "adagrad": [{}, {"initial_accumulator_value": 0.0, "weight_decay": 0.1}],
    "adam": [{}, {"weight_decay": 0.1}, {"amsgrad": True}],
    "adamax": [{}, {"weight_decay": 0.1}],
    "adamw": [{"weight_decay": 0.1}, {"amsgrad": True}],
    "lamb": [{}, {"weight_decay": 0.0}],
    "lars": [{}, {"momentum": 0.0, "weight_decay": 0.1}],
    "nadam": [{}, {"momentum_decay": 1.0, "weight_decay": 0.1}],
    "radam": [{}, {"beta_2": 0.9, "weight_decay": 0.1}],
    "rmsprop": [{}, {"momentum": 0.9, "centered": True}],
    "rprop": [{}, {"eta_minus": 0.3, "eta_plus": 2.0, "max_factor": 3.0}],
    "sgd": [{}, {"momentum": 0.9, "nesterov": True}],
}
