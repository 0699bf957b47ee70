"""The direction in which a column of runs is better, as far as it is known without plugins."""

from collections.abc import Iterable, Mapping
from typing import Any

GREATER_IS_BETTER = frozenset(
    """accuracy auc balanced_accuracy binary_accuracy cohen_kappa dice explained_variance f1
    matthews mean_iou multi_label_f1 multi_label_precision multi_label_recall precision psnr r2
    recall spearman ssim top_k_accuracy true_negatives true_positives""".split()
)
"""The built-in metrics of which a greater value is better; the figures of losses are smaller."""

SPLITS = ("val", "test", "train")

_CORE = "tinynet-core:"


def greater_is_better(column: str, specs: Iterable[Mapping[str, Any]]) -> bool:
    """Return True if a greater value of a figure such as ``val/accuracy`` is known to be better.

    Args:
        column: The full name of a column.
        specs: The specs of the runs, whose metrics may have names of their own.
    """
    split, _, label = column.partition("/")
    if split not in SPLITS or not label:
        return False
    for metric in (metric for spec in specs for metric in _metrics(spec)):
        kind, name, output = (metric.get(key) for key in ("type", "name", "output"))
        short = kind.rpartition(":")[2] if isinstance(kind, str) else None
        if short is not None and label in (name, short, f"{output}/{short}"):
            return str(kind).removeprefix(_CORE) in GREATER_IS_BETTER
    return label.rpartition("/")[2] in GREATER_IS_BETTER


def _metrics(spec: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    training = spec.get("training")
    metrics = training.get("metrics") if isinstance(training, Mapping) else None
    listed = metrics if isinstance(metrics, list) else []
    return [metric for metric in listed if isinstance(metric, Mapping)]
