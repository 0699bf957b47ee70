"""`tinynet export` and `tinynet import`."""

from typing import Any

import click

from tinynet_cli import options
from tinynet_cli.commands import Command
from tinynet_cli.output import echo, print_json, warn


@click.command("export", cls=Command)
@click.argument("path", metavar="RUN_OR_CHECKPOINT", type=click.Path())
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False),
    required=True,
    help="File to write: .npz or .safetensors.",
)
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Every tensor by its full name (params/..., slots/...), not the weights alone.",
)
@options.checkpoint_option
@options.json_option
@options.quiet_option
@options.debug_option
def export_command(path: str, output: str, as_json: bool, quiet: bool, **choices: Any) -> None:
    """Write the weights of a checkpoint to a file that other tools read.

    Parameters and buffers are named by their addresses (conv2d_1/weight), channels last. The spec
    is included. No plugin is imported.
    """
    from tinynet.commands.exchange import export_weights

    result = export_weights(path, output, warn=warn, **choices)
    if as_json:
        print_json(vars(result))
    elif not quiet:
        echo(f"{result.path}: {result.arrays:,} arrays, {result.bytes:,} bytes")
        echo(f"checkpoint: {result.checkpoint}")


@click.command("import", cls=Command)
@click.argument("path", metavar="FILE", type=click.Path())
@click.option("--spec", type=click.Path(), required=True, help="Spec of the network.")
@click.option(
    "-o",
    "--output",
    "checkpoint",
    type=click.Path(),
    required=True,
    help="Checkpoint to make; must not exist.",
)
@options.set_option
@options.data_root_option
@options.max_params_option
@options.json_option
@options.quiet_option
@options.debug_option
def import_command(path: str, as_json: bool, quiet: bool, **settings: Any) -> None:
    """Make a checkpoint of SPEC with the weights of FILE, a .npz or .safetensors file.

    FILE holds every parameter and buffer of the network under its address (conv2d_1/weight), of
    the very shape and dtype, and nothing else. `evaluate`, `predict` and `train --from` take the
    checkpoint.
    """
    from tinynet.commands.exchange import import_weights

    result = import_weights(path, **settings)
    if as_json:
        print_json(vars(result))
    elif not quiet:
        echo(f"{result.path}: {result.arrays:,} arrays, {result.elements:,} elements")
        echo(f"checkpoint: {result.checkpoint}")
