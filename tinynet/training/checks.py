"""Checks of a spec, its network and its data that run before training, without computing a step."""

from collections.abc import Iterator, Mapping

import numpy as np

from tinynet.data.data import Data, TargetBatch
from tinynet.data.split import Split
from tinynet.data.splits import SplitName
from tinynet.dataset import Field
from tinynet.engine.inputs import own_name
from tinynet.engine.losses import OutputLoss
from tinynet.errors import DataError, LocatedError, Problem, ShapeError, SpecError, TargetError
from tinynet.loss import ClassLoss
from tinynet.network.losses import targets_of
from tinynet.network.network import Network
from tinynet.spec.models import Spec
from tinynet.spec.monitors import monitored_figures
from tinynet.spec.training_spec import TrainingSpec
from tinynet.targets import BadTargetError
from tinynet.text.options import overrides, together
from tinynet.text.wording import format_list, quote
from tinynet.training.class_weights import ClassWeights, class_weights
from tinynet.training.compatibility import (
    bad_target_of,
    input_problems,
    placeholder_predictions,
    positions_problem,
    target_problems,
    weight_problems,
)
from tinynet.training.counted import CountedTargets
from tinynet.training.evaluation import Figures, ignored_label
from tinynet.training.loader import steps_per_epoch
from tinynet.training.optimizer_groups import group_of_each
from tinynet.training.partial_transforms import partly_mixed, partly_moved
from tinynet.training.regularization import declared_regularizers
from tinynet.training.remedies import class_target_remedy, loss_option, number_remedy, units_option
from tinynet.training.run_length import RunLength, require_lengths
from tinynet.training.sequences import misplaced_tags, small_embeddings
from tinynet.types import Array


class EmptySplitError(DataError, LocatedError):
    """An empty split that the spec needs; the error lists the keys that need it."""


def check_training(spec: Spec, network: Network, data: Data, names: Mapping[str, str]) -> None:
    """Require that the network can be trained on the data as the spec says.

    A network without memory (``dry``) is enough; ``names`` holds the target of each loss.

    Raises:
        SpecError: if nothing is trainable, for class weights and lengths in epochs that do not fit,
            for transforms that mix samples, or move pixels, in some of the arrays only, for
            embeddings of fewer indices than an input has, for tags that are not at the positions
            of their words, or for a loss that takes no weights where there are some.
        ShapeError: listing inputs, outputs, targets and metrics that do not fit together.
        TargetError: listing losses and metrics with a target they cannot use, with file and row.
        DataError: for a value that is not finite in the network's dtype, with file and row.
        EmptySplitError: listing the monitored figures of an empty split.
    """
    if not network.trainable:
        message = "nothing is trainable: no loss depends on parameters that are not frozen"
        raise SpecError([Problem(message, "/network")])
    training = spec.training
    group_of_each(training.optimizer.groups, network.params)
    declared_regularizers(training, network)
    require_lengths(training, RunLength(training, lambda: steps_per_epoch(data, training)))
    if problems := shape_problems(training, network, data, names):
        raise ShapeError(problems)
    if problems := [
        *partly_mixed(network, data, names),
        *partly_moved(network, data, names),
        *small_embeddings(network, data),
    ]:
        raise SpecError(problems)
    if problems := list(misplaced_tags(spec, data)):
        raise SpecError(problems)
    data.require_finite(network.dtype)
    require_weights_taken(spec, network, data)
    weights = class_weights(training.class_weights, network.losses, data, names)
    if problems := list(_TargetChecker(spec, network, data, names).problems(weights)):
        raise TargetError(problems)
    if problems := _without_split(training, data):
        raise EmptySplitError(problems)


def _without_split(training: TrainingSpec, data: Data) -> list[Problem]:
    """Return a problem for each monitored figure of the validation split, if that is empty."""
    if data.size("val"):
        return []
    return [
        Problem(
            f"{quote(figure)} is monitored, but the val split is empty; set data.split.validation,"
            " or data.validation to a dataset, or monitor the training data:"
            f' "metric": "train/{figure.removeprefix("val/")}"',
            pointer,
        )
        for pointer, figure in monitored_figures(training).items()
        if figure.startswith("val/")
    ]


