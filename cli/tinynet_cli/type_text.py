"""Types and their options as text for people: a list by families, and all about one type."""

import json
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from tinynet.text.kinds import KINDS
from tinynet_cli.output import echo, filled, printable, terminal_width
from tinynet_cli.streams import result_is_terminal

if TYPE_CHECKING:
    from tinynet.commands.catalog.types import TypeInfo

CORE = "tinynet-core"
"""The distribution of the built-in types, which lists leave out."""

_LEAST_ROOM = 30
"""Fewest columns for a description beside a name."""


def print_families(infos: Sequence["TypeInfo"]) -> None:
    """Print types below their families; one family alone has no heading."""
    name_width = max((len(info.entry.name) for info in infos), default=0)
    several = len({info.family for info in infos}) > 1
    for number, (family, members) in enumerate(groupby(infos, key=lambda info: info.family)):
        if several:
            echo() if number else None
            echo(family)
        print_types(members, name_width, indent="  " if several else "")


def print_types(infos: Iterable["TypeInfo"], name_width: int, indent: str = "") -> None:
    """Print a row for each type: name, description, and example if it has options.

    A pipe gets each row as one line; on a terminal, a row that does not fit has further lines.
    """
    width = terminal_width() if result_is_terminal() else None
    start = " " * (len(indent) + name_width + 2)
    for info in infos:
        name = f"{indent}{printable(info.entry.name).ljust(name_width)}  "
        summary, example = printable(summary_of(info)), list_example(info)
        line = f"{name}{summary}  {example}".rstrip()
        if width is None or len(line) <= width:
            echo(line)
            continue
        room = max(width - len(start), _LEAST_ROOM)
        lines = [*textwrap.wrap(summary, room), *filled_json(example, room)]
        for number, part in enumerate(lines):
            echo(f"{start if number else name}{part}")


def summary_of(info: "TypeInfo") -> str:
    """Return the description of a type in a list, with its distribution unless it is built in."""
    entry = info.entry
    text = f"broken: {info.error}" if info.error else info.summary
    origin = "" if entry.distribution == CORE else f"[{entry.distribution} {entry.version}]"
    return f"{text} {origin}".strip()


def list_example(info: "TypeInfo") -> str:
    """Return the example of a type in a list; empty if it is the bare name."""
    example = info.example
    return "" if example is None or example.keys() == {"type"} else json_line(example)


def json_line(value: Any) -> str:
    """Return a JSON value in one line, with visible characters."""
    return printable(json.dumps(value, ensure_ascii=False))


def filled_json(text: str, room: int) -> list[str]:
    """Return a line of JSON in lines that fit, broken after commas where that is possible."""
    *parts, last = text.split(", ")
    return filled([*(f"{part}," for part in parts), last], room, gap=" ") if text else []


def print_type(info: "TypeInfo", described: Sequence[dict[str, Any]]) -> None:
    """Print everything about a type: origin, description, example, and options."""
    entry, width = info.entry, terminal_width()
    family = f"family {info.family}, " if info.family != "other" else ""
    echo(f"{entry.name}, of {entry.distribution} {entry.version}")
    echo(_filled(f"{KINDS[entry.group]}, {family}{printable(entry.target)}", width), multiline=True)
    if info.error:
        echo()
        echo(_filled(f"broken: {info.error}", width))
        return
    if info.description:
        echo()
        echo(reflowed(info.description, width), multiline=True)
    if info.example is not None:
        echo()
        echo("Example:")
        for line in filled_json(json_line(info.example), width - 2):
            echo(f"  {line}")
    echo()
    echo("Parameters:" if described else "It has no parameters.")
    for parameter in described:
        echo("\n".join(parameter_lines(parameter, width)), multiline=True)


def reflowed(text: str, width: int) -> str:
    """Return a docstring with paragraphs that fill a width; formulas keep their lines."""
    parts = []
    for paragraph in text.split("\n\n"):
        lines = paragraph.splitlines()
        if any(line.startswith(" ") for line in lines):
            parts.append("\n".join(_fitted(line, width) for line in lines))
        else:
            parts.append(_filled(" ".join(lines), width))
    return "\n\n".join(parts)


def _fitted(line: str, width: int) -> str:
    """Return an indented line; further lines are indented by four spaces more."""
    start = " " * (len(line) - len(line.lstrip()))
    return line if len(line) <= width else _filled(line.strip(), width, start, f"{start}    ")


def _filled(text: str, width: int, first: str = "", other: str = "") -> str:
    return textwrap.fill(
        text,
        width,
        initial_indent=first,
        subsequent_indent=other,
        break_on_hyphens=False,
        break_long_words=False,
    )


def parameter_lines(parameter: dict[str, Any], width: int) -> Iterator[str]:
    """Yield ``name: type = default``, and the description below it."""
    known = parameter["default"] is not None
    default = f" = {parameter['default']}" if known else ""
    head = f"{parameter['name']}: {parameter['type']}{default}"
    yield textwrap.fill(printable(head), width, initial_indent=" " * 2, subsequent_indent=" " * 4)
    if description := printable(parameter["description"], multiline=True):
        yield textwrap.fill(description, width, initial_indent=" " * 6, subsequent_indent=" " * 6)
