"""The outputs of a network that are compared with targets, and what is collected of each."""

import math
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

import numpy as np

from tinynet.commands.report.class_collector import ClassCollector
from tinynet.commands.report.label_collector import LabelCollector
from tinynet.commands.report.number_collector import NumberCollector
from tinynet.engine.inputs import own_name
from tinynet.engine.losses import OutputLoss
from tinynet.loss import ClassLoss
from tinynet.prediction.model import Model
from tinynet.types import Array, Shape

MAX_CLASSES = 2000
"""Classes of an output that a report has predictions of."""

MAX_LABELS = 500
"""Labels of an output, of which a sample has any number, that a report has predictions of."""

Collector: TypeAlias = ClassCollector | LabelCollector | NumberCollector


@dataclass(eq=False)
class Compared:
    """An output that is compared with a target.

    Attributes:
        name: The name of the output.
        target: Name of the target, or of the input that is its target, in the data.
        loss: Its loss.
        collector: The predictions of the split; None if the report has only the figures.
        scores: The score of each sample, (N,): larger is worse.
    """

    name: str
    target: str
    loss: OutputLoss
    collector: Collector | None
    scores: list[Array] = field(default_factory=list)

    def add(self, values: Array, targets: Array, weights: Array | None) -> None:
        """Add the predictions of some samples; see the collectors for the arguments."""
        if self.collector is not None:
            own = self.loss.own_weights(weights, targets)
            self.scores.append(self.collector.add(values, targets, own))

    def worst(self, number: int) -> list[tuple[int, float]]:
        """Return the positions of the worst samples in the split with their scores."""
        if not self.scores:
            return []
        scores = np.concatenate(self.scores)
        order = np.argsort(-np.nan_to_num(scores, nan=-np.inf), kind="stable")[:number]
        return [(int(at), float(scores[at])) for at in order if not math.isnan(scores[at])]


def compared_outputs(model: Model, targets: dict[str, Array], samples: int) -> list[Compared]:
    """Return the outputs that are compared with a target, in the order of the network's losses.

    Args:
        model: The model.
        targets: The targets of some samples by the loss's name.
        samples: The number of samples that will be added.
    """
    outputs = []
    for part in model.network.losses:
        if part.name not in model.network.outputs or part.name not in targets:
            continue
        array, target = targets[part.name], own_name(model.target_names[part.name])
        collector = _collector(model, part, target, array, samples)
        outputs.append(Compared(part.name, target, part, collector))
    return outputs


def _collector(
    model: Model, part: OutputLoss, target: str, targets: Array, samples: int
) -> Collector | None:
    shape = model._example(part.name).shape[1:]
    own, expected = targets.shape[1:], samples * math.prod(targets.shape[1:])
    probable = model.predicts_probabilities(part.name)
    if classes := _classes(model, part, targets):
        single = len(classes) == 2 and shape in (own, (*own, 1))
        if (single and probable) or (not single and _has_rows(shape, own, len(classes))):
            return ClassCollector(classes, part.ignored_label, expected, probable=probable)
        return None
    if _is_labels(model, part.name, target, shape, targets):
        names = model.raw_fields[target].names or tuple(map(str, range(own[0])))
        return LabelCollector(names, samples)
    if shape in (own, (*own, 1)) and targets.dtype.kind in "biuf":
        return NumberCollector(own, samples, partial(model.preprocessing.invert, target))
    return None


def _classes(model: Model, part: OutputLoss, targets: Array) -> tuple[str, ...]:
    """Return the names of the classes of an output; empty if it has none, or too many."""
    classes = model.classes[part.name]
    shape = model.network.out_shapes[part.name]
    if classes is None and isinstance(part.loss, ClassLoss) and targets.dtype.kind in "biu":
        classes = tuple(map(str, range(part.loss.max_classes(shape))))
    return classes if classes is not None and len(classes) <= MAX_CLASSES else ()


def _has_rows(shape: Shape, target: Shape, classes: int) -> bool:
    """Return True for outputs of a value for each class at each position of a target."""
    return shape[-1:] == (classes,) and target in (shape[:-1], (*shape[:-1], 1), shape)


def _is_labels(model: Model, output: str, target: str, shape: Shape, targets: Array) -> bool:
    """Return True if a target is any number of labels, each with a probability of its own."""
    if len(shape) != 1 or not 1 < shape[0] <= MAX_LABELS or targets.shape[1:] != shape:
        return False
    if not np.isin(targets, (0, 1)).all() or not model.predicts_probabilities(output):
        return False
    return not np.allclose(model._example(output).sum(axis=-1), 1)
