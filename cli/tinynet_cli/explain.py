"""`tinynet explain`."""

import json
import textwrap
from typing import TYPE_CHECKING, Any

import click

from tinynet.text.kinds import GROUPS, KINDS
from tinynet_cli import key_completion, options
from tinynet_cli.commands import Command
from tinynet_cli.kinds import kind_option
from tinynet_cli.output import echo, filled, print_json, printable, terminal_width
from tinynet_cli.type_text import parameter_lines, print_type

if TYPE_CHECKING:
    from tinynet.commands.catalog.explain import Explained
    from tinynet.commands.catalog.types import TypeInfo

_FACTS = ("type", "range", "allowed", "default")


@click.command(cls=Command)
@click.argument("name", shell_complete=key_completion.names)
@kind_option("group", GROUPS, help="Kind of plugin, if several kinds have this name.")
@options.json_option
@options.debug_option
def explain(name: str, group: str | None, as_json: bool) -> None:
    """Explain a type, an option of it, or a key of a spec.

    NAME is a type (conv2d), an option of it (conv2d.padding), or a path in a spec (data.split,
    training.optimizer.clip_norm). If several things have this name, all are explained.
    """
    from tinynet import registry
    from tinynet.commands.catalog.explain import Explained, UnknownNameError
    from tinynet.commands.catalog.explain import explain as explained

    try:
        found = explained(registry.default(), name, group)
    except UnknownNameError as error:
        root = click.get_current_context().find_root().command
        if isinstance(root, click.Group) and name in root.commands:
            raise UnknownNameError(f"{name!r} is a command; see tinynet help {name}") from error
        raise
    if as_json:
        print_json({"name": name, "matches": [_data(one) for one in found]})
        return
    for number, one in enumerate(found):
        if number:
            echo()
        if isinstance(one, Explained):
            _print(one)
        else:
            print_type(one, _parameters(one))


def _parameters(info: "TypeInfo") -> list[dict[str, Any]]:
    from tinynet.commands.catalog.options import parameters

    return [] if info.cls is None else parameters(info.cls)


def _data(one: "TypeInfo | Explained") -> dict[str, Any]:
    from tinynet.commands.catalog.explain import Explained

    if isinstance(one, Explained):
        return one.to_json()
    own = {"description": one.description, "parameters": _parameters(one)}
    return {"kind": "type", **one.to_json(), **own}


def _print(one: "Explained") -> None:
    """Print an option or a key: its facts, its description, and the keys of an object."""
    width = terminal_width()
    for line in filled(f"{printable(one.path)}, {printable(_owner(one))}".split(" "), width, " "):
        echo(line)
    echo()
    rows = {name: one.facts[name] for name in _FACTS if one.facts[name] is not None}
    if isinstance(rows.get("allowed"), list):
        rows["allowed"] = ", ".join(map(json.dumps, rows["allowed"]))
        del rows["type"]
    if one.facts["required"]:
        rows["default"] = "none; it is required"
    for name, value in rows.items():
        head = f"  {name.ljust(max(map(len, rows)))}  "
        echo(
            textwrap.fill(
                printable(str(value)), width, initial_indent=head, subsequent_indent=" " * len(head)
            ),
            multiline=True,
        )
    if one.facts["description"]:
        echo()
        echo(textwrap.fill(printable(one.facts["description"]), width), multiline=True)
    if one.keys:
        echo()
        echo("Keys of each:" if one.each else "Keys:")
        for key in one.keys:
            echo("\n".join(parameter_lines(key, width)), multiline=True)
    if one.group is not None:
        echo()
        text = (
            f"It has the options of its type, too. Types: tinynet layers --group {one.group}; the"
            " options of one: tinynet explain TYPE"
        )
        echo(textwrap.fill(text, width), multiline=True)


def _owner(one: "Explained") -> str:
    if not one.types:
        return "a key of a spec"
    first = one.types[0]
    if len(one.types) == 1:
        owner = f"{first.distribution} {first.version}"
        return f"an option of the {KINDS[first.group]} {first.name} ({owner})"
    return f"an option of the {first.group} {', '.join(entry.name for entry in one.types)}"
