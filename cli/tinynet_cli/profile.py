"""`tinynet profile`."""

from pathlib import Path

import click

from tinynet_cli import options, streams
from tinynet_cli.commands import Command
from tinynet_cli.output import echo, print_json, terminal_width


@click.command(cls=Command)
@options.run_argument
@options.json_option
@options.debug_option
def profile(run: str, as_json: bool) -> None:
    """Print the profile that `tinynet train --profile` has stored in RUN.

    The table shows where the time of a training step goes: forward, backward, the part of it in
    kernels, and the bytes of the arrays that each node makes.
    """
    from tinynet.commands.profile import stored_profile

    stored = stored_profile(Path(run))
    if as_json:
        print_json(stored.model_dump())
        return
    width = terminal_width() if streams.result_is_terminal() else None
    for line in stored.lines(width, whole=True):
        echo(line)
