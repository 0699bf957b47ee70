"""The section of each output of the network."""

from dataclasses import replace

import numpy as np

from tinynet.commands.report.charts import Figure
from tinynet.commands.report.class_collector import ClassCollector
from tinynet.commands.report.classification import classified, labelled
from tinynet.commands.report.content import Classification, GeneratedText, OutputSection
from tinynet.commands.report.evaluation import EvaluatedSplit
from tinynet.commands.report.label_collector import LabelCollector
from tinynet.commands.report.names import target_title
from tinynet.commands.report.outputs import Compared
from tinynet.commands.report.regression import predicted_numbers
from tinynet.commands.report.sample_inputs import sequence_text
from tinynet.commands.report.samples import worst_samples
from tinynet.data.data import Data
from tinynet.errors import TinynetError
from tinynet.prediction.model import Model
from tinynet.text.printing import counted
from tinynet.types import Array

SPLITS = {"train": "training split", "val": "validation split", "test": "test split"}
"""The splits in words."""

_PICTURES = 400_000
"""Bytes of the pictures of all outputs."""

_PROMPT, _LENGTH, _TEXTS = 40, 200, 3

_LARGE = 200_000_000
"""Operations of a sample above which generated texts are shorter."""


def output_sections(
    model: Model, data: Data, evaluated: EvaluatedSplit
) -> tuple[OutputSection, ...]:
    """Return the section of each output that has a target; at least one with the figures."""
    sections = [_section(model, data, evaluated, output) for output in evaluated.outputs]
    if not sections:
        where = f"{counted(evaluated.samples, 'sample')} of the {SPLITS[evaluated.split]}."
        name = next(iter(model.network.outputs))
        sections = [OutputSection(name, name, where, _figures(evaluated, None))]
    return tuple(sections)


def _section(
    model: Model, data: Data, evaluated: EvaluatedSplit, output: Compared
) -> OutputSection:
    where = f"{counted(evaluated.samples, 'sample')} of the {SPLITS[evaluated.split]}"
    several = len(evaluated.outputs) > 1
    name = output.name
    # The figures of a single output are at the start of the report already.
    figures = _figures(evaluated, name) if several else ()
    title = name if name != "output" else target_title(model, output.target)
    collector = output.collector
    if collector is None:
        lacking = "Predictions of this kind have figures, but neither charts nor samples."
        return OutputSection(name, title, f"{where}. {lacking}", figures)
    most_bytes = _PICTURES // len(evaluated.outputs)
    samples = worst_samples(model, data, evaluated.split, output, most_bytes)
    if isinstance(collector, ClassCollector):
        sentence = f"{counted(len(collector.classes), 'class', 'es')}; {where}"
        if collector.positions != evaluated.samples:
            sentence += f" with {counted(collector.positions, 'counted label')}"
        content = _noted(classified(collector), evaluated) if collector.positions else None
        return OutputSection(
            name,
            title,
            f"{sentence}.",
            figures,
            classification=content,
            samples=samples,
            generated=_generated(model, data, evaluated),
        )
    if isinstance(collector, LabelCollector):
        share = collector.exact / max(collector.samples, 1)
        labels = counted(len(collector.labels), "label")
        sentence = (
            f"{labels}, of which a sample has any number; {where}."
            f" All labels of {share:.1%} of the samples are right."
        )
        content = _noted(labelled(collector), evaluated) if collector.samples else None
        return OutputSection(name, title, sentence, figures, content, samples=samples)
    field = data.raw[output.target]
    inputs = [data.raw[name].shape for name in data.inputs]
    forecast = field.names is None and len(collector.shape) == 1 and any(map(len, inputs))
    forecast = forecast and (_has_windows(model) or any(len(shape) == 2 for shape in inputs))
    label = title if field.names is None or len(field.names) != 1 else field.names[0]
    regression = None
    if collector.count:
        regression = predicted_numbers(collector, label, field.names, is_forecast=forecast)
    sentence = f"{where}."
    if any(stage.on == output.target for stage in data.preprocessing.stages):
        sentence += (
            " These errors are in the units of the data; the loss is that of transformed targets."
        )
    return OutputSection(name, title, sentence, figures, regression=regression, samples=samples)


def without_charts(section: OutputSection) -> OutputSection:
    """Return a section with its figures and tables alone."""
    classes, numbers = section.classification, section.regression
    if classes is not None:
        classes = Classification(None, classes.per_class)
    if numbers is not None:
        numbers = replace(numbers, targets=(), steps=None)
    return replace(section, classification=classes, regression=numbers, samples=None)


def _has_windows(model: Model) -> bool:
    return model.spec.data is not None and model.spec.data.windows is not None


def _noted(content: Classification, evaluated: EvaluatedSplit) -> Classification:
    """Add to the table of classes why its areas differ a little from the metric `auc`."""
    if not any("auc" in name for name in evaluated.figures):
        return content
    note = (
        "The areas are those of all scores; the metric auc rounds scores to a grid, so its last"
        " digits may differ."
    )
    table = replace(content.per_class, note=f"{content.per_class.note} {note}".strip())
    return replace(content, per_class=table)


def _figures(evaluated: EvaluatedSplit, output: str | None) -> tuple[Figure, ...]:
    """Return the figures of an output, or all of them."""
    chosen = evaluated.figures.items()
    if output is not None:
        prefix = f"{output}/"
        own = {n.removeprefix(prefix): v for n, v in chosen if n.startswith(prefix)}
        chosen = own.items()
    return tuple(finite_figure(name, value) for name, value in chosen)


def finite_figure(name: str, value: float) -> Figure:
    """Return a figure; without a value if it is not finite."""
    return Figure(name, value if abs(value) < float("inf") else None)


def _generated(model: Model, data: Data, evaluated: EvaluatedSplit) -> tuple[GeneratedText, ...]:
    """Return continued texts of a language model; none for another network."""
    fields = [data.raw[name] for name in data.inputs]
    if len(fields) != 1 or fields[0].text_unit not in ("character", "byte"):
        return ()
    (name,) = data.inputs
    part = data.splits[evaluated.split].at(_spread(evaluated.samples))
    length = _LENGTH if model.summary().operations < _LARGE else _LENGTH // 4
    rows: Array = part.read().inputs[name]
    texts = []
    for number, row in enumerate(rows):
        prompt = sequence_text(row[:_PROMPT], data.raw[name], data.inputs[name])
        temperature = 0.8
        try:
            whole = model.generate(prompt, length, temperature=temperature, number=number)
        except TinynetError:  # a network that cannot continue texts
            return ()
        settings = f"temperature {temperature}, seed 0, text {number}"
        texts.append(GeneratedText(prompt, whole[len(prompt) :], settings))
    return tuple(texts)


def _spread(samples: int) -> Array:
    return np.unique(np.linspace(0, samples - 1, _TEXTS).astype(np.int64))
