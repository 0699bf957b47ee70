"""The content of a report in which every section, chart and kind of sample occurs."""

import math
import random
import struct
import zlib

from tinynet.commands.report.charts import (
    BarChart,
    BarGroup,
    Fact,
    Figure,
    Heatmap,
    Histogram,
    Line,
    LineChart,
    Mark,
    Picture,
    ScatterChart,
    Table,
)
from tinynet.commands.report.content import (
    Classification,
    ConfusionMatrix,
    DataSection,
    GeneratedText,
    NetworkSection,
    Notice,
    OriginSection,
    OutputSection,
    Overview,
    Regression,
    ReportContent,
    Sample,
    Samples,
    SpecLine,
    SpecSection,
    StatisticsSection,
    TargetValues,
    TrainingSection,
)

EPOCHS = tuple(range(1, 21))
CLASSES = tuple(str(digit) for digit in range(10))


def example_content(hostile=""):
    """Return a report; `hostile` is added to every name that may come from a file."""
    rng = random.Random(7)
    return ReportContent(
        title=f"digits-cnn{hostile}: training report",
        run=f"runs/digits-cnn-001{hostile}",
        made="2026-11-27 22:10 UTC, tinynet 1.0",
        notices=(
            Notice("warning", f"The test split has fewer than 50 samples of class 8{hostile}."),
            Notice("note", "Statistics were not logged."),
        ),
        overview=_overview(hostile),
        training=_training(rng, hostile),
        data=_data(hostile),
        outputs=(_classes(rng, hostile), _numbers(rng, hostile), _texts(hostile)),
        network=_network(rng, hostile),
        statistics=_statistics(rng, hostile),
        spec=_spec(hostile),
        origin=_origin(hostile),
    )


def _overview(hostile):
    return Overview(
        name=f"digits-cnn{hostile}",
        state="finished",
        sentence="Finished after 20 of 20 epochs; the best is epoch 17.",
        figures=(
            Figure("test/loss", 0.0523),
            Figure("test/accuracy", 0.9833, "354 of 360"),
            Figure("test/f1", 0.9831),
        ),
        figures_of="test split, 360 samples, epoch 17",
        facts=(
            Fact("Task", f"10 classes{hostile}"),
            Fact("Parameters", "20,490"),
            Fact("Optimizer", "adam, learning rate 0.003, cosine"),
            Fact("Started", "2026-11-27 21:58 UTC"),
            Fact("Duration", "12.3 s"),
            Fact("Batch size", "32"),
        ),
    )


def _training(rng, hostile):
    train = tuple(2.2 * math.exp(-epoch / 4) + 0.02 for epoch in EPOCHS)
    val = tuple(value + 0.03 + rng.random() * 0.04 for value in train)
    marks = (Mark(17, "best epoch 17", "best"), Mark(9, "resumed", "resume"))
    steps = tuple(range(0, 900, 3))
    rates = tuple(1e-5 + 3e-3 * (0.5 + 0.5 * math.cos(step / 900 * math.pi)) for step in steps)
    accuracy = tuple(1 - value / 3 for value in val)
    return TrainingSection(
        sentences=("The best epoch is 17 of 20: val/loss 0.0523.", "Resumed once, after epoch 9."),
        charts=(
            _lines("Loss", "epoch", "loss", {"train": train, "val": val}, marks),
            _lines("Accuracy", "epoch", "", {f"val{hostile}": accuracy}, marks),
            LineChart("Learning rate", "step", "", (Line("rate", steps, rates),), log_y=True),
        ),
        evaluations=Table(
            ("epoch", "train/loss", "val/loss", "val/accuracy"),
            tuple(zip(EPOCHS, train, val, accuracy, strict=True)),
        ),
    )


def _lines(title, x_label, y_label, values, marks=()):
    lines = tuple(Line(name, EPOCHS, y) for name, y in values.items())
    return LineChart(title, x_label, y_label, lines, marks)


