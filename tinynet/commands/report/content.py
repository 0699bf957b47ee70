"""The content of a report: everything that a page shows, as plain values.

`tinynet.commands.report.page.render` turns a `ReportContent` into a page. All texts are unescaped,
and may come from files of others. An empty tuple or None is a section that the page leaves out.
"""

from dataclasses import dataclass
from typing import Literal

from tinynet.commands.report.charts import (
    BarChart,
    Fact,
    Figure,
    Heatmap,
    Histogram,
    LineChart,
    Picture,
    ScatterChart,
    Table,
)


@dataclass(frozen=True)
class Notice:
    """Something that a reader of the report has to know, at its top.

    Attributes:
        kind: ``"warning"`` for something that may be wrong, ``"note"`` for something that the
            report lacks.
        text: One or several sentences.
    """

    kind: Literal["warning", "note"]
    text: str


@dataclass(frozen=True)
class Overview:
    """The start of the report.

    Attributes:
        name: The name of the network.
        state: ``"finished"``, ``"stopped"`` or ``"training"``.
        sentence: The state in words: ``Finished after 20 of 20 epochs; the best is epoch 17.``
        figures: The most important figures, at most six: loss and metrics of the evaluated split.
        figures_of: The samples and the checkpoint of these figures: ``test split, 360 samples,
            epoch 17``; empty without figures.
        facts: Start, duration, parameters, task and so on.
    """

    name: str
    state: Literal["finished", "stopped", "diverged", "failed", "training"]
    sentence: str
    figures: tuple[Figure, ...]
    figures_of: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class TrainingSection:
    """The course of the training.

    Attributes:
        sentences: The best epoch, early stopping and interruptions in words.
        charts: Loss, each metric, and the learning rate over epochs or steps; the best epoch, the
            stop and resumes are marks.
        evaluations: The figures of each evaluation; of many, those of a selection.
    """

    sentences: tuple[str, ...]
    charts: tuple[LineChart, ...]
    evaluations: Table | None


@dataclass(frozen=True)
class DataSection:
    """The data.

    Attributes:
        facts: The type of the dataset, its files, and the transforms.
        lines: The lines in which the dataset describes itself, as `tinynet check` prints them.
        splits: The samples of each split; None if the data could not be opened.
        classes: The counts of the classes of each target by split.
        fields: The inputs and targets: shape, type, classes.
        columns: The columns of a table, or features, with statistics of the training split.
    """

    facts: tuple[Fact, ...]
    lines: tuple[str, ...]
    splits: Table | None
    classes: tuple[BarChart, ...]
    fields: Table
    columns: Table | None


@dataclass(frozen=True)
class ConfusionMatrix:
    """The counts of predicted classes for each true class.

    The page shows counts, or the share of each count in its row.

    Attributes:
        classes: The names of the classes.
        counts: For each true class (row), the counts of the predicted classes (columns).
        note: A sentence, such as one about classes that are left out; empty for none.
    """

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Classification:
    """The predictions of classes, or of labels of which a sample has any number.

    Attributes:
        confusion: The confusion matrix; None for labels of which a sample has any number.
        per_class: Support, precision, recall, F1 and so on of each class; averages in the last
            rows (`Table.totals`).
        confused: The most frequent confusions: true class, predicted class, count, share.
        roc: ROC curves: of the second class of two, else of each class against the others.
        precision_recall: Precision over recall of the same classes.
        calibration: The share of correct predictions over the predicted probability.
        confidence: The predicted probabilities.
    """

    confusion: ConfusionMatrix | None
    per_class: Table
    confused: Table | None = None
    roc: LineChart | None = None
    precision_recall: LineChart | None = None
    calibration: LineChart | None = None
    confidence: Histogram | None = None


@dataclass(frozen=True)
class TargetValues:
    """The predictions of one number of a target.

    Attributes:
        name: The name of the number: ``mass``, or ``target`` if it has none.
        predicted: Predicted over true values.
        residuals: Predicted minus true values, over predicted ones.
        distribution: The residuals' distribution.
    """

    name: str
    predicted: ScatterChart
    residuals: ScatterChart
    distribution: Histogram


@dataclass(frozen=True)
class Regression:
    """The predictions of numbers.

    Attributes:
        per_target: Mean absolute error, root mean squared error, R squared, mean and standard
            deviation of each number, or of all numbers together if they are many.
        targets: The charts of each number; of many, those of the worst.
        steps: The error at each step of a forecast; None for others.
    """

    per_target: Table
    targets: tuple[TargetValues, ...]
    steps: LineChart | None = None


@dataclass(frozen=True)
class Sample:
    """A sample with its prediction.

    Attributes:
        place: The origin of the sample: file and line.
        expected: The true class, labels or value, as text; empty without a target.
        predicted: The predicted one, as text.
        score: The loss of the sample, or its error.
        pictures: Its images: inputs, and for images as targets also these and the predictions.
        text: A text, or the start of it; empty for none.
        cells: The values of the columns that `Samples.columns` names.
        chart: Small lines, such as those of a time series with its forecast; None for none.
        details: Further words: the probability of the true and of the predicted class.
    """

    place: str
    expected: str
    predicted: str
    score: float | None
    pictures: tuple[Picture, ...] = ()
    text: str = ""
    cells: tuple[str, ...] = ()
    chart: LineChart | None = None
    details: str = ""


