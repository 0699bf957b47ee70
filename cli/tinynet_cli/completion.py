"""Completion of arguments in a shell: names of specs, runs, types and keys."""

import os
from collections.abc import Callable, Iterable
from typing import TypeAlias

import click
from click.shell_completion import CompletionItem

from tinynet_cli.key_completion import SPECS

Complete: TypeAlias = Callable[
    [click.Context, click.Parameter, str], list[str] | list[CompletionItem[str]]
]
"""A function that returns the values which begin with the last word of a line."""

RUNS = "runs"
"""The folder where `tinynet train` creates runs."""

_MOST = 1_000
"""Most entries of a folder that are offered."""


def specs(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """Return the specs, and the folders that may have some."""
    return _entries(begun, lambda entry: entry.name.endswith(SPECS))


def runs(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """Return the run folders, and the folders that may have some; those of ``runs`` first."""
    return _runs(begun, _is_run)


def checkpoints(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """Return the run folders and checkpoint files, and the folders that may have some."""
    return _runs(begun, lambda entry: _is_run(entry) or entry.name.endswith(".msgpack"))


def _runs(begun: str, matches: Callable[[os.DirEntry[str]], bool]) -> list[str]:
    here = _entries(begun, matches)
    if os.sep in begun or begun == RUNS:
        return here
    default = _entries(os.path.join(RUNS, ""), _is_run)
    return [path for path in default if os.path.basename(path).startswith(begun)] + here


def one_of(*values: str) -> Complete:
    """Return a completion of fixed values, and of files where none begins like the word."""

    def complete(
        context: click.Context, parameter: click.Parameter, begun: str
    ) -> list[str] | list[CompletionItem[str]]:
        return _beginning(values, begun) or [CompletionItem(begun, type="file")]

    return complete


def types(*groups: str) -> Complete:
    """Return a completion of the types in groups of plugins; of all groups without any."""

    def complete(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
        from tinynet.registry import GROUPS, default

        chosen = context.params.get("group")
        wanted = (chosen,) if chosen else groups or GROUPS
        found = {entry.name for group in wanted for entry in default().entries(group)}
        return _beginning(sorted(found), begun)

    return complete


def templates(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """Return the templates of `tinynet init`, and files."""
    from tinynet.commands.init.templates import templates as all_templates

    names = _beginning([template.name for template in all_templates()], begun)
    return names + _entries(begun, lambda entry: True)


def columns(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """Return the columns of the runs in the folder on the line."""
    from tinynet.commands.runs.columns import Columns
    from tinynet.commands.runs.entries import entries_in

    # Without the value of the last option, click does not know the arguments of the line.
    folders = [word for word in (context.obj or ())[1:] if os.path.isdir(word)]
    known = Columns(entries_in(folders[0] if folders else RUNS))
    start, comma, last = begun.rpartition(",")
    return [f"{start}{comma}{name}" for name in _beginning(sorted(known.names), last)]


def commands(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """Return the commands of the group that the words before name."""
    from tinynet_cli.commands import command_context

    words = context.params.get("words") or ()
    try:
        group = command_context(context.find_root(), words).command
    except click.UsageError:
        return []
    return _beginning(sorted(group.commands), begun) if isinstance(group, click.Group) else []


def _entries(begun: str, matches: Callable[[os.DirEntry[str]], bool]) -> list[str]:
    """Return the entries of a folder that match, and other folders with a slash."""
    folder, start = os.path.split(begun)
    found = []
    try:
        with os.scandir(os.path.expanduser(folder) or os.curdir) as entries:
            for entry in entries:
                if not entry.name.startswith(start) or entry.name.startswith("."):
                    continue
                path = os.path.join(folder, entry.name)
                if matches(entry):
                    found.append(path)
                elif entry.is_dir():
                    found.append(os.path.join(path, ""))
    except OSError:
        return []
    return sorted(found)[:_MOST]


def _is_run(entry: os.DirEntry[str]) -> bool:
    return os.path.isdir(os.path.join(entry.path, "checkpoints"))


def _beginning(values: Iterable[str], begun: str) -> list[str]:
    return [value for value in values if value.startswith(begun)]
