"""`tinynet convert`."""

import json
from typing import Any

import click

from tinynet_cli import options
from tinynet_cli.commands import Command
from tinynet_cli.number_types import FloatRange
from tinynet_cli.output import echo, print_json


def _names(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> tuple[str, ...] | None:
    return None if value is None else tuple(name.strip() for name in value.split(","))


def _delimiter(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    return "\t" if value == "\\t" else value


@click.command(cls=Command)
@click.argument("source", type=click.Path())
@click.argument("destination", metavar="DEST", type=click.Path())
@click.option(
    "--columns", metavar="A,B", callback=_names, help="Columns to convert [default: all]."
)
@click.option("--target", metavar="COLUMN", help="Column of targets; -1 is the last.")
@click.option(
    "--target-type",
    type=click.Choice(["auto", "class", "number"]),
    default="auto",
    help="Kind of the targets [default: classes for text, numbers for numbers].",
)
@click.option(
    "--dtype",
    type=click.Choice(["float64", "float32"]),
    default="float64",
    show_default=True,
    help="Numbers in .npy files.",
)
@click.option(
    "--fill", type=FloatRange(), metavar="NUMBER", help="Number in place of a missing one."
)
@click.option(
    "--one-hot", metavar="A,B", callback=_names, help="Columns of categories: a feature for each."
)
@click.option("--delimiter", callback=_delimiter, help="Character between cells [default: ,].")
@click.option("--no-header", is_flag=True, help="The first row is data; columns are 0, 1, ...")
@click.option("--skip-rows", type=int, help="Lines before the header.")
@click.option("--comment-prefix", help="Skip lines that begin with it.")
@click.option("--decimal", help="Character before decimals: . or ,")
@click.option("--thousands", help="Character between groups of three digits.")
@click.option("--encoding", help="Encoding of the text [default: utf-8].")
@click.option("--force", is_flag=True, help="Replace DEST.")
@options.json_option
@options.quiet_option
@options.debug_option
def convert(
    source: str, destination: str, as_json: bool, quiet: bool, no_header: bool, **choices: Any
) -> None:
    """Convert SOURCE into DEST, which can be read in parts.

    SOURCE is a .csv or .tsv file (perhaps gzipped), a .parquet file, a folder of .parquet files, a
    quoted pattern ("part-*.csv"), or an .npz file. DEST is a .parquet file, which keeps columns of
    every kind, or a folder of .npy files: inputs.npy, targets.npy, features.json with the names of
    the features, and data.json with the "data" of a spec that reads them. SOURCE may be larger than
    memory, and DEST appears when it is complete.
    """
    from tinynet.commands.convert import convert as run_conversion
    from tinynet_cli.conversion_bar import ConversionBar

    keys = ("delimiter", "skip_rows", "comment_prefix", "decimal", "thousands", "encoding")
    given = {key: choices.pop(key) for key in keys}
    choices["one_hot"] = choices["one_hot"] or ()
    dialect = {key: value for key, value in given.items() if value is not None}
    if no_header:
        dialect["header"] = False
    with ConversionBar(quiet=quiet or as_json) as bar:
        result = run_conversion(source, destination, dialect=dialect, progress=bar.show, **choices)
    if as_json:
        print_json({"destination": destination, **vars(result)})
    elif not quiet:
        _print(destination, choices["target"], vars(result))


def _print(destination: str, target: str | None, result: dict[str, Any]) -> None:
    if "shapes" in result:
        for name, shape in result["shapes"].items():
            echo(f"{destination}/{name}: shape {shape}")
        return
    echo(f"{destination}: {result['rows']:,} rows")
    if "columns" in result:
        for name, kind in result["columns"].items():
            echo(f"  {name}: {kind}")
        data = {"type": "parquet", "path": destination, "target": target or "COLUMN"}
    else:
        data = result["data"]
    echo("in a spec:")
    echo(f'  "data": {json.dumps(data)}')
