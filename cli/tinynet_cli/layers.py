"""`tinynet layers`."""

import inspect
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from tinynet.text.kinds import GROUPS
from tinynet_cli import options
from tinynet_cli.commands import Command
from tinynet_cli.kinds import kind_option
from tinynet_cli.output import echo, print_json, print_table, printable, terminal_width
from tinynet_cli.parameters import parameters
from tinynet_cli.streams import result_is_terminal

if TYPE_CHECKING:
    from tinynet.registry import Entry, Registry


@click.command(cls=Command)
@click.argument("name", required=False)
@kind_option("group", GROUPS, default="layers", show_default=True, help="Kind of plugin.")
@options.json_option
@options.debug_option
def layers(name: str | None, group: str, as_json: bool) -> None:
    """List installed layers (or another --group); with NAME, show its parameters."""
    from tinynet import registry

    plugins = registry.default()
    if name is None:
        _list(plugins, group, as_json)
        return
    entry = _find(plugins, group, name)
    cls = plugins.load(group, name)
    description, described = inspect.getdoc(cls) or "", parameters(cls)
    if as_json:
        print_json({**vars(entry), "description": description, "parameters": described})
        return
    echo(f"{entry.name}, of {entry.distribution} {entry.version}")
    echo(entry.target)
    if description:
        echo()
        echo(description, multiline=True)
    echo()
    echo("Parameters:" if described else "It has no parameters.")
    for parameter in described:
        echo("\n".join(_lines(parameter, terminal_width())), multiline=True)


def _find(plugins: "Registry", group: str, name: str) -> "Entry":
    """Find a type; one of another kind is an error that says how to show it."""
    from tinynet.registry import UnknownTypeError

    try:
        return plugins.find(group, name)
    except UnknownTypeError as error:
        others = [other for other in GROUPS if _has(plugins, other, name)]
        if not others:
            raise
        commands = " or ".join(f"tinynet layers {name} --group {other}" for other in others)
        groups = " and ".join(others)
        message = (
            f"{name!r} is not one of the {group}, but of the {groups}; show it with: {commands}"
        )
        raise UnknownTypeError(message) from error


def _has(plugins: "Registry", group: str, name: str) -> bool:
    from tinynet.errors import PluginError
    from tinynet.registry import AmbiguousTypeError

    try:
        plugins.find(group, name)
    except AmbiguousTypeError:
        return True
    except PluginError:
        return False
    return True


def _lines(parameter: dict[str, Any], width: int) -> Iterator[str]:
    """Yield ``name: type = default``, and the description below it."""
    default = "" if parameter["required"] else f" = {parameter['default']}"
    head = f"{parameter['name']}: {parameter['type']}{default}"
    yield textwrap.fill(printable(head), width, initial_indent=" " * 2, subsequent_indent=" " * 4)
    description = printable(parameter["description"], multiline=True)
    yield textwrap.fill(description, width, initial_indent=" " * 6, subsequent_indent=" " * 6)


def _list(plugins: "Registry", group: str, as_json: bool) -> None:
    from tinynet.errors import PluginError

    listed: list[tuple[Entry, str, str | None]] = []
    for entry in plugins.entries(group):
        try:
            cls = plugins.load(group, entry.qualified)
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
        width=terminal_width() if result_is_terminal() else None,
    )
