"""Compatibility of a network with arrays: shapes, numbers of rows, and values of targets."""

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any, cast

import numpy as np

from tinynet.engine.inputs import Inputs, own_name, plain_array
from tinynet.engine.layer_calls import described
from tinynet.engine.losses import OutputLoss
from tinynet.errors import Problem, ShapeError, UsageError
from tinynet.network.losses import targets_of
from tinynet.network.network import Network
from tinynet.spec.consistency import CLASS_WEIGHTS
from tinynet.spec.graph import is_input
from tinynet.targets import Bad
from tinynet.text.options import overrides
from tinynet.text.plugin_errors import PluginErrors, is_row, origin, plugin_error
from tinynet.text.wording import quote, suggest
from tinynet.types import Array, Shape


def input_problems(network: Network, shapes: Mapping[str, Shape]) -> list[Problem]:
    """Return a problem for each input of the network that the data lack, or have in another shape.

    ``shapes`` holds the shape of one sample of each input of the data.
    """
    problems = []
    declared = network.spec.input_shape
    for name, shape in network.input_shapes.items():
        own = name.partition(":")[2] or name
        actual = shapes.get(own)
        if actual is None:
            message = f"the data have no input {own!r}; {suggest(own, shapes)}"
            problems.append(Problem(message, "/network"))
        elif actual != shape:
            pointer, path = "/network/input_shape", "network.input_shape"
            if isinstance(declared, Mapping):
                pointer, path = f"{pointer}/{own}", f"{path}.{own}"
            new = json.dumps(actual, separators=(",", ":"))
            message = (
                f"the input {own!r} has the shape {shape} in the spec, but {actual} in the data;"
                f" use {overrides(f'{path}={new}')}"
            )
            problems.append(Problem(message, pointer))
    return problems


def targets_by_loss(
    network: Network,
    x: Inputs,
    y: Array | Mapping[str, Array] | None,
    data_targets: Callable[[], Collection[str]] = tuple,
) -> dict[str, Array]:
    """Return the target of each loss that takes one, (N, *target_shape), by the loss's name.

    Args:
        network: A network with losses.
        x: The inputs, which may be targets.
        y: The only target, or such an array for each target by name; None for no target.
        data_targets: Returns the names of the targets in the data. It is called only if a target
            has neither the name that the spec gives it nor that of its output, since it may open
            the data.

    Raises:
        UsageError: listing the wrong names of targets, if a loss lacks its own.
        SpecError: if the target of a loss is ambiguous or missing.
        ShapeError: for a single array if several losses need one, or none does; for rows that
            differ in length.
        DataError: for masked values.
    """
    if y is not None and not isinstance(y, Mapping):
        y = {_only_target(network): y}
    elif y is not None:
        _require_known(network, y.keys(), data_targets)
    targets = y or {}
    inputs = x if isinstance(x, Mapping) else dict.fromkeys(network.input_shapes, x)
    inputs = {own_name(name): array for name, array in inputs.items()}
    names = targets_of(network.losses, targets, inputs)
    return {
        loss: plain_array(
            f"the target {name!r}", targets[name] if name in targets else inputs[own_name(name)]
        )
        for loss, name in names.items()
    }


def _require_known(
    network: Network, names: Collection[str], data_targets: Callable[[], Collection[str]]
) -> None:
    """Require known names, if a loss must do without the target that has its own name.

    Such a loss is compared with the only target, so a misspelt name would go unnoticed.
    """
    targets = {part.target or part.name for part in network.losses if part.takes_target}
    known = {name for name in targets if not is_input(name)}
    if known.issubset(names):
        return
    if not known.isdisjoint(names):
        known |= network.outputs.keys()
    known.update(data_targets())
    if wrong := [name for name in names if name not in known]:
        hints = [f"there is no target {quote(name)}; {suggest(name, known)}" for name in wrong]
        raise UsageError("\n  ".join(hints))


def _only_target(network: Network) -> str:
    """Return the name of the only target that is not an input."""
    names = [part.target or part.name for part in network.losses if part.takes_target]
    names = [name for name in names if not is_input(name)]
    if len(names) == 1:
        return names[0]
    if not names:
        raise ShapeError("no loss of the network has a target; pass y=None")
    outputs = ", ".join(network.outputs)
    raise ShapeError(f"the network has the outputs {outputs}; pass a dict of targets")


def require_rows(x: Inputs, y: Mapping[str, Array], weights: Array | None) -> None:
    """Require one row for each sample in every array of a step, and at least one sample.

    Raises:
        ShapeError: if the arrays do not fit together.
    """
    inputs = [*x.values()] if isinstance(x, Mapping) else [x]
    rows = {(a.shape if isinstance(a, np.ndarray) else np.shape(a))[:1] for a in inputs}
    rows.update([array.shape[:1] for array in y.values()])
    if weights is not None:
        rows.add(weights.shape[:1])
    if len(rows) > 1 or () in rows or (0,) in rows:
        arrays = dict(x) if isinstance(x, Mapping) else {"x": x}
        arrays |= {f"y {name}" if len(y) > 1 else "y": array for name, array in y.items()}
        arrays |= {} if weights is None else {"weights": weights}
        shapes = ", ".join(f"{name} {np.shape(array)}" for name, array in arrays.items())
        raise ShapeError(
            f"every array of a step needs one row for each sample; the shapes are {shapes}"
        )


