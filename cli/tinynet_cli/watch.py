"""`tinynet watch`."""

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tinynet_cli import options, streams
from tinynet_cli.commands import Command
from tinynet_cli.number_types import FloatRange
from tinynet_cli.output import LiveLines, echo, print_json, terminal_width

if TYPE_CHECKING:
    from tinynet.commands.watch.following import RunReader, Watched

_PIPE_WIDTH = 1000
"""Columns of a table that is not printed on a terminal."""


@click.command(cls=Command)
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path())
@click.option("--once", is_flag=True, help="Print the state and exit.")
@click.option(
    "--interval",
    type=FloatRange(0.01, 3600),
    default=1.0,
    show_default=True,
    help="Seconds between two looks at the runs.",
)
@options.json_option
@options.debug_option
def watch(runs: tuple[str, ...], once: bool, interval: float, as_json: bool) -> None:
    """Watch RUN while another process trains it: progress, losses, time left.

    RUN may be a folder of runs, too. It ends when no run is trained any more; Ctrl-C ends it
    earlier, and the training continues. A pipe gets a line for each new evaluation.
    """
    from tinynet.commands.watch.following import RunReader

    reader = RunReader([Path(run) for run in runs])
    try:
        states = _followed(reader, interval, once=once, as_json=as_json)
    except KeyboardInterrupt:
        echo("The training continues; only watching has ended.", err=True)
        return
    if as_json:
        from tinynet.commands.watch.facts import facts

        print_json({"runs": [facts(state) for state in states]})
    if len(states) == 1 and states[0].error is not None and not states[0].training:
        raise states[0].error


def _followed(
    reader: "RunReader", interval: float, *, once: bool, as_json: bool
) -> list["Watched"]:
    """Show the runs until none is trained any more; return their last states."""
    from tinynet.commands.watch.following import follow
    from tinynet.commands.watch.news import News

    several = reader.several
    if once:
        states = reader.read()
        if not as_json:
            _print_view(states, several)
        return states
    live = LiveLines() if streams.result_is_interactive() and not as_json else None
    news = News(several=several)
    states = []
    for states, ended in follow(reader.read, lambda: time.sleep(interval)):
        if live is not None:
            live.show([] if ended else _view(states, several)[: _height() - 1])
        elif not as_json:
            for line in news.lines(states):
                echo(line)
    if live is not None:
        _print_view(states, several)
    return states


def _print_view(states: list["Watched"], several: bool) -> None:
    for line in _view(states, several):
        echo(line)


def _view(states: list["Watched"], several: bool) -> list[str]:
    from datetime import UTC, datetime

    from tinynet.commands.watch.curves import characters
    from tinynet.commands.watch.view import run_view, runs_view

    terminal = streams.result_is_terminal()
    width = terminal_width() if terminal else _PIPE_WIDTH
    height = _height() if terminal else None
    using = characters(streams.result_encoding())
    now = datetime.now(UTC)
    if several or not states:
        return runs_view(states, now, width, height, using)
    return run_view(states[0], now, width, height, using)


def _height() -> int:
    return shutil.get_terminal_size((100, 24)).lines
