"""Monitoring of evaluations: the best one so far, and early stopping."""

import math
from collections.abc import Mapping

from tinynet.metric import Metric
from tinynet.spec.training_spec import EarlyStoppingSpec, KeepBestSpec, TrainingSpec
from tinynet.training.events import BestEvaluation, StoppedEarly
from tinynet.training.progress import Best, Progress


def update_best(
    training: TrainingSpec,
    metrics: Mapping[str, Metric],
    figures: Mapping[str, float],
    progress: Progress,
) -> bool:
    """Update the best evaluations in ``progress``, for `keep_best` and `early_stopping`.

    ``figures`` are the results of an evaluation: ``val/loss``, ``val/accuracy``, ... Return True if
    it is the best so far by `keep_best`.
    """
    keep_best, stopping = training.checkpoint.keep_best, training.early_stopping
    improved = False
    if keep_best is not None:
        improved = _better(keep_best, metrics, figures, progress.best)
        if improved:
            progress.best = Best(figures[keep_best.metric], progress.step)
    if stopping is not None:
        best = progress.best_for_stopping
        if _better(stopping, metrics, figures, best, stopping.min_delta):
            progress.best_for_stopping = Best(figures[stopping.metric], progress.step)
            progress.stale = 0
        else:
            progress.stale += 1
    return improved


def best_evaluation(
    training: TrainingSpec, progress: Progress, steps_per_epoch: int
) -> BestEvaluation | None:
    """Return the best evaluation by `keep_best`, else by `early_stopping`; None without either."""
    for monitor, best in (
        (training.checkpoint.keep_best, progress.best),
        (training.early_stopping, progress.best_for_stopping),
    ):
        if monitor is not None and best is not None:
            return _evaluation(monitor.metric, best, steps_per_epoch)
    return None


def early_stopping_event(
    stopping: EarlyStoppingSpec, progress: Progress, steps_per_epoch: int
) -> StoppedEarly:
    """Return the event that reports early stopping."""
    best = progress.best_for_stopping
    if best is None:
        return StoppedEarly(stopping.metric, stopping.patience, None, False)
    kept = progress.best is not None and progress.best.step == best.step
    evaluation = _evaluation(stopping.metric, best, steps_per_epoch)
    return StoppedEarly(stopping.metric, stopping.patience, evaluation, kept)


def _evaluation(metric: str, best: Best, steps_per_epoch: int) -> BestEvaluation:
    return BestEvaluation(metric, best.value, best.step, math.ceil(best.step / steps_per_epoch))


def _better(
    monitor: KeepBestSpec | EarlyStoppingSpec,
    metrics: Mapping[str, Metric],
    figures: Mapping[str, float],
    best: Best | None,
    min_delta: float = 0.0,
) -> bool:
    """Return True if a figure improves on the best by more than ``min_delta``; NaN never does."""
    value = figures[monitor.metric]
    if best is None or not math.isfinite(value):
        return math.isfinite(value)
    greater = greater_is_better(monitor.metric, metrics)
    gain = value - best.value if greater else best.value - value
    return gain > min_delta


def greater_is_better(figure: str, metrics: Mapping[str, Metric]) -> bool:
    """Return True if a greater value of a figure, such as ``val/accuracy``, is an improvement.

    Args:
        figure: The name of the figure.
        metrics: The metrics by label.
    """
    metric = metrics.get(figure.partition("/")[2])  # None for the loss
    return metric is not None and metric.greater_is_better
