"""Options in messages, as the caller can write them: on the command line, or in Python."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

_command_line = False


@contextmanager
def named_for_command_line() -> Iterator[None]:
    """Name options in messages as the command line has them; outside of it, as Python does."""
    global _command_line
    before, _command_line = _command_line, True
    try:
        yield
    finally:
        _command_line = before


def option(flag: str, argument: str) -> str:
    """Return an option with its value: ``--threads 1``, or in Python ``threads=1``."""
    return flag if _command_line else argument


def overrides(*changes: str) -> str:
    """Return the option that changes values of a spec, each given as ``path=value``.

    On the command line that is ``--set training.steps=5 --set data.gap=2``, and in Python
    ``overrides={"training.steps": 5, "data.gap": 2}``.
    """
    if _command_line:
        return " ".join(f"--set {change}" for change in changes)
    pairs = (change.partition("=") for change in changes)
    return (
        f"overrides={{{', '.join(f'{json.dumps(path)}: {_literal(v)}' for path, _, v in pairs)}}}"
    )


def together(*options: str) -> str:
    """Return several options as one text."""
    return (" " if _command_line else " and ").join(options)


def _literal(text: str) -> str:
    """Return a value of ``--set``, which parses JSON if it can, as Python writes it."""
    try:
        return repr(json.loads(text))
    except ValueError:
        return json.dumps(text, ensure_ascii=False)
