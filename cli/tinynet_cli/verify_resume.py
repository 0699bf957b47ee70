"""`tinynet verify-resume`."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from tinynet_cli import options
from tinynet_cli.commands import Command
from tinynet_cli.exit_codes import CHECKPOINT
from tinynet_cli.number_types import IntRange
from tinynet_cli.output import echo, print_json


@click.command("verify-resume", cls=Command)
@options.spec_argument
@click.option(
    "--kills", type=IntRange(min=1), default=3, show_default=True, help="Processes to kill."
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Seed of the steps to kill at."
)
@click.option("--keep", type=click.Path(), help="Folder that keeps both runs.")
@options.set_option
@options.data_root_option
@options.threads_option
@options.json_option
@options.debug_option
def verify_resume(spec: str, keep: str | None, as_json: bool, **settings: Any) -> None:
    """Kill a real run of SPEC, resume it, and compare every byte with an uninterrupted run.

    Shorten a long one with --set training.epochs=1.
    """
    from tinynet.commands.verify_resume import verify_exact_resume

    with TemporaryDirectory() as temporary:
        result = verify_exact_resume(spec, Path(keep or temporary), **settings)
    if as_json:
        print_json(result.to_json())
    else:
        killed = ", ".join(map(str, result.killed_after))
        echo(f"{result.steps:,} steps; killed after {killed}, and resumed")
        echo(f"uninterrupted  {result.whole}")
        echo(f"resumed        {result.resumed}")
        for line in result.differences:
            echo(f"differs: {line}")
        echo("exact" if result.exact else "not exact")
    if not result.exact:
        raise click.exceptions.Exit(CHECKPOINT)
