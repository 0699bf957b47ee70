"""`tinynet report`."""

import sys
from pathlib import Path
from subprocess import DEVNULL, Popen, TimeoutExpired
from typing import Any

import click

from tinynet_cli import options
from tinynet_cli.commands import Command
from tinynet_cli.evaluate import checked_split
from tinynet_cli.output import echo, print_json, short, warn

_PATIENCE = 5.0
"""Seconds in which the program that opens a page reports a failure."""


@click.command(cls=Command)
@click.argument("path", metavar="RUN", type=click.Path())
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="The page's file, or a folder for it [default: report.html in RUN].",
)
@click.option(
    "--split",
    metavar="test|val|train",
    callback=checked_split,
    help="Part of the run's data that is evaluated [default: test; without one, val or train].",
)
@click.option("--title", help="Title of the page [default: the names of network and run].")
@click.option("--open", "shows", is_flag=True, help="Open the page in a browser.")
@options.checkpoint_option
@options.strict_finite_option
@options.data_root_option
@options.verify_data_option
@options.max_params_option
@options.threads_option
@options.kernels_option
@options.json_option
@options.debug_option
def report(
    path: str,
    output: Path | None,
    split: Any,
    title: str | None,
    shows: bool,
    as_json: bool,
    **settings: Any,
) -> None:
    """Write a report of RUN: one HTML file that needs no network.

    It has the settings, the data, the curves, the predictions with their worst samples, the
    network, and the origin of the run. A run without its data or plugins gets a report of
    everything else, which says so.
    """
    from tinynet.commands.report import make_report
    from tinynet.commands.report.report import page_file
    from tinynet.extras import importing

    with importing("report", "tinynet report"):
        import jinja2  # noqa: F401  # before the work that would be in vain

    if output is not None:
        page_file(output)  # a bad name is an error before the work, too
    made = make_report(path, split, title=title, **settings)
    file = made.write(output)
    size = file.stat().st_size
    if as_json:
        notices = [vars(notice) for notice in made.content.notices]
        figures = {
            "predictions": bool(made.content.outputs),
            "split": made.split,
            "samples": made.samples,
            "metrics": made.metrics,
        }
        checkpoint = made.checkpoint
        print_json(
            {"report": file, "bytes": size, "checkpoint": checkpoint, **figures, "notices": notices}
        )
    else:
        for notice in made.content.notices:
            if notice.kind == "warning":
                warn(notice.text)
            else:
                echo(f"note: {notice.text}", err=True)
        echo(f"report: {short(file)} ({size / 1000:,.0f} kB)")
    if shows:
        _open(file)


def _open(file: Path) -> None:
    """Open a page in a browser, whose own messages are not shown."""
    opener = "open" if sys.platform == "darwin" else "xdg-open"
    words = [opener, file.resolve().as_uri()]
    try:
        process = Popen(
            words, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, start_new_session=True
        )
        failed = process.wait(timeout=_PATIENCE) != 0
    except TimeoutExpired:  # some browsers run until they are closed
        failed = False
    except OSError:
        failed = True
    if failed:
        warn(f"no browser could be started here; open the page yourself: {file.resolve()}")
