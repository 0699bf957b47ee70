"""The `tinynet` command: the list of commands, and what happens when one fails.

Command modules import tinynet inside their functions, so that ``tinynet --help`` imports neither
NumPy nor pydantic.
"""

import json
import os
import sys
import traceback
from collections.abc import Sequence

import click

from tinynet import __version__
from tinynet_cli.check import check, summary
from tinynet_cli.evaluate import evaluate
from tinynet_cli.exit_codes import UNEXPECTED, USAGE, exit_code
from tinynet_cli.layers import layers
from tinynet_cli.predict import predict
from tinynet_cli.train import resume, train


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="tinynet")
def tinynet() -> None:
    """Train, evaluate and resume neural networks that are declared in JSON."""


for command in (train, resume, evaluate, predict, check, summary, layers):
    tinynet.add_command(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit with its code; a mistake of the user's never shows a traceback."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        tinynet.main(words, standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(USAGE)
    except BrokenPipeError:
        # Whoever read our output has gone; so do we, without a word.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(UNEXPECTED)
    except (Exception, KeyboardInterrupt, click.Abort) as error:
        code = exit_code(error)
        if code == UNEXPECTED or "--debug" in words:
            traceback.print_exc()
        message = str(error) or type(error).__name__
        click.echo(
            message if isinstance(error, KeyboardInterrupt) else f"error: {message}", err=True
        )
        if "--json" in words:
            click.echo(json.dumps({"error": _as_data(error)}))
        sys.exit(code)


def _as_data(error: BaseException) -> dict[str, object]:
    data: dict[str, object] = {"type": type(error).__name__, "message": str(error)}
    problems = getattr(error, "problems", None)
    if problems is not None:
        data["problems"] = [vars(problem) for problem in problems]
    return data
