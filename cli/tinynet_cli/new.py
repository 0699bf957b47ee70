"""`tinynet new`."""

from typing import Any

import click

from tinynet.text.shell import shell_path
from tinynet_cli import completion, options
from tinynet_cli.commands import Command
from tinynet_cli.output import echo, print_json


@click.command(cls=Command)
@click.argument("name")
@click.argument("source", required=False, type=click.Path(), shell_complete=completion.templates)
@click.option(
    "--target", "targets", multiple=True, metavar="COLUMN", help="Column of a table to predict."
)
@click.option(
    "--task",
    type=click.Choice(["classification", "regression"]),
    help="Task of a table [default: by the target].",
)
@click.option(
    "--into", type=click.Path(), default=".", help="The parent folder [default: the current one]."
)
@options.json_option
@options.quiet_option
@options.debug_option
def new(name: str, source: str | None, as_json: bool, quiet: bool, **choices: Any) -> None:
    """Create the project NAME: a spec, its data, a README, and the same in Python.

    SOURCE is a file of data, which is copied, or a template of `tinynet init`; by default the
    handwritten digits that come with tinynet.
    """
    from tinynet.commands.project.new_project import new_project

    project = new_project(name, source, **choices)
    if as_json:
        print_json({"folder": str(project.folder), "files": list(project.files)})
        return
    if quiet:
        return
    echo(f"{project.folder}: {', '.join(project.files)}")
    for note in project.spec.notes:
        echo(f"note: {note}")
    folder = shell_path(project.folder)
    echo(f"train it with: cd {folder} && tinynet train {shell_path(project.spec.path.name)}")
