"""`tinynet runs` and `tinynet compare`."""

from typing import TYPE_CHECKING, Any

import click

from tinynet.text.printing import counted
from tinynet.text.shell import shell_path
from tinynet_cli import completion, options
from tinynet_cli.columns import (
    Column,
    fits_beside,
    fitting,
    print_columns,
    print_side_by_side,
    wrapped,
)
from tinynet_cli.commands import Command
from tinynet_cli.number_types import IntRange
from tinynet_cli.output import echo, print_json, terminal_width, warn
from tinynet_cli.streams import result_is_terminal

if TYPE_CHECKING:
    from tinynet.commands.runs.comparison import Comparison
    from tinynet.commands.runs.listing import Listing

_NAMED = 6
"""The most columns that are left out and named."""

csv_option = click.option(
    "--csv",
    "csv_file",
    metavar="FILE",
    type=click.Path(),
    help="Also write the table as CSV (- prints it alone).",
)


def _split(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> tuple[str, ...]:
    names = tuple(name.strip() for name in (value or "").split(",") if name.strip())
    if value is not None and not names:
        raise click.BadParameter(f"{value!r} names no column; write COLUMN,...: name,val/loss")
    return names


@click.command(cls=Command)
@click.argument("folder", type=click.Path(), default="runs", shell_complete=completion.runs)
@click.option(
    "--filter",
    "filters",
    metavar="EXPR",
    multiple=True,
    help="Show the runs with 'val/accuracy>0.9', 'name=digits*', state=finished or"
    " 'learning_rate<=0.01' (a value of the spec); of several, all must hold.",
)
@click.option(
    "--sort",
    metavar="COLUMN",
    shell_complete=completion.columns,
    help="Sort by a column: a figure such as val/loss with the best run first (small losses, great"
    " accuracies), anything else in ascending order.",
)
@click.option("--reverse", is_flag=True, help="Reverse the order.")
@click.option(
    "--columns",
    metavar="COLUMN,...",
    callback=_split,
    shell_complete=completion.columns,
    help="Columns to show: facts, figures (val/loss, test/accuracy) and values of the spec by"
    " their paths (training.batch_size).",
)
@click.option("--limit", type=IntRange(min=1), help="Show at most this many runs.")
@csv_option
@options.json_option
@options.debug_option
def runs(
    folder: str,
    csv_file: str | None,
    as_json: bool,
    **choice: Any,
) -> None:
    """List the runs in FOLDER [default: runs] with their best figures.

    The figures are those of the best evaluation: by keep_best, else by early_stopping, else the
    least loss. Those of the test are known for runs that were evaluated. Nothing is computed, and
    no plugin is needed.
    """
    from tinynet.commands.runs.listing import list_runs

    _check_csv(csv_file, as_json)
    listing = list_runs(folder, **choice)
    for problem in listing.problems:
        warn(problem)
    if csv_file is not None and _write_csv(csv_file, listing):
        return
    if as_json:
        print_json(listing.to_json())
    elif listing.entries:
        _print_listing(listing, choice["sort"])
    elif choice["filters"]:
        echo("no run matches")
    else:
        echo(f"{folder} holds no runs")
    if not as_json:
        _name_studies(folder)


def _check_csv(file: str | None, as_json: bool) -> None:
    if file == "-" and as_json:
        raise click.UsageError("--csv - and --json would both write to stdout; leave one out")


def _write_csv(file: str, result: "Listing | Comparison") -> bool:
    """Write a table as CSV, and return True if it was printed."""
    from tinynet.commands.runs.csv_file import csv_text, write_csv

    if file != "-":
        write_csv(file, result.table())
        return False
    echo(csv_text(result.table()).removesuffix("\n"), multiline=True)
    return True


def _name_studies(folder: str) -> None:
    from tinynet.commands.runs.entries import studies_in

    for study in studies_in(folder):
        echo(f"{study} is a study; its trials: tinynet runs {shell_path(study)}", err=True)


def _print_listing(listing: "Listing", sort: str | None) -> None:
    from tinynet.commands.runs.overview import overview

    columns, priority = overview(listing, sort)
    width = terminal_width() if result_is_terminal() and listing.shown is None else None
    shown, hidden = fitting([Column(*column) for column in columns], priority, width)
    print_columns(shown)
    if hidden:
        names = ", ".join([*hidden[:_NAMED], *(["..."] if len(hidden) > _NAMED else [])])
        number = counted(len(hidden), "column")
        text = f"{number} left out at this width: {names}; choose with --columns"
        for line in wrapped(text, width):
            echo(line, err=True)


@click.command(cls=Command)
@click.argument(
    "paths",
    metavar="RUN...",
    nargs=-1,
    required=True,
    type=click.Path(),
    shell_complete=completion.runs,
)
@click.option(
    "--html", "html_file", metavar="FILE", type=click.Path(), help="Also write a page, for offline."
)
@csv_option
@options.json_option
@options.debug_option
def compare(
    paths: tuple[str, ...], html_file: str | None, csv_file: str | None, as_json: bool
) -> None:
    """Compare runs: the values of their specs that differ, and their results.

    RUN is a run folder, or a folder whose runs are compared. Figures are those of the best
    evaluation; test metrics are known for runs that were evaluated. (`tinynet diff` compares the
    bits of two checkpoints.)
    """
    from tinynet.commands.runs.comparison import compare_runs

    _check_csv(csv_file, as_json)
    comparison = compare_runs(paths)
    if html_file is not None:
        from tinynet.commands.runs.page import write_page

        write_page(html_file, comparison)
    for problem in comparison.problems:
        warn(problem)
    if csv_file is not None and _write_csv(csv_file, comparison):
        return
    if as_json:
        print_json(comparison.to_json())
    else:
        _print_comparison(comparison)


def _print_comparison(comparison: "Comparison") -> None:
    from tinynet.commands.runs.overview import comparison_rows
    from tinynet.text.printing import short_labels

    if not comparison.spec and len(comparison.entries) > 1:
        echo("the specs are equal")
        echo()
    width = terminal_width() if result_is_terminal() else None
    rows, names = comparison_rows(comparison), comparison.names
    runs = [Column(name, [row[i] for row in rows.values()], True) for i, name in enumerate(names)]
    if fits_beside(Column("", [*rows]), runs, width):
        print_side_by_side(Column("", [*rows]), runs, width)
        return
    labels = short_labels(rows)
    columns = [Column(labels[label], cells, True) for label, cells in rows.items()]
    print_side_by_side(Column("run", names), columns, width)
