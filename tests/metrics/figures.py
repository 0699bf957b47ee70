"""Figures of metrics."""

from typing import Any

import numpy as np


def figure(kind: Any, predictions: Any, targets: Any, **options: Any) -> float:
    """Return the figure of a metric for some predictions."""
    metric = kind(kind.Config(**options))
    predictions, targets = np.array(predictions), np.array(targets)
    state = metric.start(predictions.shape[1:])
    metric.update(state, predictions, targets)
    result: float = metric.result(state)
    return result
