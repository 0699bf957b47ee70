"""Weights of the classes in the training loss."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tinynet.data.data import Data
from tinynet.engine.inputs import own_name
from tinynet.engine.losses import OutputLoss
from tinynet.errors import Problem, ShapeError, SpecError
from tinynet.loss import ClassLoss
from tinynet.spec.consistency import CLASS_WEIGHTS
from tinynet.text.options import overrides
from tinynet.text.plugin_errors import origin
from tinynet.text.wording import suggest
from tinynet.types import Array


def _off() -> str:
    return f"use {overrides('training.class_weights=null')}"


@dataclass(frozen=True)
class ClassWeights:
    """The weight of each class of the only target.

    Attributes:
        loss: The name of the loss that has the target.
        values: The weights, (classes,).
        labels: True if the targets are labels (N, ...), and not probabilities of the classes,
            (N, ..., classes).
    """

    loss: str
    values: Array
    labels: bool

    def multiply(self, targets: Mapping[str, Array], weights: Array | None) -> Array:
        """Return weights of samples or positions, multiplied by those of their classes.

        A label that is no class has the weight 1: the loss does not count it.

        Args:
            targets: The target of the loss, by the loss's name.
            weights: Weight of each sample, (N,), or of each position, (N, T); or None.
        """
        target = targets[self.loss]
        if not self.labels:
            # Not a product of BLAS, which rounds a row by its place among the others.
            return _product((target * self.values).sum(axis=-1), weights)
        indices, is_class = _as_indices(target, len(self.values))
        return _product(np.where(is_class, self.values[indices], 1.0), weights)


def class_weights(
    declared: Literal["balanced"] | Mapping[str, float] | None,
    losses: Sequence[OutputLoss],
    data: Data,
    names: Mapping[str, str],
) -> ClassWeights | None:
    """Return the weight of each class; None without class weights.

    Args:
        declared: The class weights of the spec; None for none.
        losses: The only loss.
        data: The data.
        names: The target of the only loss, by the loss's name; empty if it has none.

    Raises:
        SpecError: if there is no target, or the target does not hold one class for each sample or
            position of the output, or a class is unknown.
    """
    if declared is None:
        return None
    if not names:
        raise _problem(f"class weights need a loss with a target, and there is none; {_off()}")
    ((loss, name),) = names.items()
    (part,) = losses
    target, field = own_name(name), data.target_field(name)
    classes = data.preprocessing.classes(target)
    labels = field.classes is not None or classes is None
    if classes is None:
        classes = _classes_of_numbers(part)
    if classes is None or not (labels or field.shape[-1:] == (len(classes),)):
        actual = "holds numbers" if classes is None else f"has the shape {field.shape}"
        raise _problem(
            "class weights need one class for each sample or position, but the target"
            f" {target!r} {actual}; {_off()}"
        )
    positions = field.shape if labels else field.shape[:-1]
    if not part.has_positions(positions, field.shape):
        shapes = " and ".join(map(str, part.out_shapes))
        raise _problem(
            f"the target {target!r} has one class for each of the positions {positions}, which an"
            f" output of shape {shapes} does not have; {_off()}"
        )
    if declared == "balanced":
        counts = _class_counts(part, data, name, len(classes), labels=labels)
        balanced: Array = counts.sum() / (len(classes) * np.maximum(counts, 1))
        return ClassWeights(loss, balanced, labels)
    assert not isinstance(declared, str)
    for name in declared:
        if name not in classes:
            raise _problem(f"{name!r} is not a class of {target!r}; {suggest(name, classes)}")
    weights = np.array([declared.get(name, 1.0) for name in classes])
    if not weights.any():
        raise _problem("every class has the weight 0; give at least one a larger weight")
    return ClassWeights(loss, weights, labels)


@contextmanager
def naming_class_weights(
    losses: Sequence[OutputLoss], weights: Array | None, sample_weights: Array | None
) -> Iterator[None]:
    """Name class weights as the cause where a loss refuses the weights of positions that they give.

    Args:
        losses: The losses.
        weights: Weight of each sample, (N,), or of each position, (N, T); or None.
        sample_weights: The part of ``weights`` without class weights.

    Raises:
        ShapeError: in place of that of the loss, at the class weights.
    """
    try:
        yield
    except ShapeError as error:
        own = 1 if sample_weights is None else sample_weights.ndim
        at_loss = {problem.pointer for problem in error.problems} == {losses[0].pointer}
        if weights is None or weights.ndim <= max(own, 1) or not at_loss:
            raise
        message = (
            f"class weights of a target with positions have the shape {weights.shape}, but"
            f" {origin(losses[0].loss)} takes one weight for each sample, (N,); {_off()}"
        )
        raise ShapeError([Problem(message, CLASS_WEIGHTS)]) from error


def _classes_of_numbers(part: OutputLoss) -> tuple[str, ...] | None:
    """Return the classes of a target of numbers: those of the output, if one label is ignored.

    A loss that ignores a label takes labels, which are numbers if the ignored one is no class.
    Other numbers may be probabilities.
    """
    if part.ignored_label is None or not isinstance(part.loss, ClassLoss):
        return None
    return tuple(map(str, range(part.loss.max_classes(part.out_shapes[0]))))


def _class_counts(part: OutputLoss, data: Data, name: str, classes: int, *, labels: bool) -> Array:
    """Return the number of training samples or positions of each class, (classes,)."""
    counts = np.zeros(classes)
    for batch in data.target_batches({part.name: name}, "train"):
        target = batch.targets[part.name]
        if labels:
            indices, is_class = _as_indices(target, classes)
            counts += np.bincount(indices[is_class], minlength=classes)
        else:
            counts += target.reshape(-1, classes).sum(axis=0, dtype=np.float64)
    return counts


def _as_indices(labels: Array, classes: int) -> tuple[Array, Array]:
    """Return labels as indices, 0 where they are no class, and True where they are one."""
    is_class = (labels >= 0) & (labels < classes)
    return np.where(is_class, labels, 0).astype(np.intp), is_class


def _product(first: Array, second: Array | None) -> Array:
    """Return the product of weights of samples, (N,), or of positions, (N, T)."""
    if second is None:
        return first
    axes = max(first.ndim, second.ndim)
    first, second = (w.reshape(w.shape + (1,) * (axes - w.ndim)) for w in (first, second))
    product: Array = first * second
    return product


def _problem(message: str) -> SpecError:
    return SpecError([Problem(message, CLASS_WEIGHTS)])