def _data(hostile):
    counts = tuple(float(140 + 5 * digit) for digit in range(10))
    groups = (
        BarGroup("train", counts),
        BarGroup("val", tuple(c // 4 for c in counts)),
        BarGroup("test", tuple(c // 5 for c in counts)),
    )
    return DataSection(
        facts=(Fact("Dataset", "digits"), Fact("Transforms", f"scale, random_shift{hostile}")),
        lines=(f"digits: 1,797 images of 8x8x1{hostile}",),
        splits=Table(
            ("split", "samples", "share"),
            (("train", 1077, 0.6), ("val", 360, 0.2), ("test", 360, 0.2), ("total", 1797, 1.0)),
            shares=frozenset({"share"}),
            totals=1,
        ),
        classes=(BarChart("Samples of each class", CLASSES, groups, "samples"),),
        fields=Table(
            ("field", "kind", "shape", "classes"),
            (("image", "numbers", "8x8x1", None), (f"digit{hostile}", "classes", "", 10)),
        ),
        columns=Table(
            ("column", "kind", "mean", "deviation", "missing"),
            ((f"mass{hostile}", "number", 4201.7, 801.9, 2), ("island", "category", None, None, 0)),
            title="Columns",
        ),
    )


def _classes(rng, hostile):
    matrix = [[rng.choice((0, 0, 0, 1, 2)) for _ in CLASSES] for _ in CLASSES]
    for digit, row in enumerate(matrix):
        row[digit] = 30 + digit
    shares = tuple(i / 40 for i in range(41))
    curves = tuple(
        Line(f"{digit}, AUC 0.9{digit}", shares, tuple(s ** (0.05 + digit / 40) for s in shares))
        for digit in range(3)
    )
    chance = Line("chance", (0, 1), (0, 1), "reference")
    square = {"x_range": (0, 1), "y_range": (0, 1), "square": True}
    per_class = [
        (name, sum(row), row[i] / sum(row), 0.97, 0.96)
        for i, (name, row) in enumerate(zip(CLASSES, matrix, strict=True))
    ]
    samples = tuple(
        Sample(
            f"test, sample {17 * i}", "3", f"8{hostile}", 4.2 - i / 9,
            (picture(rng, f"the digit 3, sample {17 * i}"),), details="3: 1.5%, 8: 97.1%",
        )
        for i in range(8)
    )  # fmt: skip
    return OutputSection(
        name="digit",
        title=f"digit{hostile}",
        sentence="10 classes; 360 samples of the test split.",
        figures=(Figure("test/loss", 0.0523), Figure("test/accuracy", 0.9833)),
        classification=Classification(
            confusion=ConfusionMatrix(
                (*CLASSES[:-1], f"nine{hostile}"), tuple(map(tuple, matrix)), "All classes."
            ),
            per_class=Table(
                ("class", "samples", "precision", "recall", "F1"),
                (*per_class, ("mean", 360, 0.98, 0.97, 0.96)),
                title="Classes",
                shares=frozenset({"precision", "recall", "F1"}),
                totals=1,
            ),
            confused=Table(
                ("true", "predicted", "count", "share"),
                (("8", "1", 2, 0.06), ("9", "3", 1, 0.03)),
                title="Most frequent confusions",
                shares=frozenset({"share"}),
            ),
            roc=LineChart(
                "ROC curves", "false positive rate", "true positive rate",
                (*curves, chance), **square,
            ),
            precision_recall=LineChart(
                "Precision and recall", "recall", "precision", curves[:1], **square
            ),
            calibration=LineChart(
                "Calibration", "predicted probability", "share of correct",
                (Line("test", (0.1, 0.5, 0.9), (0.15, 0.4, 0.93)), chance), **square,
            ),
            confidence=Histogram(
                "Confidence", "probability", tuple(i / 10 for i in range(11)), tuple(range(10))
            ),
        ),
        samples=Samples("The 8 samples with the largest loss", "loss", samples),
    )  # fmt: skip


def _numbers(rng, hostile):
    truth = [rng.uniform(2500, 6300) for _ in range(200)]
    pairs = tuple((value, value + rng.gauss(0, 250)) for value in truth)
    rest = tuple((predicted, predicted - value) for value, predicted in pairs)
    samples = tuple(
        Sample(f"penguins.csv, line {i}", "4,200", "3,100", 1100.0 - i, cells=("Biscoe", "39.1"))
        for i in range(5)
    )
    return OutputSection(
        name="mass",
        title=f"mass{hostile}",
        sentence="One number; 67 samples of the test split.",
        regression=Regression(
            per_target=Table(
                ("target", "MAE", "RMSE", "R squared"), ((f"mass{hostile}", 201.3, 253.4, 0.91),)
            ),
            targets=(
                TargetValues(
                    name=f"mass{hostile}",
                    predicted=ScatterChart(
                        "Predicted over true", "true", "predicted", pairs, diagonal=True
                    ),
                    residuals=ScatterChart(
                        "Residuals", "predicted", "residual", rest, baseline=True
                    ),
                    distribution=Histogram(
                        "Distribution of the residuals", "residual", (-500.0, 0.0, 500.0), (90, 110)
                    ),
                ),
            ),
            steps=_lines("Error of each step", "step", "MAE", {"MAE": tuple(map(float, EPOCHS))}),
        ),
        samples=Samples(
            "The 5 samples with the largest error", "absolute error", samples,
            ("island", f"bill{hostile}"),
        ),
    )  # fmt: skip


def _texts(hostile):
    samples = (Sample("reviews.txt, line 4", "positive", "negative", 3.2, text=f"Fine.{hostile}"),)
    return OutputSection(
        name="text",
        title="text",
        sentence="A language model.",
        samples=Samples("The sample with the largest loss", "loss", samples),
        generated=(GeneratedText("Once upon", f" a time\nthere was{hostile}", "temperature 0.8"),),
    )


def _network(rng, hostile):
    words = ("the", "cat", "sat", f"on{hostile}")
    weights = tuple(tuple(rng.random() for _ in words) for _ in words)
    return NetworkSection(
        facts=(Fact("Input", "8x8x1"), Fact("Type of numbers", "float32")),
        layers=Table(
            ("node", "type", "inputs", "output", "parameters", "share", "operations"),
            (
                (f"conv2d_1{hostile}", "conv2d", "input", "6x6x16", 160, 0.008, 10368),
                ("relu_1", "relu", "conv2d_1", "6x6x16", 0, 0.0, 576),
                ("dense_1", "dense", "relu_1", "10", 20330, 0.992, 40660),
                ("total", "", "", "", 20490, 1.0, 51604),
            ),
            shares=frozenset({"share"}),
            totals=1,
        ),
        filters=tuple(picture(rng, f"filter {i}", 3) for i in range(16)),
        filters_of=f"conv2d_1/weight{hostile}",
        attention=(Heatmap("Head 1", words, words, weights, "query", "key"),),
        attention_of=f"attention_1, the first sample of the test split{hostile}",
        weights=Table(
            ("parameter", "mean", "deviation", "smallest", "largest", "zeros"),
            (("conv2d_1/weight", 0.001, 0.21, -0.6, 0.58, 0.0),),
            shares=frozenset({"zeros"}),
        ),
    )


def _statistics(rng, hostile):
    names = [f"dense_{i}/weight{hostile}" for i in range(10)]
    values = {name: tuple(rng.random() + 0.01 for _ in EPOCHS) for name in names}
    return StatisticsSection(
        charts=(_lines("Standard deviation of gradients", "step", "", values),),
        last=Table(("name", "mean"), tuple((name, 0.5) for name in names)),
    )


def _spec(hostile):
    return SpecSection(
        changed=Table(
            ("path", "value", "default"),
            (("training.epochs", 20, 10), ("name", f'"digits{hostile}"', '"network"')),
        ),
        lines=(
            SpecLine("{", "bracket"),
            SpecLine(f'  "name": "digits{hostile}",', "set"),
            SpecLine('  "seed": 0', "default"),
            SpecLine('  "epochs": 20', "set", f"10 before epoch 9{hostile}"),
            SpecLine("}", "bracket"),
        ),
        edits=Table(("path", "before", "after"), (("training.epochs", 10, 20),)),
    )


def _origin(hostile):
    return OriginSection(
        environment=(Fact("tinynet", "1.0"), Fact("Processor", f"x86-64, 2 cores{hostile}")),
        here=("NumPy 2.5 instead of 2.4",),
        lineage=Table(("resumed", "step", "run"), (("2026-11-27", 306, f"runs/a{hostile}"),)),
        checkpoints=Table(("step", "epoch", "bytes", "best"), ((578, 17, 251_221, "best"),)),
        commands=(f"tinynet resume runs/digits-cnn-001{hostile}",),
    )


def picture(rng, alt, side=8):
    """Return a gray image of noise."""
    rows = b"".join(b"\0" + bytes(rng.randrange(256) for _ in range(side)) for _ in range(side))
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return Picture(png, side, side, alt)
