"""The `tinynet` command: the list of commands, and what happens when one fails.

Command modules import tinynet inside their functions, so that ``tinynet --help`` imports neither
NumPy nor pydantic.
"""

import os
import sys
from collections.abc import Sequence

import click

from tinynet import __version__
from tinynet_cli.check import check, summary
from tinynet_cli.diff import diff
from tinynet_cli.evaluate import evaluate
from tinynet_cli.exchange import export_command, import_command
from tinynet_cli.exit_codes import UNEXPECTED
from tinynet_cli.failure import report
from tinynet_cli.inspect import inspect
from tinynet_cli.layers import layers
from tinynet_cli.plugins import plugins
from tinynet_cli.predict import predict
from tinynet_cli.schema import schema
from tinynet_cli.train import resume, train
from tinynet_cli.verify_resume import verify_resume


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="tinynet")
def tinynet() -> None:
    """Train, evaluate and resume neural networks that are declared in JSON."""


for command in (
    train,
    resume,
    evaluate,
    predict,
    check,
    summary,
    layers,
    plugins,
    schema,
    inspect,
    diff,
    export_command,
    import_command,
    verify_resume,
):
    tinynet.add_command(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit with its code; a mistake of the user's never shows a traceback."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        # Not standalone, click returns the code of an `Exit` instead of raising it.
        code = tinynet.main(words, prog_name="tinynet", standalone_mode=False)
        if sys.stdout is not None:  # as it is where a shell closed it
            sys.stdout.flush()
        if code:
            sys.exit(code)
    except BrokenPipeError:
        # Whoever read our output has gone; so do we, without a word.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(UNEXPECTED)
    except OSError as error:
        sys.exit(report(_output_failed(error), words))
    except click.Abort as error:
        # What click makes of a KeyboardInterrupt; ours says what was saved.
        sys.exit(report(error.__cause__ or error, words))
    except (Exception, KeyboardInterrupt) as error:
        sys.exit(report(error, words))


def _output_failed(error: OSError) -> Exception:
    """What the operating system refused here was our own output: everything else is explained."""
    from tinynet.errors import CheckpointIOError

    where = f" to {error.filename}" if error.filename else ""
    return CheckpointIOError(f"the output cannot be written{where}: {error.strerror or error}")
