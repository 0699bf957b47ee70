"""Warnings about specs that train, but probably not as their author intends.

Each rule is a function that yields problems of the spec. A rule that cannot be sure is silent.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

import numpy as np

from tinynet.data.data import Data
from tinynet.dataset import Field
from tinynet.engine.node import Node
from tinynet.errors import Problem
from tinynet.network.network import Network
from tinynet.spec.models import Spec
from tinynet.text.options import overrides
from tinynet.text.wording import format_list, quote
from tinynet.training.facts import Facts
from tinynet.training.idle_options import (
    groups_that_stop_training,
    idle_constraints,
    idle_groups,
    idle_initializers,
    idle_losses,
    idle_masks,
    idle_regularizers,
    lost_options,
)
from tinynet.training.idle_periods import idle_averages, idle_schedules
from tinynet.training.padded_texts import unmasked_padding
from tinynet.training.remedies import units_option
from tinynet.training.sequences import counted_padding
from tinynet.training.windows import gap_of_windows
from tinynet.types import Array

LARGE_INPUT = 20.0
"""Root mean square of inputs from which they count as unscaled; that of digits (0 to 16) is 8."""

LARGE_TARGET = 10.0
"""Root mean square of a target from which it counts as unscaled."""

SMALL_TARGET = 0.01
"""Standard deviation of a target below which it counts as unscaled."""


Rule: TypeAlias = Callable[[Facts], Iterator[Problem]]


def advice(
    spec: Spec, network: Network, data: Data | None, names: Mapping[str, str]
) -> list[Problem]:
    """Return the warnings for a spec without errors; the arguments are those of `Facts`.

    Raises:
        DataError: for data that cannot be read.
    """
    facts = Facts(spec, network, data, names)
    rules = RULES if data is None else (*RULES, *DATA_RULES)
    return [problem for rule in rules for problem in rule(facts)]


# Rules about the network --------------------------------------------------------------------

_PASSING = {
    f"tinynet-core:{name}"
    for name in ("dropout", "expand_dims", "flatten", "identity", "reshape", "squeeze")
}
"""Layers that only reshape or mask their input."""

_ACTIVATED = {
    "tinynet-core:softmax_cross_entropy": "softmax",
    "tinynet-core:categorical_focal_cross_entropy": "softmax",
    "tinynet-core:categorical_hinge": "softmax",
    "tinynet-core:ctc": "softmax",
    "tinynet-core:kl_divergence": "softmax",
    "tinynet-core:binary_cross_entropy": "sigmoid",
    "tinynet-core:binary_focal_cross_entropy": "sigmoid",
    "tinynet-core:dice": "sigmoid",
    "tinynet-core:tversky": "sigmoid",
    "tinynet-core:poisson": "exp",
}
"""Losses on logits or logarithms, and the function that each, or its predictions, apply."""

_TO_PROBABILITIES = {f"tinynet-core:{name}" for name in ("softmax", "sigmoid", "sparsemax")}
_TO_RATES = {"tinynet-core:exponential"}


def _function(node: Node) -> str:
    """Return the type of a node; for an `activation` the type that its option names."""
    by_name = node.type == "tinynet-core:activation"
    return f"tinynet-core:{getattr(node.layer, 'function', None)}" if by_name else node.type


def repeated_activation(facts: Facts) -> Iterator[Problem]:
    """Warn about a softmax, sigmoid or exponential before a loss that applies its own."""
    on_logits = {
        part.name: getattr(part.loss, "from_logits", getattr(part.loss, "log_input", True))
        for part in facts.network.losses
    }
    for output, loss in facts.losses.items():
        own = _ACTIVATED.get(loss) if on_logits[output] else None
        node = facts.network.nodes.get(facts.network.outputs.get(output, ""))
        while node is not None and node.type in _PASSING and len(node.inputs) == 1:
            node = facts.network.nodes.get(node.inputs[0])
        before = _TO_RATES if own == "exp" else _TO_PROBABILITIES
        if own is None or node is None or _function(node) not in before:
            continue
        effect = "squashes the output a second time and training is slow and inaccurate"
        if own == "exp":
            effect = "makes the rate the exponential of an exponential"
        message = (
            f"{loss.partition(':')[2]} applies {own} itself, so {quote(node.name)} {effect}; remove"
            f" {quote(node.name)}, predictions are"
            f" {'rates' if own == 'exp' else 'probabilities'} without it"
        )
        yield Problem(message, node.pointer)


def batch_norm_of_one(facts: Facts) -> Iterator[Problem]:
    """Warn about batch norm over a single value for each feature: its output is always 0."""
    training, size = facts.spec.training, facts.spec.training.batch_size
    for node in facts.network.nodes.values():
        flat = math.prod(node.in_shapes[0][:-1]) == 1
        if node.type != "tinynet-core:batch_norm" or not flat or not node.trainable:
            continue
        if size == 1:
            message = (
                f"{quote(node.name)} normalizes each feature over the batch, and over 1 sample"
                f" the result is always 0; use {overrides('training.batch_size=32')}"
            )
            yield Problem(message, "/training/batch_size")
            return
        samples = facts.data.size("train") if facts.data is not None else 0
        steps = math.ceil(samples / (size * training.accumulate))
        whole_epoch = training.steps is None or training.steps >= steps
        if samples > 1 and samples % size == 1 and whole_epoch:
            better = next(b for b in range(size + 1, 2 * size + 2) if samples % b != 1)
            message = (
                f"the last batch of an epoch has 1 of {samples:,} samples, for which"
                f" {quote(node.name)} gives only 0; use"
                f" {overrides(f'training.batch_size={better}')}"
            )
            yield Problem(message, "/training/batch_size")
            return


def idle_options(facts: Facts) -> Iterator[Problem]:
    """Warn about losses, initializers, groups, regularizers and constraints without effect."""
    optimizer, network = facts.spec.training.optimizer, facts.network
    yield from idle_losses(network.losses)
    yield from idle_initializers(network)
    yield from idle_groups(optimizer, network)
    yield from groups_that_stop_training(optimizer, network)
    yield from lost_options(optimizer, network)
    yield from idle_regularizers(facts.spec.training, network)
    yield from idle_constraints(facts.spec.training, network)


# Rules about the data -----------------------------------------------------------------------


def unscaled_inputs(facts: Facts) -> Iterator[Problem]:
    """Warn about large inputs of a layer whose initial weights expect values around 1."""
    data = facts.data
    assert data is not None
    for name, field in data.inputs.items():
        if not _is_numeric(field, facts.sample[name]) or not _feeds_weights(facts.network, name):
            continue
        values = facts.sample[name].astype(np.float64)
        large = _large_features(values, field)
        if large is None:
            continue
        low, high = float(values.min()), float(values.max())
        whole = np.issubdtype(np.dtype(data.raw[name].dtype), np.integer)
        if whole and low >= 0 and 100 < high <= 255 and not facts.transformed(name):
            transform = '{"type": "scale", "factor": 0.00392156862745098'
        else:
            transform = '{"type": "standardize"'
        on = "}" if name == "input" else f', "on": "{name}"}}'
        message = (
            f"the input {quote(name)} enters the network unscaled, with values from {low:g} to"
            f' {high:g}{large}; add {transform}{on} to "transforms"'
        )
        yield Problem(message, "/data/transforms")


def _is_numeric(field: Field, values: Array) -> bool:
    return field.classes is None and values.dtype.kind in "iuf" and values.size > 0


def _feeds_weights(network: Network, name: str) -> bool:
    """Return True if an input reaches a layer with weights that no normalization follows."""
    todo = [node for node in network.nodes.values() if _input_of(network, name) in node.inputs]
    while todo:
        node = todo.pop()
        if node.integer_inputs:
            continue
        users = [other for other in network.nodes.values() if node.name in other.inputs]
        if node.type in _PASSING or node.type in _SCALE_KEEPING:
            todo += users
        elif node.type in _WEIGHTED and not (users and all(map(_normalizes, users))):
            return True
    return False


_SCALE_KEEPING = {
    f"tinynet-core:{name}"
    for name in (
        "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d avg_pool1d avg_pool2d"
        " avg_pool3d cropping1d cropping2d cropping3d depth_to_space max_pool1d max_pool2d"
        " max_pool3d resizing space_to_depth up_sampling1d up_sampling2d up_sampling3d"
        " zero_padding1d zero_padding2d zero_padding3d"
    ).split()
}
"""Layers that keep the scale of their input."""

_WEIGHTED = {
    f"tinynet-core:{name}"
    for name in (
        "conv1d conv1d_transpose conv2d conv2d_transpose conv3d conv3d_transpose dense"
        " depthwise_conv1d depthwise_conv2d separable_conv1d separable_conv2d"
    ).split()
}


def _normalizes(node: Node) -> bool:
    # A plugin's layer may normalize as well; without certainty the rule is silent.
    return not node.type.startswith("tinynet-core:") or node.type.endswith("_norm")


def _input_of(network: Network, name: str) -> str:
    """Return the network's name of an input of the data."""
    return f"input:{name}" if f"input:{name}" in network.input_shapes else "input"