def positions_problem(
    losses: Collection[OutputLoss], positions: Shape, target_shapes: Mapping[str, Shape]
) -> str | None:
    """Return the problem of weights whose positions no loss has; None if one has them.

    Args:
        losses: The losses.
        positions: The shape of the weights of one sample.
        target_shapes: Shape of one sample of the target of each loss, by the loss's name.
    """
    if any(part.has_positions(positions, target_shapes.get(part.name)) for part in losses):
        return None
    shapes = []
    for part in losses:
        outputs = " and ".join(map(str, part.out_shapes))
        target = target_shapes.get(part.name)
        shapes.append(f"{part.name}: {outputs}" + (f", target {target}" if target else ""))
    return (
        f"weights of shape {positions} for a sample fit no output with a loss, whose shape must"
        f" begin with it ({'; '.join(shapes)}); give one weight for each sample, (samples,)"
    )


def target_problems(network: Network, shapes: Mapping[str, Shape]) -> list[Problem]:
    """Return a problem for each loss that cannot compare its output with a target of its shape."""
    problems = []
    for part in network.losses:
        if part.checks is not None:
            try:
                with PluginErrors(part.loss, "check_shapes raised", part.pointer):
                    # A loss without a target gets None for its shape.
                    target_shape = cast(Shape, shapes.get(part.name))
                    part.checks.check_shapes(_out_shape(part), target_shape)
            except ShapeError as error:
                problems.append(Problem(str(error), part.pointer))
    return problems


def weight_problems(
    network: Network, *, class_weights: bool = False, sample_weights: bool = False
) -> list[Problem]:
    """Return a problem for each loss that cannot take the weights of samples.

    Args:
        network: The network, with its losses.
        class_weights: True if the spec has class weights.
        sample_weights: True if the samples have weights of their own.
    """
    problems = []
    for part in network.losses:
        if part.takes_weights:
            continue
        lacks = f"{origin(part.loss)}: its forward has no parameter 'weights', so this loss cannot"
        other = "use a loss that takes weights"
        if class_weights:
            remedy = f"{overrides('training.class_weights=null')}, or {other}"
            message = f"{lacks} use class_weights; remove them with {remedy}"
            problems.append(Problem(message, CLASS_WEIGHTS))
        if sample_weights:
            message = f"{lacks} use the weights of the samples; {other}, or samples without weights"
            problems.append(Problem(message, part.pointer))
    return problems


def first_bad_target(network: Network, targets: Mapping[str, Array]) -> Bad | None:
    """Return the row of the first target that a loss cannot use, and why; None if all are good.

    ``targets`` holds the target of each loss, (N, *target_shape), by the loss's name.
    """
    for part in network.losses:
        if part.name in targets:
            bad = bad_target_of(part, targets[part.name])
            if bad is not None:
                of = f"the output {part.name!r}: " if len(network.losses) > 1 else ""
                return bad[0], of + bad[1]
    return None


def _out_shape(part: OutputLoss) -> Any:
    """Return the shape of one sample of a loss's output, or a tuple of those of several."""
    return part.out_shapes if len(part.outputs) > 1 else part.out_shapes[0]


def bad_target_of(part: OutputLoss, targets: Array) -> Bad | None:
    """Return the row of the first target that one loss cannot use, and the reason; or None.

    ``targets`` is an array, (N, *target_shape).
    """
    if part.checks is None:
        return None
    with PluginErrors(part.loss, "bad_target raised", part.pointer):
        bad = part.checks.bad_target(_out_shape(part), targets)
    if bad is None:
        return None
    if isinstance(bad, tuple | list) and len(bad) == 2:
        row, why = bad
        if is_row(row, len(targets)) and isinstance(why, str):
            return int(row), why
    message = f"bad_target must return None, or (a row from 0 to {len(targets) - 1}, the reason)"
    raise plugin_error(part.loss, f"{message}; it returned {described(bad)}", part.pointer)


def placeholder_predictions(network: Network, samples: int) -> dict[str, Array]:
    """Return predictions of zeros, (N, *out_shape), for each output with a loss, by its name.

    They take the memory of one sample, however many there are.
    """
    zeros = {n: np.zeros((1, *s), network.dtype) for n, s in network.trained_shapes.items()}
    one = network.program.predictions(zeros)
    return {name: np.broadcast_to(p, (samples, *p.shape[1:])) for name, p in one.items()}
