"""Error reports: one sentence on stderr, and with ``--json`` one object on stdout."""

import traceback
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict

import click

from tinynet_cli.commands import NoCommandError
from tinynet_cli.excerpt import excerpts
from tinynet_cli.exit_codes import UNEXPECTED, USAGE, exit_code
from tinynet_cli.launch import end_job, is_left_alone, is_reported_by_first
from tinynet_cli.output import echo, echo_message, filled, print_json, terminal_width
from tinynet_cli.streams import messages_are_terminal, result_was_written

_COMMAND = "Continue with: "
"""The words before a command at the end of a message."""


def report(error: BaseException, words: Sequence[str]) -> int:
    """Explain an error, on stderr and with ``--json`` on stdout too.

    Args:
        error: The exception that ended the command.
        words: The command's arguments.

    Returns:
        The exit code.
    """
    raised, error = error, _explained(error)
    code = USAGE if isinstance(error, click.ClickException) else exit_code(error)
    if is_reported_by_first(raised, words) and not is_left_alone(raised):
        return code
    message = _message(error)
    if (code == UNEXPECTED and not isinstance(error, MemoryError)) or "--debug" in words:
        echo(_traceback(error), err=True, multiline=True)
    for line in _usage(error):
        echo(line, err=True)
    _explain(error, message)
    # An object that was printed before the command failed stays the only one.
    if "--json" in words and not result_was_written():
        with suppress(Exception):  # where stdout fails, stderr has the message
            print_json({"error": _as_data(error, message)})
    end_job(raised, code)
    return code


def _explained(error: BaseException) -> BaseException:
    """Return the error that a command reports in place of one that explains nothing."""
    if isinstance(error, click.Abort):
        # click raises it for a KeyboardInterrupt, whose message says what was saved.
        return error.__cause__ or error
    from tinynet.errors import CheckpointIOError, PeerFailure

    if isinstance(error, PeerFailure):
        cause = _explained(error.error)
        if not error.rank:  # It reads the spec and writes the run, so its errors read as ever.
            return cause
        if isinstance(cause, CheckpointIOError):
            return PeerFailure(error.rank, error.size, error.host, cause)
        return error
    if isinstance(error, OSError):  # of a system call that no other place has explained
        where = f"{error.filename}: " if error.filename else ""
        return CheckpointIOError(f"{where}{error.strerror or error}")
    return error


def _message(error: BaseException) -> str:
    if isinstance(error, click.MissingParameter):  # which lists choices on lines of their own
        return " ".join(error.format_message().split())
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, MemoryError):
        return f"not enough memory; a smaller batch_size takes less. {error}".rstrip()
    return _text(error) or _name(error)


def _text(error: BaseException) -> str:
    """Return the text of an exception, whose class may come from a plugin."""
    try:
        return str(error)
    except Exception:
        return ""


def _traceback(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(error)).rstrip("\n")
    except Exception:
        return f"{type(error).__name__} (its traceback cannot be formatted)"


def _usage(error: BaseException) -> Iterator[str]:
    """Yield the lines that show how a command is used, for mistakes in using it."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is not None and not isinstance(error, NoCommandError):
        yield from context.get_usage().splitlines()
        yield f"Try '{context.command_path} {context.help_option_names[-1]}' for help."
        yield ""


def _name(error: BaseException) -> str:
    return "interrupted" if isinstance(error, KeyboardInterrupt) else type(error).__name__


def _explain(error: BaseException, message: str) -> None:
    problems, source = getattr(error, "problems", None), getattr(error, "source", None)
    if isinstance(error, NoCommandError):
        echo(error.help, err=True, multiline=True)
    elif isinstance(error, KeyboardInterrupt):
        width = terminal_width() if messages_are_terminal() else None
        for line in interrupt_lines(message, width):
            echo(line, err=True)
    elif problems is None:
        echo_message(f"error: {message}")
    elif source is None:
        for number, problem in enumerate(problems):
            echo_message(f"{'' if number else 'error: '}{problem}")
    else:
        for line in excerpts(source, problems):
            echo_message(line)


def interrupt_lines(message: str, width: int | None) -> list[str]:
    """Return a message in lines that break between words; a command stays whole, to be copied."""
    if width is None or len(message) <= width:
        return [message]
    text, mark, command = message.partition(_COMMAND)
    words = f"{text}{mark}".split()
    return filled([*words, command] if command else words, width, " ")


def _as_data(error: BaseException, message: str) -> dict[str, object]:
    data: dict[str, object] = {"type": type(error).__name__, "message": message}
    problems = getattr(error, "problems", None)
    if problems is not None:
        data["source"] = getattr(error, "source", None)
        data["problems"] = [asdict(problem) for problem in problems]
    return data
