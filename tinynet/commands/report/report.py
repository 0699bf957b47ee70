"""A report of a run: everything that is known of it, as the content of a page and as a file."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Unpack

from tinynet import __version__
from tinynet.commands.report.content import (
    DataSection,
    NetworkSection,
    Notice,
    OutputSection,
    ReportContent,
    SpecSection,
    StatisticsSection,
)
from tinynet.commands.report.data_section import data_section
from tinynet.commands.report.evaluation import EvaluatedSplit
from tinynet.commands.report.network_section import network_section
from tinynet.commands.report.origin_section import origin_section
from tinynet.commands.report.output_sections import output_sections, without_charts
from tinynet.commands.report.overview import overview, time_text
from tinynet.commands.report.sources import Sources
from tinynet.commands.report.spec_section import recorded_spec_section, spec_section
from tinynet.commands.report.statistics_section import statistics_section
from tinynet.commands.report.training_section import training_section
from tinynet.data.given import GivenData
from tinynet.data.splits import SplitName
from tinynet.errors import CheckpointError, UsageError, explaining_io
from tinynet.files.atomic import replacing_output
from tinynet.files.outputs import PAGE_ENDINGS, require_ending
from tinynet.run.evaluation import SplitOrAlias
from tinynet.run.options import Settings
from tinynet.run.record import read_record
from tinynet.run.result import Run

MAX_BYTES = 1_000_000
"""Bytes of a page; of a run with very many outputs, some are without charts."""

FILE = "report.html"
"""The name of a report in its run folder."""


@dataclass(frozen=True, eq=False)
class Report:
    """The content of a report, and what it was made of.

    Attributes:
        content: The content of the page.
        run: The run folder.
        checkpoint: The evaluated checkpoint; None if the network could not be loaded.
        split: The evaluated split; None if no data could be evaluated.
        samples: The number of its samples.
        metrics: Its loss and metrics.
    """

    content: ReportContent
    run: Path
    checkpoint: Path | None
    split: SplitName | None
    samples: int
    metrics: dict[str, float]

    def write(self, path: str | Path | None = None) -> Path:
        """Write the page, by default as ``report.html`` in the run folder, and return its path.

        Raises:
            MissingPackageError: if jinja2 is missing.
            UsageError: if the folder of the file does not exist, or the file does not end in .html.
            CheckpointIOError: if the file cannot be written.
        """
        from tinynet.commands.report.page import render

        file = page_file(self.run / FILE if path is None else path)
        content = self.content
        text = render(content).encode()
        detailed = len(content.outputs)
        while len(text) > MAX_BYTES and detailed:
            detailed //= 2
            text = render(limited(content, detailed)).encode()
        with explaining_io(file), replacing_output(file) as write_at:
            write_at(0, text)
        return file


def page_file(path: str | Path) -> Path:
    """Return the file of a page: the path, or in a folder ``report.html``.

    Raises:
        UsageError: if it does not end in .html, or its folder does not exist.
    """
    file = Path(path)
    if file.is_dir():
        file = file / FILE
    require_ending(file, PAGE_ENDINGS, "a report")
    if not file.parent.is_dir():
        raise UsageError(f"{file.parent} is not a folder; create it, or name another file")
    return file


def make_report(
    run: Run | str | Path,
    split: SplitOrAlias | None = None,
    *,
    checkpoint: str | Path | None = None,
    title: str | None = None,
    data: Any = None,
    validation: Any = None,
    test: Any = None,
    **settings: Unpack[Settings],
) -> Report:
    """Return the report of a run, as far as its data and plugins are at hand.

    Args:
        run: A run, its folder, or a checkpoint in it.
        split: The evaluated split; by default the test split, else validation, else training.
        checkpoint: ``"best"``, ``"last"``, or a file; by default the best if the run keeps one.
        title: The title of the page; by default the names of the network and the run.
        data: The samples in memory that the run was trained on.
        validation: Those for validation.
        test: Those for the test.
        **settings: See `Settings`.

    Raises:
        CheckpointError: if there is no intact checkpoint, or not the one that is named.
        DataError: if a split is named that is empty.
    """
    folder, named = _run_of(run.path if isinstance(run, Run) else Path(run), checkpoint)
    record = read_record(folder)
    sources = Sources(record, settings)
    sources.open_model(named)
    sources.open_data(GivenData.of(data, validation, test))
    evaluated = sources.evaluate("val" if split == "validation" else split)
    name = str(record.spec.get("name", record.name))
    outputs = _outputs(sources, evaluated)
    network = _network(sources, evaluated)
    statistics = _statistics(sources)
    content = ReportContent(
        title=title or (name if name == record.name else f"{name}: {record.name}"),
        run=str(folder),
        made=f"{time_text(datetime.now(UTC))}, tinynet {__version__}",
        notices=tuple(dict.fromkeys(sources.notices)),
        overview=overview(record, evaluated, sources.step),
        training=training_section(record),
        data=_data(sources),
        outputs=outputs,
        network=network,
        statistics=statistics,
        spec=_spec(sources),
        origin=origin_section(record, sources.environment),
    )
    return Report(
        content,
        folder,
        sources.file,
        None if evaluated is None else evaluated.split,
        0 if evaluated is None else evaluated.samples,
        {} if evaluated is None else evaluated.figures,
    )


def limited(content: ReportContent, outputs: int) -> ReportContent:
    """Return a report in which only the first ``outputs`` have charts and samples."""
    first, rest = content.outputs[:outputs], content.outputs[outputs:]
    note = Notice(
        "note",
        f"Charts and samples are those of {outputs:,} of {len(content.outputs):,} outputs, since"
        " the page would be too large with all.",
    )
    return replace(
        content,
        outputs=(*first, *map(without_charts, rest)),
        notices=(*content.notices, note),
    )


def _run_of(path: Path, checkpoint: str | Path | None) -> tuple[Path, str | Path | None]:
    """Return the run folder of a path, and the checkpoint that is named."""
    if path.is_file() and path.parent.name == "checkpoints":
        if checkpoint is not None:
            raise UsageError(f"{path} is a checkpoint; leave out the other one, {checkpoint}")
        return path.parent.parent, path.name
    return path, checkpoint


def _data(sources: Sources) -> DataSection | None:
    facts = sources.record.sections.data if sources.state is None else sources.state.data
    if sources.model is None:
        return None
    return data_section(sources.model, facts.inputs, facts.targets, sources.data)


def _outputs(sources: Sources, evaluated: EvaluatedSplit | None) -> tuple[OutputSection, ...]:
    if evaluated is None or sources.model is None or sources.data is None:
        return ()
    return output_sections(sources.model, sources.data, evaluated)


def _network(sources: Sources, evaluated: EvaluatedSplit | None) -> NetworkSection | None:
    if sources.model is None:
        return None
    sample = None if evaluated is None else sources.first_sample(evaluated.split)
    return network_section(sources.model, sample)


def _statistics(sources: Sources) -> StatisticsSection | None:
    try:
        return statistics_section(sources.record)
    except CheckpointError as error:
        sources.note(f"The logged statistics cannot be read: {error}")
        return None


def _spec(sources: Sources) -> SpecSection:
    sections, spec = sources.record.sections, sources.spec
    if spec is None:
        return recorded_spec_section(sections.spec, sections.lineage)
    return spec_section(spec, sections.lineage)