def _large_features(values: Array, field: Field) -> str | None:
    """Return the features that are large, as words for a message; None if none is."""
    if len(field.shape) != 1:
        return "" if _rms(values) > LARGE_INPUT else None
    size = np.sqrt(np.mean(np.square(values), axis=0))
    large = [int(column) for column in np.flatnonzero(size > LARGE_INPUT)]
    if not large:
        return None
    if field.names is None:
        return ""
    return f" (in {format_list([field.names[column] for column in large])})"


def _rms(values: Array) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


_NUMERIC_LOSSES = {
    f"tinynet-core:{name}" for name in ("huber", "log_cosh", "mae", "mse", "quantile", "smooth_l1")
}


def unscaled_targets(facts: Facts) -> Iterator[Problem]:
    """Warn about regression targets that are far from unit scale."""
    data = facts.data
    assert data is not None
    for output, name in facts.targets.items():
        field = data.targets[name]
        if facts.losses[output] not in _NUMERIC_LOSSES or facts.transformed(name):
            continue
        if not _is_numeric(field, facts.sample[name]):
            continue
        values = facts.sample[name].astype(np.float64)
        spread = float(values.std(axis=0).max())
        if _rms(values) <= LARGE_TARGET and not 0 < spread < SMALL_TARGET:
            continue
        message = (
            f"the target {quote(name)} is unscaled (mean {values.mean():g}, standard deviation"
            f' {spread:g}), which makes training slow; add {{"type": "standardize", "on":'
            f' "{name}"}} to "transforms": predictions stay in the units of the data'
        )
        yield Problem(message, "/data/transforms")


