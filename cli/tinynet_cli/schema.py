"""`tinynet schema`."""

import json
from pathlib import Path

import click

from tinynet_cli import options
from tinynet_cli.output import print_json, printable, short


@click.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write, instead of printing it.",
)
@options.json_option
@options.debug_option
def schema(output: Path | None, as_json: bool) -> None:
    """JSON Schema of a spec, with every plugin that is installed.

    Editors complete and check a spec that names it: "$schema": "./tinynet.schema.json".
    """
    from tinynet import registry
    from tinynet.spec.schema import spec_schema

    document = spec_schema(registry.default())
    if "$comment" in document:
        click.echo(printable(document["$comment"]), err=True)
    if output is None and as_json:
        print_json(document)
        return
    text = json.dumps(document, indent=2, ensure_ascii=False)
    if output is None:
        click.echo(text)
        return
    output.write_text(f"{text}\n", encoding="utf-8")
    if as_json:
        print_json({"path": str(output)})
    else:
        click.echo(f"{short(output)}: {document['description']}")
