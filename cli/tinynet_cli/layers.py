"""`tinynet layers`."""

import inspect
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from tinynet_cli import options
from tinynet_cli.commands import Command
from tinynet_cli.output import echo, print_json, print_table, printable, terminal_width
from tinynet_cli.parameters import parameters

if TYPE_CHECKING:
    from tinynet.registry import Entry, Registry

GROUPS = (
    "layers",
    "losses",
    "optimizers",
    "schedules",
    "metrics",
    "initializers",
    "datasets",
    "transforms",
    "kernels",
)
"""As `tinynet.registry.GROUPS`, which ``tinynet --help`` must not import."""


@click.command(cls=Command)
@click.argument("name", required=False)
@click.option(
    "--group",
    type=click.Choice(GROUPS),
    default="layers",
    show_default=True,
    help="Kind of plugin.",
)
@options.json_option
@options.debug_option
def layers(name: str | None, group: str, as_json: bool) -> None:
    """What is registered, by whom; with NAME, its parameters."""
    from tinynet import registry

    known = registry.default()
    if name is None:
        _list(known, group, as_json)
        return
    entry = known.find(group, name)
    cls = known.load(group, name)
    description, found = inspect.getdoc(cls) or "", parameters(cls)
    if as_json:
        print_json({**vars(entry), "description": description, "parameters": found})
        return
    echo(f"{entry.name}, of {entry.distribution} {entry.version}")
    echo(entry.target)
    if description:
        echo()
        echo(description, multiline=True)
    echo()
    echo("Parameters:" if found else "It has no parameters.")
    for parameter in found:
        echo("\n".join(_lines(parameter, terminal_width())), multiline=True)


def _lines(parameter: dict[str, Any], width: int) -> Iterator[str]:
    """``name: type = default``, and the description below it."""
    default = "" if parameter["required"] else f" = {parameter['default']}"
    head = f"{parameter['name']}: {parameter['type']}{default}"
    yield textwrap.fill(printable(head), width, initial_indent=" " * 2, subsequent_indent=" " * 4)
    description = printable(parameter["description"], multiline=True)
    yield textwrap.fill(description, width, initial_indent=" " * 6, subsequent_indent=" " * 6)


def _list(known: "Registry", group: str, as_json: bool) -> None:
    from tinynet.errors import PluginError

    listed: list[tuple[Entry, str, str | None]] = []
    for entry in known.entries(group):
        try:
            cls = known.load(group, entry.qualified)
            listed.append((entry, (inspect.getdoc(cls) or "").partition("\n")[0], None))
        except PluginError as error:
            listed.append((entry, "", str(error)))
    if as_json:
        rows = [{**vars(e), "description": d, "error": error} for e, d, error in listed]
        print_json({group: rows})
        return
    print_table(
        ("name", "distribution", "description"),
        [
            (e.name, f"{e.distribution} {e.version}", f"broken: {error}" if error else d)
            for e, d, error in listed
        ],
        width=terminal_width(),
    )