def require_weights_taken(
    spec: Spec, network: Network, data: Data | None, *, evaluation: bool = False
) -> None:
    """Require losses that take weights, if samples of the data or classes of a spec have some.

    Args:
        spec: The spec.
        network: The network, with its losses.
        data: The data; None if they are not read.
        evaluation: True if class weights do not count.

    Raises:
        SpecError: listing every loss that does not, and weights of positions that no loss has.
    """
    class_weights = spec.training.class_weights is not None and not evaluation
    sample_weights = data is not None and data.weighted
    problems = weight_problems(network, class_weights=class_weights, sample_weights=sample_weights)
    if not problems and data is not None:
        problems += _position_problems(spec, network, data)
    if problems:
        raise SpecError(problems)


def _position_problems(spec: Spec, network: Network, data: Data) -> Iterator[Problem]:
    """Yield a problem for weights of positions of the data that fit no loss."""
    assert spec.data is not None
    names = targets_of(network.losses, data.targets, data.inputs)
    shapes = {loss: data.target_field(name).shape for loss, name in names.items()}
    for positions in sorted(data.weight_shapes):
        if message := positions_problem(network.losses, positions, shapes):
            if "weights" in spec.data.options:
                message = f"{message}, or leave them out with {overrides('data.weights=null')}"
            yield Problem(message, "/data")


def shape_problems(
    training: TrainingSpec, network: Network, data: Data, names: Mapping[str, str]
) -> list[Problem]:
    """Return a problem for each input, loss or metric that does not fit the fields of the data."""
    fields = {loss: data.target_field(name) for loss, name in names.items()}
    inputs = input_problems(network, data.input_shapes)
    return [*inputs, *output_problems(training, network, fields)]


def output_problems(
    training: TrainingSpec, network: Network, fields: Mapping[str, Field] | None
) -> list[Problem]:
    """Return a problem for each loss or metric that does not fit its output or target.

    ``fields`` holds the target of each loss, by the loss's name; None if no data are read.
    """
    problems: list[Problem] = []
    if fields is not None:
        wrong = {
            part.pointer: problem
            for part in network.losses
            if (problem := _class_problem(network, part, fields.get(part.name)))
        }
        shapes = {loss: field.shape for loss, field in fields.items()}
        problems += wrong.values()
        problems += [p for p in target_problems(network, shapes) if p.pointer not in wrong]
    try:
        Figures(training.metrics, network)
    except ShapeError as error:
        problems += error.problems
    return problems


def _class_problem(network: Network, part: OutputLoss, field: Field | None) -> Problem | None:
    """Return a problem if the output has too few units for the classes of its target."""
    if field is None or field.classes is None or not isinstance(part.loss, ClassLoss):
        return None
    shape, count = network.out_shapes[part.name], len(field.classes)
    most = part.loss.max_classes(shape)
    if count <= most:
        return None
    wide = (*shape[:-1], count)
    units = units_option(network, part.name, count)
    if part.loss.max_classes(wide) >= count:
        remedy = f"use {count} units: {units}"
    else:
        options = together(loss_option(part), units)
        remedy = f"use softmax cross-entropy with {count} units: {options}"
    if count == most + 1 and field.classes == tuple(map(str, range(count))):
        remedy = f"save labels that count from 1 as y - 1; otherwise {remedy}"
    if count == most + 1 and field.shape and getattr(part.loss, "ignore_label", 0) is None:
        remedy += (
            f"; or, if positions of the class {field.classes[-1]!r} do not count, set"
            f' "ignore_label": {count - 1} in the loss and the metrics'
        )
    message = (
        f"the target has {count} classes ({format_list(field.classes)}), but this loss and an"
        f" output of shape {shape} can represent only {most}; {remedy}"
    )
    return Problem(message, part.pointer)


