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
LABELS = np.array([2, 0, 1, 2, 1, 0])
SEQUENCES = DRAW.integers(3, size=(6, 4))
SHARES = DRAW.dirichlet(np.ones(3), (6, 4))
SHARES[0, 0] = [0, 1, 0]
MASKS = DRAW.integers(0, 2, (6, 4, 5))
IMAGES = DRAW.random((6, 5, 6, 2))
BY_POSITION = {"average_over": "positions"}

LOSSES: dict[str, list[Case]] = {
    "binary_focal_cross_entropy": [
        ({}, (2,), BITS, {}),
        ({"gamma": 0.5, "alpha": 0.25, "label_smoothing": 0.1}, (1,), BITS[:, 0], {}),
        ({"gamma": 0, **BY_POSITION}, (4, 3), SHARES, {}),
    ],
    "categorical_focal_cross_entropy": [
        ({}, (3,), LABELS, {}),
        ({"gamma": 0.5, "alpha": [1.0, 0.0, 2.5], "label_smoothing": 0.1}, (4, 3), SEQUENCES, {}),
        (BY_POSITION, (4, 3), SHARES, {}),
        ({"ignore_label": 0}, (4, 3), SEQUENCES, {}),
    ],
    "categorical_hinge": [
        ({"ignore_label": 2}, (4, 3), SEQUENCES, {}),
        ({}, (3,), LABELS, {}),
        (BY_POSITION, (4, 3), SHARES, {}),
    ],
    "cosine_similarity": [({}, (2,), NUMBERS, {}), (BY_POSITION, (4, 3), SHARES, {})],
    "dice": [
        ({}, (4, 5, 1), MASKS, {}),
        ({"smooth": 0.1, "from_logits": False}, (4, 3), SHARES, {"outputs": SHARES[::-1]}),
    ],
    "gaussian_nll": [
        ({}, [(2,), (2,)], COUNTS, {"outputs": [NUMBERS, POSITIVE]}),
        (
            {"full": True, "epsilon": 0.05, **BY_POSITION},
            [(2,), (2,)],
            NUMBERS,
            {"outputs": [COUNTS, POSITIVE]},
        ),
    ],
    "hinge": [({}, (2,), 2 * BITS - 1, {}), ({}, (1,), BITS[:, 0], {})],
    "kl_divergence": [({}, (3,), SHARES[:, 0], {}), (BY_POSITION, (4, 3), SHARES, {})],
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
    "ssim": [
        ({}, (12, 11, 1), DRAW.random((6, 12, 11)), {}),
        ({"filter_size": 4, "filter_sigma": 0.8, "max_val": 2.0}, (5, 6, 2), IMAGES, {}),
    ],
    "triplet": [
        ({}, [(3,), (3,), (3,)], None, {}),
        ({"margin": 9.0, "p": 3.5, "epsilon": 0.1, "swap": True}, [(2, 2)] * 3, None, {}),
        ({"p": 1.0, "margin": 9.0}, [(3,), (3,), (3,)], None, {}),
    ],
    "tversky": [
        ({}, (4, 5, 1), MASKS, {}),
        ({"alpha": 0.3, "beta": 0.9, "smooth": 0.1}, (4, 3), SHARES, {}),
    ],
}
