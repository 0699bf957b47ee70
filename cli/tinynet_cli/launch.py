"""The processes that a launcher, such as mpiexec, has started: the first one speaks for all."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest

import click

from tinynet_cli.exit_codes import exit_code

_COMMANDS = ("train", "resume", "evaluate", "predict")
"""The commands that several processes run together."""


_WRITERS = ("convert", "import", "init", "new", "report", "serve", "tune", "verify-resume")
"""The commands that write files or start a server, with any options."""

_WRITING_OPTIONS = {"-o", "--output", "--csv", "--html"}
"""Options of other commands that name a file to write; ``-`` is stdout."""


def require_one_process(context: click.Context) -> None:
    """Raise `UsageError` for several launched processes of a command that one process runs.

    Each of them would write the same files. Commands that only print are useful in every process,
    to compare the machines.
    """
    command, words = context.command, context.command_path
    if command.name in _COMMANDS or not is_launched():
        return
    written = [
        option
        for option in command.params
        if _WRITING_OPTIONS.intersection(option.opts)
        and context.params.get(str(option.name)) not in (None, "-")
    ]
    if command.name in _WRITERS or written:
        from tinynet.run.launcher import launched, variables

        place, names = launched(), variables()
        assert place is not None
        assert names is not None
        with_option = f" {written[0].opts[-1]}" if command.name not in _WRITERS else ""
        raise click.UsageError(
            f"{words}{with_option} runs in one process, and {place[0]:,} were launched: start it"
            " without mpiexec or srun. If a script starts it in one of several processes:"
            f" env -u {names[0]} {words}"
        )


def follows(fleet: str | None) -> bool:
    """Return True in a process that works together with a first one, which prints the result.

    Args:
        fleet: The value of ``--fleet``.
    """
    from tinynet.run.launcher import launched

    place = launched()
    return fleet != "none" and place is not None and place[1] > 0


def is_launched() -> bool:
    """Return True in each of several processes that a launcher has started."""
    from tinynet.run.launcher import launched

    place = launched()
    return place is not None and place[0] > 1


@contextmanager
def silent_end(fleet: str | None) -> Iterator[None]:
    """End without a message after an interrupt, which click would mark by an empty line."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        if not follows(fleet):
            raise
        raise click.exceptions.Exit(exit_code(interrupt)) from interrupt


def is_reported_by_first(error: BaseException, words: Sequence[str]) -> bool:
    """Return True for an error that the first process reports, or one that all have alike.

    Args:
        error: The exception that ended the command.
        words: The command's arguments.
    """
    from tinynet.errors import TinynetError
    from tinynet.run.ending_together import JoinFailure

    if isinstance(error, JoinFailure):
        return False
    if not follows(_fleet(words)):
        return False
    if isinstance(error, click.UsageError):
        return True
    known = isinstance(error, TinynetError | click.ClickException | click.Abort | KeyboardInterrupt)
    # Options may stand before the command.
    return known and any(word in _COMMANDS for word in words)


def is_left_alone(error: BaseException) -> bool:
    """Return True in another process than the first if only its own command has a mistake.

    A mistake in the usage of a command is seen before the processes are connected. If the first
    process has the same mistake, then all end while this waits: Open MPI ends them as soon as one
    has ended, and those of MPICH are ended by the first process (see `end_job`).
    """
    if not isinstance(error, click.UsageError):
        return False
    from tinynet.run import ending_together
    from tinynet.run.launcher import OPEN_MPI, process_manager, variables

    time.sleep(ending_together.FIRST_SPEAKS)
    return process_manager() is not None or variables() == OPEN_MPI


def _fleet(words: Sequence[str]) -> str | None:
    """Return the value of ``--fleet`` among arguments that may not be valid."""
    for word, following in zip_longest(words, words[1:]):
        if word == "--fleet":
            return following
        if word.startswith("--fleet="):
            return word.partition("=")[2]
    return None


def end_job(error: BaseException, code: int) -> None:
    """Ask the launcher to end all processes if this one failed before it joined the others."""
    from tinynet.run.ending_together import JoinFailure
    from tinynet.run.launcher import end_all

    if isinstance(error, JoinFailure | click.UsageError):
        end_all(code)
