"""The samples of a split that the network predicts worst."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tinynet.commands.report.charts import Line, Picture
from tinynet.commands.report.class_collector import ClassCollector, two_classes
from tinynet.commands.report.content import Sample, Samples
from tinynet.commands.report.label_collector import LabelCollector
from tinynet.commands.report.names import target_title
from tinynet.commands.report.number_collector import NumberCollector
from tinynet.commands.report.outputs import Compared
from tinynet.commands.report.png import class_pixels, is_image, picture, to_pixels, value_range
from tinynet.commands.report.regression import rounded
from tinynet.commands.report.sample_inputs import (
    MAX_SERIES,
    MAX_STEPS,
    InputsOfSamples,
    ShownInput,
    number_text,
    series_chart,
    shortened,
)
from tinynet.data.data import Data, targets_from
from tinynet.data.splits import SplitName
from tinynet.engine.inputs import own_name
from tinynet.prediction.model import Model
from tinynet.types import Array

MAX_SAMPLES = 20
"""Samples that a report shows of an output."""

_FROM_0 = " (counted from 0)"

MAX_SHOWN = 6
"""Numbers or labels of a sample that are written out."""


def worst_samples(
    model: Model, data: Data, split: SplitName, output: Compared, most_bytes: int
) -> Samples | None:
    """Return the samples of an output with the largest scores; None if it has no scores.

    Args:
        model: The model.
        data: The data.
        split: The evaluated split.
        output: The predictions of the output.
        most_bytes: Bytes of all pictures together; fewer samples are shown if these are large.
    """
    worst = output.worst(MAX_SAMPLES)
    if output.collector is None or not worst:
        return None
    shown = _Shown(model, data, split, output, [position for position, _ in worst])
    samples, left = [], most_bytes
    for row, (_, score) in enumerate(worst):
        sample = shown.sample(row, score)
        samples.append(sample if math.isfinite(score) else replace(sample, score=None))
        left -= sum(len(picture.png) for picture in samples[-1].pictures)
        if left < 0:
            break
    what = _score_name(output)
    count = f"{len(samples)} samples" if len(samples) > 1 else "sample"
    note = "Rows are counted from 0." if shown.has_rows else ""
    title = f"The {count} with the largest {what}"
    return Samples(title, what, tuple(samples), shown.inputs.columns, note)


def _score_name(output: Compared) -> str:
    if isinstance(output.collector, NumberCollector):
        return "mean absolute error" if np.prod(output.collector.shape) > 1 else "absolute error"
    if isinstance(output.collector, ClassCollector) and not output.collector.probable:
        return "distance to the best class"
    return "cross-entropy"


class _Shown:
    """Some samples of a split with their predictions.

    Attributes:
        inputs: The inputs.
    """

    def __init__(
        self, model: Model, data: Data, split: SplitName, output: Compared, positions: Sequence[int]
    ) -> None:
        chosen = np.array(positions)
        self._part = data.splits[split].at(chosen)
        raw = self._part.read()
        self.inputs = InputsOfSamples(
            raw.inputs, {name: data.raw[name] for name in raw.inputs}, data.preprocessing.fields
        )
        batch = data.batch(split, chosen)
        names = {output.loss.name: model.target_names[output.loss.name]}
        self._targets = targets_from(batch, names)[output.loss.name]
        self._values = model.network.predict_outputs(batch.inputs)[output.name]
        self._weights = output.loss.own_weights(batch.weights, self._targets)
        self._output, self._model, self._data = output, model, data
        self._target_field = data.raw[own_name(output.target)]

    @property
    def has_rows(self) -> bool:
        """True if the origin of a sample is a row that is counted from 0."""
        return _FROM_0 in self._part.place(0)

    def sample(self, row: int, score: float) -> Sample:
        """Return a sample; ``row`` is its place among these."""
        inputs, collector = self.inputs[row], self._output.collector
        place = self._part.place(row).replace(f"{self._data.root}/", "").replace(_FROM_0, "")
        if isinstance(collector, NumberCollector):
            return self._numbers(row, score, place, inputs, collector)
        if isinstance(collector, LabelCollector):
            return self._labels(row, score, place, inputs, collector)
        assert isinstance(collector, ClassCollector)
        return self._classes(row, score, place, inputs, collector)

    # Classes ----------------------------------------------------------------------------------

    def _classes(
        self, row: int, score: float, place: str, inputs: ShownInput, collector: ClassCollector
    ) -> Sample:
        names, targets = collector.classes, self._targets[row]
        values = self._values[row]
        single = len(names) == 2 and values.size == targets.size
        scores = two_classes(values, targets) if single else values
        labels = targets.argmax(axis=-1) if targets.shape == scores.shape else targets
        labels = labels.reshape(scores.shape[:-1]).astype(np.int64)
        chosen = scores.argmax(axis=-1)
        if labels.ndim == 0:
            true, predicted = int(labels), int(chosen)
            details = ""
            if collector.probable:
                details = f"{names[predicted]}: {scores[predicted]:.1%}"
                if true != predicted:
                    details += f", {names[true]}: {scores[true]:.1%}"
            return _made(inputs, place, names[true], names[predicted], score, details)
        counted = (labels >= 0) & (labels < len(names))
        if self._output.loss.ignored_label is not None:
            counted &= labels != self._output.loss.ignored_label
        if self._weights is not None and self._weights.ndim > 1:
            counted &= np.asarray(self._weights[row] != 0).reshape(
                self._weights.shape[1:] + (1,) * (labels.ndim - self._weights.ndim + 1)
            )
        right = float(np.mean((labels == chosen)[counted])) if counted.any() else 0.0
        details = f"{right:.1%} of {int(counted.sum()):,} positions right"
        if labels.ndim == 2 and min(labels.shape) >= 4:
            maps = (
                picture(class_pixels(labels), "true classes", "true"),
                picture(class_pixels(chosen), "predicted classes", "predicted"),
            )
            return _made(inputs, place, "", "", score, details, maps)
        true_text, predicted_text = (
            self._sequence(array[counted].ravel(), names) for array in (labels, chosen)
        )
        return _made(inputs, place, true_text, predicted_text, score, details)

    def _sequence(self, indices: Array, names: Sequence[str]) -> str:
        """Return the classes of a sequence as text."""
        texts = [names[index] for index in indices.tolist()]
        one_unit = self._target_field.text_unit in ("character", "byte")
        return shortened(("" if one_unit else " ").join(texts))

    # Labels and numbers -----------------------------------------------------------------------

    def _labels(
        self, row: int, score: float, place: str, inputs: ShownInput, collector: LabelCollector
    ) -> Sample:
        texts = [
            ", ".join(collector.labels[k] for k in np.flatnonzero(array[row] > 0.5)[:MAX_SHOWN])
            for array in (self._targets, self._values)
        ]
        wrong = (self._targets[row] > 0.5) != (self._values[row] > 0.5)
        details = f"{int(wrong.sum())} of {len(collector.labels)} labels wrong"
        return _made(inputs, place, texts[0] or "none", texts[1] or "none", score, details)

    def _numbers(
        self, row: int, score: float, place: str, inputs: ShownInput, collector: NumberCollector
    ) -> Sample:
        invert, target = self._model.preprocessing.invert, own_name(self._output.target)
        true, predicted = (
            np.asarray(invert(target, array[row].reshape(1, *collector.shape)), np.float64)[0]
            for array in (self._targets, self._values)
        )
        if is_image(collector.shape):
            limits = value_range(true)
            pictures = tuple(
                picture(to_pixels(array, limits), f"{caption} image", caption)
                for array, caption in ((true, "target"), (predicted, "predicted"))
            )
            return _made(inputs, place, "", "", score, "", pictures)
        if true.ndim == 1 and len(true) > 2 and inputs.lines and self._target_field.names is None:
            name = target_title(self._model, target)
            return _forecast(inputs, place, name, true, predicted, score)
        names = self._target_field.names
        texts = [_numbers_text(array.ravel(), names) for array in (true, predicted)]
        return _made(inputs, place, texts[0], texts[1], score, "")


def _forecast(
    inputs: ShownInput, place: str, target: str, true: Array, predicted: Array, score: float
) -> Sample:
    """Return a sample whose chart has the series, and the true and the predicted continuation."""
    chosen = np.unique(np.linspace(0, len(true) - 1, MAX_STEPS).astype(np.int64))
    steps = tuple(map(float, chosen + 1))
    lines = [
        Line(name, steps, tuple(rounded(values[chosen]).tolist()))
        for name, values in (("true", true), ("predicted", predicted))
    ]
    # Other series than that of the target are not in its units.
    own = [line for line in inputs.lines if line.name == target]
    history = inputs.lines if len(inputs.lines) == 1 else own
    chart = series_chart([*history, *lines], place)
    return Sample(place, "", "", score, inputs.pictures, inputs.text, inputs.cells, chart)


def _numbers_text(values: Array, names: Sequence[str] | None) -> str:
    texts = [number_text(value) for value in values[:MAX_SHOWN].tolist()]
    if names is not None and len(names) == len(values) > 1:
        texts = [f"{name} {text}" for name, text in zip(names, texts, strict=False)]
    return ", ".join(texts) + (", …" if len(values) > MAX_SHOWN else "")


def _made(
    inputs: ShownInput,
    place: str,
    expected: str,
    predicted: str,
    score: float,
    details: str,
    pictures: tuple[Picture, ...] = (),
) -> Sample:
    return Sample(
        place,
        expected,
        predicted,
        score,
        (*inputs.pictures, *pictures),
        inputs.text,
        inputs.cells,
        series_chart(inputs.lines[:MAX_SERIES], place),
        details,
    )
