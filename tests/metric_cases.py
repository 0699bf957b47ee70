"""The cases that test_contract.py checks of metrics."""

from typing import Any, TypeAlias

import numpy as np

Case: TypeAlias = tuple[dict[str, Any], Any, Any]
"""The options, the predictions and the targets."""

DRAW = np.random.default_rng(2)
NUMBERS = DRAW.normal(size=(6, 2))
NEAR = NUMBERS + DRAW.normal(size=(6, 2)) / 4

METRICS: dict[str, list[Case]] = {
    "explained_variance": [({}, NEAR, NUMBERS), ({}, NEAR[:, :1], NUMBERS[:, 0])],
    "mape": [({}, NEAR, NUMBERS), ({"epsilon": 1.0}, NEAR[:, :1], NUMBERS[:, 0])],
    "mse": [({}, NEAR, NUMBERS)],
    "psnr": [({}, NEAR, NUMBERS), ({"max_val": 255.0}, NEAR, NUMBERS)],
    "rmse": [({}, NEAR, NUMBERS), ({}, NEAR[:, :1], NUMBERS[:, 0])],
}
