"""JSON values of a checkpoint, printed for people."""

import json
from collections.abc import Iterable, Iterator, Sequence

from tinynet_cli.output import echo, printable


def one_line(value: object) -> str:
    """Return a JSON value: ``distribution tinynet-core, version 0.1.0, shape [8, 8, 1]``."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return ", ".join(f"{printable(key)} {_nested(part)}" for key, part in value.items())
    return printable(json.dumps(value, ensure_ascii=False))


def _nested(value: object) -> str:
    return f"({one_line(value)})" if isinstance(value, dict) else one_line(value)


def print_facts(rows: Sequence[tuple[str, str]], indent: str = "") -> None:
    """Print names and values in two columns."""
    width = max((len(name) for name, _ in rows), default=0)
    for name, text in rows:
        echo(f"{indent}{name.ljust(width)}  {text}".rstrip())


def entries(value: object) -> Iterator[tuple[str, str]]:
    """Yield the names and values of a JSON object's entries, or of a list's."""
    if isinstance(value, dict):
        yield from ((printable(key), one_line(part)) for key, part in value.items())
    elif isinstance(value, list):
        yield from ((str(number), one_line(part)) for number, part in enumerate(value, 1))
    else:
        yield "", one_line(value)


def shape_text(shape: Iterable[int]) -> str:
    """Return a shape as tables have it: ``3x3x1x16``; that of a scalar is empty."""
    return "x".join(map(str, shape))