@dataclass(frozen=True)
class Samples:
    """Samples of an output, the worst first.

    Attributes:
        title: ``The 20 samples with the largest loss``.
        score_name: The name of `Sample.score`: ``loss``, ``absolute error``.
        samples: The samples, at most 20.
        columns: The names of `Sample.cells`; empty if samples have none.
        note: A sentence below the title; empty for none.
    """

    title: str
    score_name: str
    samples: tuple[Sample, ...]
    columns: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class GeneratedText:
    """A text that the network continued.

    Attributes:
        prompt: The start, from the data.
        continuation: The generated text.
        settings: Temperature and seed, in words.
    """

    prompt: str
    continuation: str
    settings: str


@dataclass(frozen=True)
class OutputSection:
    """The predictions of one output on the evaluated split.

    Attributes:
        name: The name of the output, or of the target.
        title: ``species``; the page has a heading for each if there are several outputs.
        sentence: The task in words: ``3 classes; 67 samples of the test split.``
        figures: The loss and the metrics of this output.
        classification: For an output with classes.
        regression: For an output of numbers.
        samples: The worst samples.
        generated: Continued texts of a language model.
    """

    name: str
    title: str
    sentence: str
    figures: tuple[Figure, ...] = ()
    classification: Classification | None = None
    regression: Regression | None = None
    samples: Samples | None = None
    generated: tuple[GeneratedText, ...] = ()


@dataclass(frozen=True)
class NetworkSection:
    """The network.

    Attributes:
        facts: Input, dtype, parameters, operations and memory.
        layers: Node, type, inputs, output shape, parameters, share of the parameters, operations.
        filters: The filters of the first convolution, each an image; empty if there is none.
        filters_of: The address of these parameters: ``conv2d_1/weight``.
        attention: The attention weights of a sample, a heatmap for each head.
        attention_of: The node and the sample in words.
        weights: The magnitude of each node's parameters: mean, deviation, extremes, zeros.
    """

    facts: tuple[Fact, ...]
    layers: Table
    filters: tuple[Picture, ...] = ()
    filters_of: str = ""
    attention: tuple[Heatmap, ...] = ()
    attention_of: str = ""
    weights: Table | None = None


@dataclass(frozen=True)
class StatisticsSection:
    """Statistics of parameters, gradients and outputs that were logged during training.

    Attributes:
        charts: Standard deviation, share of zeros and so on over steps, a line for each layer.
        last: The last statistics of everything.
    """

    charts: tuple[LineChart, ...]
    last: Table


@dataclass(frozen=True)
class SpecLine:
    """A line of the resolved spec.

    Attributes:
        text: The line, indented.
        kind: ``"set"`` for a value that the spec's author wrote, ``"default"`` for another one,
            ``"bracket"`` for a line without a value.
        note: A remark: the earlier value of one that was changed on resuming; empty for none.
    """

    text: str
    kind: Literal["set", "default", "bracket"]
    note: str = ""


@dataclass(frozen=True)
class SpecSection:
    """The spec.

    Attributes:
        changed: The values that differ from the defaults: path, value, default.
        lines: The resolved spec.
        edits: Values that were changed when the run was resumed: path, before, after.
    """

    changed: Table | None
    lines: tuple[SpecLine, ...]
    edits: Table | None = None


@dataclass(frozen=True)
class OriginSection:
    """The origin of the result.

    Attributes:
        environment: Software and hardware of the newest checkpoint, and the installed plugins.
        here: Differences of the software that made the report.
        lineage: The checkpoints that the run was started or resumed from, oldest first.
        checkpoints: The checkpoints of the run: step, epoch, size, best.
        commands: Commands to use the run: resume, evaluate, predict.
    """

    environment: tuple[Fact, ...]
    here: tuple[str, ...]
    lineage: Table | None
    checkpoints: Table | None
    commands: tuple[str, ...]


@dataclass(frozen=True)
class ReportContent:
    """A whole report.

    Attributes:
        title: The title of the page.
        run: The path of the run as it was given.
        made: The time of the report, and the version of tinynet: ``2026-11-27 22:10 UTC, tinynet
            1.0``.
        notices: Warnings and notes.
        overview: The state and the most important figures.
        training: The course of the training; None for a run without a log.
        data: The data.
        outputs: The predictions of each output on the evaluated split; empty without data.
        network: The network.
        statistics: Logged statistics; None for a run without.
        spec: The spec.
        origin: Environment, lineage and checkpoints.
    """

    title: str
    run: str
    made: str
    notices: tuple[Notice, ...]
    overview: Overview
    training: TrainingSection | None
    data: DataSection | None
    outputs: tuple[OutputSection, ...]
    network: NetworkSection | None
    statistics: StatisticsSection | None
    spec: SpecSection
    origin: OriginSection
