"""Weights of the classes in the training loss."""

from collections.abc import Mapping
from typing import Literal

import numpy as np

from tinynet.data.data import Data
from tinynet.engine.inputs import own_name
from tinynet.errors import Problem, SpecError
from tinynet.spec.consistency import CLASS_WEIGHTS
from tinynet.text.wording import suggest
from tinynet.types import Array

_OFF = "use --set training.class_weights=null"


def class_weights(
    declared: Literal["balanced"] | Mapping[str, float], data: Data, names: Mapping[str, str]
) -> Array:
    """Return the weight of each class, (classes,).

    Args:
        declared: The class weights of the spec.
        data: The data.
        names: The target of the only loss, by the loss's name; empty if it has none.

    Raises:
        SpecError: if there is no target, or the target does not hold one class for each sample or
            position, or a class is unknown.
    """
    if not names:
        raise _problem(f"class weights need a loss with a target, and there is none; {_OFF}")
    (name,) = names.values()
    target = own_name(name)
    classes, field = data.raw[target].classes, data.target_field(name)
    if classes is None or not (holds_labels(data, name) or field.shape[-1:] == (len(classes),)):
        actual = "holds numbers" if classes is None else f"has the shape {field.shape}"
        raise _problem(
            "class weights need one class for each sample or position, but the target"
            f" {target!r} {actual}; {_OFF}"
        )
    if declared == "balanced":
        counts = data.class_counts(target)
        balanced: Array = counts.sum() / (len(classes) * np.maximum(counts, 1))
        return balanced
    assert not isinstance(declared, str)
    for name in declared:
        if name not in classes:
            raise _problem(f"{name!r} is not a class of {target!r}; {suggest(name, classes)}")
    weights = np.array([declared.get(name, 1.0) for name in classes])
    if not weights.any():
        raise _problem("every class has the weight 0; give at least one a larger weight")
    return weights


def holds_labels(data: Data, name: str) -> bool:
    """Return True if a target holds indices of classes, and not probabilities, for example."""
    return data.target_field(name).classes is not None


def weights_of(targets: Array, weights: Array, *, labels: bool) -> Array:
    """Return the weight of each sample or position, (N, ...).

    Args:
        targets: Labels (N, ...), or probabilities of the classes (N, ..., classes).
        weights: From `class_weights`.
        labels: True if the targets are labels.
    """
    of_targets: Array = weights[targets] if labels else targets @ weights
    return of_targets


def multiply_weights(first: Array, second: Array) -> Array:
    """Return the product of weights of samples, (N,), or of positions, (N, T)."""
    axes = max(first.ndim, second.ndim)
    first, second = (w.reshape(w.shape + (1,) * (axes - w.ndim)) for w in (first, second))
    product: Array = first * second
    return product


def _problem(message: str) -> SpecError:
    return SpecError([Problem(message, CLASS_WEIGHTS)])
