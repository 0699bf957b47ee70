"""Checks across the parts of a spec: outputs and losses, metrics, and what monitors them."""

from collections.abc import Collection, Iterable, Iterator

from tinynet import registry
from tinynet.errors import Problem
from tinynet.length import paths_of_epochs
from tinynet.spec.models import Spec
from tinynet.spec.monitors import monitored_figures
from tinynet.spec.training_spec import LossReference, MetricReference, TrainingSpec
from tinynet.text.places import MAX_PROBLEMS, KeyProblem, join_pointer
from tinynet.text.wording import format_list, quote, suggest

LOSS = "/training/loss"
CLASS_WEIGHTS = "/training/class_weights"
SCHEDULE = "/training/schedule"
AVERAGE = "/training/average"

PENALTY = "penalty"
"""The name of the mean penalty of regularizers in reports."""

JOIN = "+"
"""The character between the names of several outputs of one loss."""


def outputs_of_loss(name: str) -> tuple[str, ...]:
    """Return the outputs of a loss: ``left+right`` is a loss of the outputs left and right."""
    return tuple(name.split(JOIN))


def problems_of(spec: Spec) -> Iterator[Problem]:
    """Return the problems of values that are valid alone, but contradict another part."""
    outputs, training = spec.network.output_names, spec.training
    loss = training.loss.type if isinstance(training.loss, LossReference) else list(training.loss)
    wrong = list(loss_problems(loss, outputs, LOSS))
    yield from wrong
    is_one = isinstance(loss, str)
    losses = outputs if wrong or is_one else tuple(loss)
    with_loss = {output for name in losses for output in outputs_of_loss(name)}
    trained = tuple(name for name in outputs if name in with_loss)
    if training.class_weights is not None and len(losses) > 1:
        message = f"class_weights needs exactly one loss, not {format_list(losses)}; remove it"
        yield Problem(message, CLASS_WEIGHTS)
    yield from _penalty_problems(spec)
    if spec.data is None:
        yield from _epoch_problems(training)
    # A metric with a wrong output would only have a wrong label, too.
    yield from list(_metric_problems(training.metrics, outputs, trained)) or _figure_problems(
        training, losses
    )


def loss_problems(
    loss: str | Collection[str], outputs: tuple[str, ...], pointer: str
) -> Iterator[Problem]:
    """Yield the mistakes in the losses, which are at `pointer`, of a network's outputs.

    `loss` is the type of the only one, or the names of the outputs that have a loss each.
    """
    if isinstance(loss, str):
        if len(outputs) > 1:
            example = ", ".join(f'"{name}": {{"type": "{loss}"}}' for name in outputs[:2])
            more = ", ..." if len(outputs) > 2 else ""
            message = (
                f"the network has the outputs {format_list(outputs)}; name those that the losses"
                f" are for: {{{example}{more}}} (an output that is left out is not trained)"
            )
            yield Problem(message, pointer)
        return
    existing = set(outputs)
    hints = iter(range(MAX_PROBLEMS))  # problems that are not shown need no suggestion
    for name in loss:
        named = outputs_of_loss(name)
        place = pointer + join_pointer([name])
        for output in named:
            if output not in existing:
                hint = "" if next(hints, None) is None else f"; {suggest(output, outputs)}"
                yield KeyProblem(f"the network has no output {quote(output)}{hint}", place)
        if len(set(named)) < len(named):
            yield KeyProblem(f"{quote(name)} names an output twice", place)


def _metric_problems(
    metrics: Iterable[MetricReference], outputs: tuple[str, ...], trained: tuple[str, ...]
) -> Iterator[Problem]:
    """Yield metrics whose output does not exist, has no loss, or must be named."""
    existing, hints = set(outputs), iter(range(MAX_PROBLEMS))
    for index, metric in enumerate(metrics):
        pointer = f"/training/metrics/{index}"
        if metric.output is None and len(trained) > 1:
            message = f'set "output" to one of {format_list(trained)}'
            yield Problem(message, pointer)
        elif metric.output is not None and _are_several(metric.output, existing):
            message = (
                f"a metric measures one output, but {quote(metric.output)} are several; set it to"
                f" one of {format_list(outputs_of_loss(metric.output))}, or leave out the metric:"
                " the loss of several outputs is reported without one"
            )
            yield Problem(message, f"{pointer}/output")
        elif metric.output is not None and metric.output not in existing:
            hint = "" if next(hints, None) is None else f"; {suggest(metric.output, outputs)}"
            message = f"the network has no output {quote(metric.output)}{hint}"
            yield Problem(message, f"{pointer}/output")
        elif metric.output is not None and metric.output not in trained:
            message = (
                f"the output {quote(metric.output)} has no loss, and so no target to compare it"
                ' with; give it a loss in training.loss, with "weight": 0 to measure it only'
            )
            yield Problem(message, f"{pointer}/output")


def _are_several(name: str, outputs: Collection[str]) -> bool:
    """Return True for a name of several outputs that exist, as a loss may have."""
    named = outputs_of_loss(name)
    return len(named) > 1 and all(output in outputs for output in named)


def _figure_problems(training: TrainingSpec, losses: tuple[str, ...]) -> Iterator[Problem]:
    """Yield metrics of the same name, and monitored metrics that do not exist."""
    figures = dict.fromkeys(loss_figures(losses))
    for index, metric in enumerate(training.metrics):
        if metric.label in figures:
            message = (
                f'two metrics are named {quote(metric.label)}; set another "name" for this one'
            )
            yield Problem(message, f"/training/metrics/{index}")
        figures[metric.label] = None
    figure_names = [f"{split}/{figure}" for split in ("train", "val") for figure in figures]
    for pointer, figure in monitored_figures(training).items():
        if figure not in figure_names:
            hint = suggest(figure, figure_names)
            yield Problem(f"no metric is called {quote(figure)}; {hint}", pointer)


def _penalty_problems(spec: Spec) -> Iterator[Problem]:
    """Yield metrics that have the name of the penalty of regularizers, if there are some."""
    nodes = any(node.regularizer is not None for node in spec.network.layers)
    if not nodes and not spec.training.regularizers:
        return
    for index, metric in enumerate(spec.training.metrics):
        if metric.label == PENALTY:
            message = (
                f"{quote(PENALTY)} is the figure of the regularizers; set another"
                ' "name" for this metric'
            )
            yield Problem(message, f"/training/metrics/{index}")


def _epoch_problems(training: TrainingSpec) -> Iterator[Problem]:
    """Yield lengths in epochs of a spec without data."""
    parts: list[tuple[str, object]] = [(AVERAGE, training.average)]
    if training.schedule is not None:
        parts.append((SCHEDULE, registry.default().config(training.schedule, SCHEDULE)))
    for pointer, part in parts:
        for path in paths_of_epochs(part):
            message = (
                "the spec has no 'data' from which the number of steps in an epoch follows; set a"
                " number of steps, or add data"
            )
            yield Problem(message, pointer + join_pointer(path))


def loss_figures(losses: Iterable[str]) -> tuple[str, ...]:
    """Return the names of losses in reports: the sum, and each of several."""
    names = tuple(losses)
    return ("loss", *(f"{name}/loss" for name in names if len(names) > 1))
