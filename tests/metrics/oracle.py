"""The figure of a metric, counted in parts."""

from typing import Any

import numpy as np


def figure(kind: Any, predictions: Any, targets: Any, *, parts: int = 1, **options: Any) -> float:
    """Return the figure of a metric that counts ``parts`` batches and merges two states.

    Args:
        kind: The class of the metric.
        predictions: (N, *out_shape).
        targets: (N, *target_shape).
        parts: Number of batches.
        **options: The options of the metric.
    """
    metric = kind(kind.Config(**options))
    predictions, targets = np.asarray(predictions), np.asarray(targets)
    states = [metric.start(predictions.shape[1:]) for _ in range(2)]
    rows = np.array_split(np.arange(len(targets)), parts)
    for i, part in enumerate(rows):
        metric.update(states[i % 2], predictions[part], targets[part])
    metric.merge(*states)
    result: float = metric.result(states[0])
    return result
