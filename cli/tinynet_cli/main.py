"""The `tinynet` command: its subcommands, and the report of errors.

Command modules import tinynet inside their functions, so that ``tinynet --help`` imports neither
NumPy nor pydantic.
"""

import sys
from collections.abc import Sequence

import click

from tinynet import __version__
from tinynet.text.options import named_for_command_line
from tinynet_cli import hooks, streams
from tinynet_cli.check import check, summary
from tinynet_cli.commands import Group
from tinynet_cli.convert import convert
from tinynet_cli.diff import diff
from tinynet_cli.evaluate import evaluate
from tinynet_cli.exchange import export_command, import_command
from tinynet_cli.exit_codes import INTERRUPTED
from tinynet_cli.explain import explain
from tinynet_cli.failure import report
from tinynet_cli.generate import generate
from tinynet_cli.help import completion_command, help_command
from tinynet_cli.init import init
from tinynet_cli.inspect import inspect
from tinynet_cli.layers import layers
from tinynet_cli.new import new
from tinynet_cli.output import echo
from tinynet_cli.plot import plot
from tinynet_cli.plugins import plugins
from tinynet_cli.predict import predict
from tinynet_cli.profile import profile
from tinynet_cli.report import report as report_command
from tinynet_cli.runs import compare, runs
from tinynet_cli.schema import schema
from tinynet_cli.serve import serve
from tinynet_cli.train import resume, train
from tinynet_cli.tune import tune
from tinynet_cli.verify_resume import verify_resume
from tinynet_cli.watch import watch


def _show_version(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        echo(f"tinynet, version {__version__}")
        context.exit()


@click.group(
    cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.option(
    "-V",
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
def tinynet() -> None:
    """Train, evaluate and resume neural networks that are declared in JSON."""


_PURPOSES: dict[str, tuple[click.Command, ...]] = {
    "to start": (init, new),
    "to train": (train, resume, tune, watch, verify_resume),
    "to use a trained network": (
        evaluate,
        predict,
        generate,
        serve,
        export_command,
        import_command,
    ),
    "to prepare data": (convert,),
    "to compare runs": (runs, compare, plot),
    "to look at specs, runs and checkpoints": (
        check,
        summary,
        profile,
        report_command,
        inspect,
        diff,
    ),
    "to see what a spec may name": (layers, explain, plugins, schema),
    "to get help": (help_command, completion_command),
}
for commands in _PURPOSES.values():
    for command in commands:
        tinynet.add_command(command)
tinynet.purposes = {
    purpose: [str(command.name) for command in commands] for purpose, commands in _PURPOSES.items()
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit with its code; a mistake of the user's never shows a traceback."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        with streams.guarded():
            try:
                with hooks.reporting(), named_for_command_line():
                    # Not standalone, click returns the code of an `Exit` instead of raising it.
                    code = tinynet.main(words, prog_name="tinynet", standalone_mode=False) or 0
            except (Exception, KeyboardInterrupt) as error:
                code = report(error, words)
    except KeyboardInterrupt:  # while an error was reported
        code = INTERRUPTED
    if code:
        sys.exit(code)
