"""`tinynet layers`."""

from typing import TYPE_CHECKING

import click

from tinynet.text.kinds import GROUPS
from tinynet_cli import completion, options
from tinynet_cli.commands import Command
from tinynet_cli.kinds import kind_option
from tinynet_cli.output import echo, print_json
from tinynet_cli.streams import result_is_terminal
from tinynet_cli.type_text import print_families, print_type, print_types

if TYPE_CHECKING:
    from tinynet.commands.catalog.types import TypeInfo
    from tinynet.registry import Entry, Registry

MOST_MATCHES = 20
"""Most results of a search that a terminal shows."""


@click.command(cls=Command)
@click.argument("words", metavar="[NAME]", nargs=-1, shell_complete=completion.types("layers"))
@kind_option(
    "group", GROUPS, help="Kind of plugin [default: layers; a search finds those of all kinds]."
)
@click.option(
    "--search",
    "searched",
    metavar="WORD...",
    multiple=True,
    help="Find types by words in names, descriptions and parameters, or by their names in Keras or"
    " PyTorch, such as BatchNormalization.",
)
@options.json_option
@options.debug_option
def layers(
    words: tuple[str, ...], group: str | None, searched: tuple[str, ...], as_json: bool
) -> None:
    """List installed layers (or another --group); with NAME, show its parameters."""
    from tinynet import registry

    plugins = registry.default()
    if searched:
        _search(plugins, " ".join((*searched, *words)).split(), group, as_json)
    elif not words:
        _list(plugins, group or "layers", as_json)
    elif len(words) == 1:
        _show(plugins, group or "layers", words[0], as_json)
    else:
        raise click.UsageError(
            f"one name is expected, not {len(words)}; to find types by words:"
            f" tinynet layers --search {' '.join(words)}"
        )


def _show(plugins: "Registry", group: str, name: str, as_json: bool) -> None:
    from tinynet.commands.catalog.options import parameters
    from tinynet.commands.catalog.types import type_info

    entry = _find(plugins, group, name)
    cls = plugins.load(group, name)
    info, described = type_info(plugins, entry), parameters(cls)
    if as_json:
        whole = {"description": info.description, "parameters": described}
        print_json({**info.to_json(), **whole})
    else:
        print_type(info, described)


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


def _list(plugins: "Registry", group: str, as_json: bool) -> None:
    from tinynet.commands.catalog.types import types

    infos = types(plugins, group)
    if as_json:
        print_json({group: [info.to_json() for info in infos]})
        return
    print_families(infos)
    if result_is_terminal():
        echo()
        option = "" if group == "layers" else f" --group {group}"
        echo(f"The parameters of one: tinynet layers NAME{option}")
        if any(info.example and info.example.keys() == {"type"} for info in infos):
            echo('Without an example, the type alone is enough: {"type": "NAME"}')


def _search(plugins: "Registry", words: list[str], group: str | None, as_json: bool) -> None:
    from tinynet.commands.catalog.search import Index

    index = Index(plugins, GROUPS if group is None else (group,))
    infos = index.find(words)
    near = [] if infos else index.near(words)
    if as_json:
        print_json({"words": words, "matches": [i.to_json() for i in infos], "suggestions": near})
        return
    if not infos:
        hint = f"; the closest names are: {', '.join(near)}" if near else ""
        echo(f"nothing matches {' '.join(words)!r}{hint}")
        return
    shown = infos[:MOST_MATCHES] if result_is_terminal() else infos
    print_matches(shown)
    if rest := len(infos) - len(shown):
        echo(f"and {rest} more; add a word or --group to see fewer")


def print_matches(infos: list["TypeInfo"]) -> None:
    """Print the results of a search, the best first, with their kinds."""
    from dataclasses import replace

    from tinynet.text.kinds import KINDS

    name_width = max(len(info.entry.name) for info in infos)
    kinds = [f"({KINDS[info.entry.group]}) {info.description}" for info in infos]
    described = [replace(i, description=text) for i, text in zip(infos, kinds, strict=True)]
    print_types(described, name_width)
