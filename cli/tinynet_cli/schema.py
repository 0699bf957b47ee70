"""`tinynet schema`."""

import json
from pathlib import Path

import click

from tinynet_cli import options
from tinynet_cli.commands import Command
from tinynet_cli.output import echo, json_text, print_json, short


@click.command(cls=Command)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write, instead of printing it (- prints it).",
)
@options.json_option
@options.debug_option
def schema(output: Path | None, as_json: bool) -> None:
    """Print the JSON Schema of a spec, with every installed plugin.

    For completion and checks in an editor, add to a spec: "$schema": "./tinynet.schema.json".
    """
    from tinynet import registry
    from tinynet.errors import explaining_io
    from tinynet.files.atomic import replacing_output
    from tinynet.spec.schema import spec_schema

    document = spec_schema(registry.default())
    if "$comment" in document:
        echo(document["$comment"], err=True, multiline=True)
    if output == Path("-"):
        output = None
    if output is None and as_json:
        print_json(document)
        return
    if output is None:
        echo(json_text(document, indent=2), multiline=True)
        return
    text = json.dumps(document, indent=2, ensure_ascii=False)
    with explaining_io(output), replacing_output(output) as write_at:
        write_at(0, f"{text}\n".encode())
    if as_json:
        print_json({"path": str(output)})
    else:
        echo(f"{short(output)}: {document['description']}")
