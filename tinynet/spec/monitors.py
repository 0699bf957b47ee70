"""The figures of evaluations that a spec monitors."""

from tinynet import registry
from tinynet.spec.training_spec import TrainingSpec

SCHEDULE_METRIC = "/training/schedule/metric"


def monitored_figures(training: TrainingSpec) -> dict[str, str]:
    """Return the name of each monitored figure by the JSON pointer to it."""
    figures: dict[str, str] = {}
    if training.early_stopping is not None:
        figures["/training/early_stopping/metric"] = training.early_stopping.metric
    if training.checkpoint.keep_best is not None:
        figures["/training/checkpoint/keep_best/metric"] = training.checkpoint.keep_best.metric
    if training.schedule is not None:
        # Imported here, as it imports NumPy, which most specs are read without.
        from tinynet.schedule import AdaptiveScheduleConfig

        config = registry.default().config(training.schedule, "/training/schedule")
        if isinstance(config, AdaptiveScheduleConfig):
            figures[SCHEDULE_METRIC] = config.metric
    return figures
