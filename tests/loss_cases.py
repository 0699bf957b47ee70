"""The cases that test_contract.py checks of losses."""

from typing import Any, TypeAlias

import numpy as np

Case: TypeAlias = tuple[dict[str, Any], Any, Any, dict[str, Any]]
"""The options, the shape of an output, the targets, and other arguments of `loss_checks`."""

DRAW = np.random.default_rng(1)
NUMBERS = DRAW.normal(size=(6, 2))
POSITIVE = DRAW.uniform(0.1, 3, (6, 2))
COUNTS = DRAW.integers(0, 5, (6, 2)).astype(np.float64)
BITS = DRAW.integers(0, 2, (6, 2))
BY_POSITION = {"average_over": "positions"}

LOSSES: dict[str, list[Case]] = {
    "hinge": [({}, (2,), 2 * BITS - 1, {}), ({}, (1,), BITS[:, 0], {})],
    "log_cosh": [({}, (2,), NUMBERS, {}), (BY_POSITION, (2,), NUMBERS, {})],
    "mape": [({}, (2,), NUMBERS, {}), ({"epsilon": 1.0}, (2,), COUNTS, {})],
    "msle": [({}, (2,), COUNTS, {}), (BY_POSITION, (2,), POSITIVE, {})],
    "poisson": [
        ({}, (2,), COUNTS, {"outputs": NUMBERS}),
        ({"full": True}, (2,), POSITIVE, {"outputs": NUMBERS}),
        ({"log_input": False, "epsilon": 0.1}, (2,), COUNTS, {"outputs": POSITIVE}),
    ],
    "quantile": [({"quantile": 0.9}, (2,), NUMBERS, {}), ({}, (1,), NUMBERS[:, 0], {})],
    "smooth_l1": [({}, (2,), NUMBERS, {}), ({"beta": 0.3}, (2,), NUMBERS, {})],
    "squared_hinge": [({}, (2,), 2 * BITS - 1, {}), ({}, (1,), BITS[:, 0], {})],
}
