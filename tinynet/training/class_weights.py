"""Weights of the classes in the training loss."""

from collections.abc import Mapping
from typing import Literal

import numpy as np

from tinynet.data.data import Data
from tinynet.errors import Problem, SpecError
from tinynet.spec.consistency import CLASS_WEIGHTS
from tinynet.text.wording import suggest
from tinynet.types import Array


def class_weights(
    declared: Literal["balanced"] | Mapping[str, float], data: Data, target: str
) -> Array:
    """Return the weight of each class, (classes,).

    Args:
        declared: The class weights of the spec.
        data: The data.
        target: Name of the target that has the classes.

    Raises:
        SpecError: if the target is not one class for each sample, or a class is unknown.
    """
    classes = data.raw[target].classes
    if classes is None or data.targets[target].shape not in ((), (len(classes),)):
        shape = data.targets[target].shape
        actual = "holds numbers" if classes is None else f"has the shape {shape}"
        raise _problem(
            f"class weights need one class for each sample, but the target {target!r} {actual};"
            " use --set training.class_weights=null"
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


def weights_of(targets: Array, weights: Array) -> Array:
    """Return the weight of each sample, (N,).

    Args:
        targets: Labels (N,), or probabilities of the classes (N, classes).
        weights: From `class_weights`.
    """
    of_samples: Array = weights[targets] if targets.ndim == 1 else targets @ weights
    return of_samples


def _problem(message: str) -> SpecError:
    return SpecError([Problem(message, CLASS_WEIGHTS)])