class _TargetChecker:
    """The targets of all splits, compared with the losses and metrics of a spec."""

    def __init__(self, spec: Spec, network: Network, data: Data, names: Mapping[str, str]) -> None:
        self._spec, self._network, self._data, self._names = spec, network, data, names
        self._figures = Figures(spec.training.metrics, network)
        self._losses_left = [part for part in network.losses if part.takes_target]
        self._labels = list(self._figures.metrics)

    def problems(self, class_weights: ClassWeights | None) -> Iterator[Problem]:
        """Yield the first problem of each loss, and of each metric whose output's loss has none.

        Without these, yield each loss, and each monitored metric, for which nothing in a split
        counts.
        """
        counted = {name: CountedTargets(self._network.losses) for name in self._data.splits}
        found, uncounted = False, self._monitored_metrics()
        for batch in self._data.target_batches(self._names):
            for problem in self._of_batch(batch):
                found = True
                yield problem
            if found:
                continue
            for pointer, (name, label) in list(uncounted.items()):
                if name == batch.split and self._counts_any(label, batch):
                    del uncounted[pointer]
            weights = batch.weights
            if class_weights is not None and batch.split == "train":
                weights = class_weights.multiply(batch.targets, weights)
            counted[batch.split].add(batch.targets, weights, len(batch.samples))
        for name, split in self._data.splits.items():
            if len(split) and not found:
                yield from counted[name].problems(name, self._without(name))
                yield from self._uncounted(name, uncounted)

    def _counts_any(self, label: str, batch: TargetBatch) -> bool:
        return self._figures.counts_any(label, batch.targets, batch.weights)

    def _monitored_metrics(self) -> dict[str, tuple[str, str]]:
        """Return split and label of each monitored metric that ignores a label, by its pointer."""
        figures, metrics = monitored_figures(self._spec.training), self._figures.metrics
        parts = {pointer: name.partition("/") for pointer, name in figures.items()}
        return {
            pointer: (split, label)
            for pointer, (split, _, label) in parts.items()
            if label in metrics and ignored_label(metrics[label]) is not None
        }

    def _uncounted(
        self, split: SplitName, metrics: Mapping[str, tuple[str, str]]
    ) -> Iterator[Problem]:
        """Yield a problem for each of some metrics that is monitored on a split."""
        for pointer, (monitored, label) in metrics.items():
            if monitored == split:
                ignored = ignored_label(self._figures.metrics[label])
                message = (
                    f"nothing in the {split} split counts for the metric {label!r}: every label is"
                    f" the one that it ignores, {ignored}, or has the weight 0; monitor another"
                    f" figure, such as {split}/loss, or correct the labels"
                )
                yield Problem(message, pointer)

    def _of_batch(self, batch: TargetBatch) -> Iterator[Problem]:
        yield from self._losses(batch.samples, batch.targets)
        yield from self._metrics(batch.samples, batch.targets)

    def _without(self, split: SplitName) -> str:
        """Return the remedy to leave out a split; empty if that would fail."""
        data, monitored = self._spec.data, monitored_figures(self._spec.training).values()
        assert data is not None
        key = "validation" if split == "val" else split
        own = split != "train" and getattr(data, key) is not None
        needed = any(name.startswith(f"{split}/") for name in monitored)
        # The last samples in order would be those for validation then.
        moves = split == "test" and data.split.order is not None and not own
        if split == "train" or needed or moves:
            return ""
        changes = [f"data.{key}=null"] * own + [f"data.split.{key}=0"]
        return f", or leave out this split with {overrides(*changes)}"

    def _losses(self, samples: Split, targets: Mapping[str, Array]) -> Iterator[Problem]:
        for part in list(self._losses_left):
            bad = bad_target_of(part, targets[part.name])
            if bad is None:
                continue
            self._losses_left.remove(part)
            compared = self._figures.targets
            self._labels = [name for name in self._labels if compared[name] != part.name]
            name = self._names[part.name]
            field = self._data.target_field(name)
            if field.classes is not None:
                remedy = f"; the classes are {format_list(field.classes)}"
            elif field.text_unit is not None:
                remedy = (
                    '; the values are characters: add {"type": "vocabulary", "on": ["input",'
                    ' "target"]} to "transforms"'
                )
            else:
                assert self._spec.data is not None
                remedy = class_target_remedy(
                    self._spec.data, self._data.root, self._network, part, name
                ) or number_remedy(self._network, part, field)
            place = samples.place(bad[0], own_name(name))
            yield Problem(f"{place}: {bad[1]}{remedy}", part.pointer)

    def _metrics(self, samples: Split, targets: Mapping[str, Array]) -> Iterator[Problem]:
        if not self._labels:
            return
        predictions = placeholder_predictions(self._network, len(samples))
        for label in list(self._labels):
            try:
                self._figures.count(predictions, targets, labels=[label])
                with np.errstate(all="ignore"):
                    self._figures.figure(label)
            except (DataError, ShapeError) as error:
                self._labels.remove(label)
                cause = error.__cause__
                message, pointer = str(error), self._figures.pointers[label]
                if isinstance(error, LocatedError):
                    message = error.problems[0].message
                if isinstance(cause, BadTargetError):
                    name = own_name(self._names[self._figures.targets[label]])
                    place = samples.place(cause.row, name)
                    message = f"the metric {label!r}: {place}: {cause.why}"
                yield Problem(message, pointer)
