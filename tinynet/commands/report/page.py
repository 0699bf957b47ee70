"""The page of a report."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from tinynet.commands.pages.charts.numbers import number_text
from tinynet.commands.pages.page import render_page
from tinynet.commands.report.charts import Cell, Table
from tinynet.commands.report.content import OutputSection, ReportContent, Sample, Samples
from tinynet.commands.report.matrix import matrix_view

TEMPLATE = Path(__file__).with_name("templates") / "report.html.j2"


def render(content: ReportContent) -> str:
    """Return a report as one HTML file, which loads nothing and works without scripts.

    Raises:
        MissingPackageError: if jinja2 is not installed.
    """
    outputs = dict(_outputs(content.outputs))
    values = {
        "title": content.title,
        "contents": list(_sections(content, outputs)),
        "report": content,
        "outputs": outputs,
    }
    filters: dict[str, Callable[..., Any]] = {
        "matrix": matrix_view,
        "sample_table": sample_table,
        "facts": sample_facts,
    }
    return render_page(TEMPLATE, values, purpose="tinynet report", filters=filters)


def _outputs(sections: Iterable[OutputSection]) -> Iterator[tuple[str, OutputSection]]:
    """Yield an id for each output, and its section."""
    for number, section in enumerate(sections, 1):
        yield f"output-{number}", section


def _sections(
    content: ReportContent, outputs: dict[str, OutputSection]
) -> Iterator[tuple[str, str]]:
    """Yield id and heading of the sections that have content; an id names its template, too."""
    if content.training is not None:
        yield "training", "Training"
    for name, output in outputs.items():
        yield name, f"Predictions: {output.title}" if len(outputs) > 1 else "Predictions"
    if content.data is not None:
        yield "data", "Data"
    if content.network is not None:
        yield "network", "Network"
    if content.statistics is not None:
        yield "statistics", "Statistics"
    yield "spec", "Spec"
    yield "origin", "Environment and checkpoints"


def sample_facts(sample: Sample, group: Samples) -> list[tuple[str, str]]:
    """Return the names and texts below the pictures of a sample."""
    score = "" if sample.score is None else number_text(sample.score)
    names = ("true", "predicted", group.score_name, *group.columns)
    texts = (sample.expected, sample.predicted, score, *sample.cells)
    return [(name, text) for name, text in zip(names, texts, strict=False) if text]


def sample_table(group: Samples) -> Table:
    """Return samples without pictures as a table; columns without any value are left out."""
    names = ("true", "predicted", group.score_name, "details", *group.columns, "text", "sample")
    rows: list[tuple[Cell, ...]] = []
    for sample in group.samples:
        cells = sample.cells or ("",) * len(group.columns)
        score = sample.score
        rows.append(
            (sample.expected, sample.predicted, score, sample.details, *cells, sample.text,
             sample.place)
        )  # fmt: skip
    kept = [i for i in range(len(names)) if any(row[i] not in ("", None) for row in rows)]
    return Table(tuple(names[i] for i in kept), tuple(tuple(row[i] for i in kept) for row in rows))
