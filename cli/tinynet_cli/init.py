"""`tinynet init`."""

from typing import Any

import click

from tinynet.text.shell import shell_path
from tinynet_cli import completion, options
from tinynet_cli.commands import Command
from tinynet_cli.output import echo, print_json, print_table


@click.command(cls=Command)
@click.argument("source", required=False, type=click.Path(), shell_complete=completion.templates)
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="COLUMN",
    help="Column of a table to predict; several columns of numbers are one target.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False),
    help="File to write [default: the name of SOURCE with .json, in the current folder].",
)
@click.option(
    "--task",
    type=click.Choice(["classification", "regression"]),
    help="Task of a table [default: by the target].",
)
@click.option(
    "--header/--no-header",
    default=None,
    help="The first row of a table names its columns, or not [default: by its cells].",
)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="PATH=JSON",
    callback=options.parse_overrides,
    help="Option of a table, such as data.decimal='\",\"'; it precedes what is detected.",
)
@click.option("--force", is_flag=True, help="Overwrite the file.")
@options.json_option
@options.quiet_option
@options.debug_option
def init(source: str | None, as_json: bool, quiet: bool, **choices: Any) -> None:
    """Write a spec for SOURCE: a table, a folder of images or texts, a text, or a template.

    A table needs --target; it may be a pattern of files, or a folder of Parquet files. A folder
    has a folder of files for each class, or the folders images and masks, or such folders in
    train, validation and test. The spec is tried before it is written: it can be trained as it is.
    Without SOURCE, list the templates.
    """
    if source is None:
        _list_templates(as_json)
        return
    from tinynet.commands.init.new_spec import new_spec

    result = new_spec(source, **choices)
    if as_json:
        print_json(result.to_json())
        return
    if quiet:
        return
    if result.is_tried:
        train, val, test = result.samples
        echo(f"{result.path}: a network of {result.params:,} parameters")
        echo(f"data: {train:,} samples for training, {val:,} for validation, {test:,} for the test")
    else:
        echo(f"{result.path}: written, but not tried")
    for line in result.description:
        echo(f"  {line}")
    for note in result.notes:
        echo(f"note: {note}")
    root = "" if result.data_root is None else f" --data-root {shell_path(result.data_root)}"
    echo(f"train it with: tinynet train {shell_path(result.path)}{root}")


def _list_templates(as_json: bool) -> None:
    from tinynet.commands.init.templates import templates

    found = templates()
    if as_json:
        print_json({"templates": [vars(template) for template in found]})
        return
    print_table(("template", "purpose"), [(part.name, part.comment) for part in found])
    echo("tinynet init TEMPLATE writes one of them; tinynet init DATA writes a spec for your data")
