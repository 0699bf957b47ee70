"""The cases that test_contract.py checks of metrics."""

from typing import Any, TypeAlias

import numpy as np

Case: TypeAlias = tuple[dict[str, Any], Any, Any]
"""The options, the predictions and the targets."""

DRAW = np.random.default_rng(2)
NUMBERS = DRAW.normal(size=(6, 2))
NEAR = NUMBERS + DRAW.normal(size=(6, 2)) / 4
PROBABILITIES = DRAW.dirichlet(np.ones(3), 6)
LABELS = np.array([2, 0, 1, 2, 1, 0])
SEVERAL = DRAW.uniform(size=(6, 2))
BITS = np.array([[0, 1], [1, 1], [0, 0], [1, 0], [0, 1], [1, 0]])
IMAGES = DRAW.uniform(size=(6, 4, 5, 2))
BIG_IMAGES = DRAW.uniform(size=(6, 11, 12, 1))

METRICS: dict[str, list[Case]] = {
    "auc": [
        ({}, PROBABILITIES, LABELS),
        ({"curve": "pr", "ignore_label": 1}, PROBABILITIES, LABELS),
        ({"bins": 64}, SEVERAL, BITS),
        ({"average": "binary"}, SEVERAL[:, :1], BITS[:, 1]),
    ],
    "balanced_accuracy": [
        ({}, PROBABILITIES, LABELS),
        ({"ignore_label": 1}, PROBABILITIES, LABELS),
    ],
    "cohen_kappa": [
        ({"weights": weights}, PROBABILITIES, LABELS) for weights in ("none", "linear", "quadratic")
    ],
    "dice": [({"average": "micro"}, PROBABILITIES, LABELS)],
    "explained_variance": [({}, NEAR, NUMBERS), ({}, NEAR[:, :1], NUMBERS[:, 0])],
    "mape": [({}, NEAR, NUMBERS), ({"epsilon": 1.0}, NEAR[:, :1], NUMBERS[:, 0])],
    "matthews": [({}, PROBABILITIES, LABELS), ({"ignore_label": 1}, PROBABILITIES, LABELS)],
    "mean_iou": [
        ({}, PROBABILITIES, LABELS),
        ({"average": "binary", "ignore_label": 2}, SEVERAL[:, :1], BITS[:, 0]),
    ],
    "mse": [({}, NEAR, NUMBERS)],
    "psnr": [({}, NEAR, NUMBERS), ({"max_val": 255.0}, NEAR, NUMBERS)],
    "rmse": [({}, NEAR, NUMBERS), ({}, NEAR[:, :1], NUMBERS[:, 0])],
    "binary_accuracy": [({}, SEVERAL, BITS), ({"threshold": 0.3}, SEVERAL[:, :1], BITS[:, 0])],
    "calibration_error": [
        ({}, PROBABILITIES, LABELS),
        ({"bins": 3, "ignore_label": 1}, PROBABILITIES, LABELS),
        ({}, SEVERAL[:, :1], BITS[:, 0]),
    ],
    "false_negatives": [({}, SEVERAL, BITS)],
    "false_positives": [({}, SEVERAL, BITS)],
    "log_loss": [({}, PROBABILITIES, LABELS), ({"ignore_label": 0}, SEVERAL[:, 0], BITS[:, 0])],
    "multi_label_f1": [
        ({"average": average}, SEVERAL, BITS)
        for average in ("macro", "micro", "weighted", "samples")
    ],
    "multi_label_precision": [({}, SEVERAL, BITS), ({"average": "samples"}, SEVERAL, BITS)],
    "multi_label_recall": [({}, SEVERAL, BITS), ({"average": "samples"}, SEVERAL, BITS)],
    "true_negatives": [({"ignore_label": 1}, SEVERAL, BITS)],
    "true_positives": [({}, SEVERAL, BITS)],
    "spearman": [({}, NEAR, NUMBERS), ({"max_samples": 6}, NEAR[:, :1], NUMBERS[:, 0])],
    "ssim": [({"filter_size": 3}, IMAGES, IMAGES[::-1]), ({}, BIG_IMAGES, BIG_IMAGES[..., 0] / 2)],
}
