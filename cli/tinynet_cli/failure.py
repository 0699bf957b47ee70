"""What a person, or a program, is told when a command fails."""

import json
import traceback
from collections.abc import Sequence
from dataclasses import asdict

import click

from tinynet_cli.excerpt import excerpts
from tinynet_cli.exit_codes import UNEXPECTED, USAGE, exit_code
from tinynet_cli.output import printable


def report(error: BaseException, words: Sequence[str]) -> int:
    """Explain an error, on stderr and with ``--json`` on stdout too.

    Args:
        error: What ended the command.
        words: The command's arguments.

    Returns:
        The exit code.
    """
    if isinstance(error, click.ClickException):
        code, message = USAGE, error.format_message()
        error.show()
    else:
        code, message = exit_code(error), _message(error)
        explained = code != UNEXPECTED or isinstance(error, MemoryError)
        if not explained or "--debug" in words:
            click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
        click.echo(printable(_explained(error, message)), err=True)
    if "--json" in words:
        click.echo(json.dumps({"error": _as_data(error, message)}))
    return code


def _message(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return f"not enough memory; a smaller batch_size takes less. {error}".rstrip()
    return str(error) or ("interrupted" if _is_interrupt(error) else type(error).__name__)


def _is_interrupt(error: BaseException) -> bool:
    return isinstance(error, KeyboardInterrupt)


def _explained(error: BaseException, message: str) -> str:
    problems, source = getattr(error, "problems", None), getattr(error, "source", None)
    if problems is None or source is None:
        return message if _is_interrupt(error) else f"error: {message}"
    return excerpts(source, problems)


def _as_data(error: BaseException, message: str) -> dict[str, object]:
    data: dict[str, object] = {"type": type(error).__name__, "message": message}
    problems = getattr(error, "problems", None)
    if problems is not None:
        data["source"] = getattr(error, "source", None)
        data["problems"] = [asdict(problem) for problem in problems]
    return data