def classes_as_numbers(facts: Facts) -> Iterator[Problem]:
    """Warn about a regression loss on a target of class indices."""
    data = facts.data
    assert data is not None
    pointers = {part.name: part.pointer for part in facts.network.losses}
    for output, name in facts.targets.items():
        classes = data.targets[name].classes or ()
        if facts.losses[output] not in _NUMERIC_LOSSES or len(classes) <= 2:
            continue
        loss = facts.losses[output].partition(":")[2]
        message = (
            f"{loss} takes the classes of {quote(name)} ({format_list(classes)}) for the numbers"
            f" 0 to {len(classes) - 1}; for classes use softmax_cross_entropy with {len(classes)}"
            ' units, for numbers "target_type": "number"'
        )
        yield Problem(message, pointers[output])


def unused_units(facts: Facts) -> Iterator[Problem]:
    """Warn about a softmax of more units than its target has classes."""
    assert facts.data is not None
    pointers = {part.name: part.pointer for part in facts.network.losses}
    for output, name in facts.targets.items():
        count = len(facts.data.targets[name].classes or ())
        units = facts.network.out_shapes[output][-1]
        if facts.losses[output] != "tinynet-core:softmax_cross_entropy" or not 1 < count < units:
            continue
        message = (
            f"the output {quote(output)} has {units} units, but {quote(name)} has only {count}"
            f" classes ({format_list(facts.data.targets[name].classes or ())}), so predictions"
            f" have no labels; use {units_option(facts.network, output, count)}"
        )
        yield Problem(message, pointers[output])


def masks_without_padding(facts: Facts) -> Iterator[Problem]:
    """Warn about masks of numbers none of which is padding."""
    yield from idle_masks(facts.network, facts.sample)


def windows_in_several_splits(facts: Facts) -> Iterator[Problem]:
    """Warn about overlapping windows of one sequence, some of them held out without a gap."""
    data = facts.data
    assert data is not None
    assert facts.spec.data is not None
    if facts.spec.data.windows is not None:
        return  # cut from each split alone
    split = facts.spec.data.split
    main = data.splits["train"]
    held_out = [
        s for s in ("val", "test") if data.size(s) and data.splits[s].dataset is main.dataset
    ]
    if not held_out:
        return
    for name, field in data.raw.items():
        if name not in data.inputs:
            continue
        gap = gap_of_windows(main.dataset, name, field)
        if split.order is not None and gap <= (split.gap or 0):
            continue
        if gap:
            changes = ["data.split.order=as_is"] * (split.order is None)
            changes += [f"data.split.gap={gap}"]
            changes += ["data.split.stratify=false"] * split.stratify
            changes += ["data.split.seed=null"] * (split.seed is not None)
            why = "the split is random: held-out samples are seen in training, and their figures"
            if split.order is not None:
                gaps = f"has a gap of only {split.gap}" if split.gap else "has no gap"
                why = f"the split {gaps}: some held-out samples are seen in training, so figures"
            message = (
                f"neighboring samples of {quote(name)} overlap, as windows of one sequence do, and"
                f" {why} are too good; use {overrides(*changes)}"
            )
            yield Problem(message, "/data/split")


RULES: tuple[Rule, ...] = (
    repeated_activation,
    batch_norm_of_one,
    idle_options,
    idle_averages,
    idle_schedules,
)
"""Rules that need no data."""

DATA_RULES: tuple[Rule, ...] = (
    unscaled_inputs,
    unscaled_targets,
    classes_as_numbers,
    unused_units,
    masks_without_padding,
    counted_padding,
    unmasked_padding,
    windows_in_several_splits,
)
"""Rules that measure the data."""
