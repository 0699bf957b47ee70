"""`tinynet export` and `tinynet import`."""

from typing import Any

import click

from tinynet_cli import options
from tinynet_cli.commands import Command
from tinynet_cli.fine_tuning import import_options, print_plan
from tinynet_cli.output import echo, print_json, warn


@click.command("export", cls=Command)
@options.run_or_checkpoint_argument
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False),
    required=True,
    help="File to write: .onnx, .npz or .safetensors.",
)
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Every tensor by its full name (params/..., slots/...), not the weights alone; not for"
    " .onnx.",
)
@click.option(
    "--no-check",
    is_flag=True,
    help="Write the .onnx file without comparing it with the network by onnxruntime.",
)
@options.checkpoint_option
@options.data_root_option
@options.json_option
@options.quiet_option
@options.debug_option
def export_command(path: str, output: str, **choices: Any) -> None:
    """Write a trained model as an ONNX model, or its weights for other tools.

    With -o model.onnx, the file has the preprocessing, the network and its predictions, with the
    labels of classes: every runtime of ONNX can run it. It is compared with the network on
    samples of the run's data, if onnxruntime is installed.

    With another ending, the file has the parameters and buffers, named by their addresses
    (conv2d_1/weight), channels last, and the spec. No plugin is imported.
    """
    from pathlib import Path

    if Path(output).suffix.lower() == ".onnx":
        _export_onnx(path, output, **choices)
    else:
        _export_weights(path, output, **choices)


def _export_onnx(
    path: str,
    output: str,
    *,
    everything: bool,
    no_check: bool,
    as_json: bool,
    quiet: bool,
    **choices: Any,
) -> None:
    if everything:
        raise click.UsageError("--all is for .npz and .safetensors; a .onnx file has no slots")
    from tinynet.extras import importing

    with importing("onnx", "tinynet export to .onnx"):
        from tinynet.commands.onnx.export import export_onnx, shown

    result = export_onnx(path, output, check=not no_check, warn=warn, **choices)
    if as_json:
        print_json(result.to_json())
        return
    if not quiet:
        echo(
            f"{result.path}: opset {result.opset}, {result.operators:,} operators,"
            f" {result.bytes:,} bytes"
        )
        echo(f"checkpoint: {result.checkpoint}")
        for word, text in shown(result).items():
            echo(f"{word}: {text}")
    for note in result.notes:
        warn(note)


def _export_weights(
    path: str,
    output: str,
    *,
    as_json: bool,
    quiet: bool,
    no_check: bool,
    data_root: str | None,
    **choices: Any,
) -> None:
    if no_check or data_root is not None:
        option = "--no-check" if no_check else "--data-root"
        raise click.UsageError(f"{option} is for .onnx files")
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
    help="Checkpoint to make; must not exist.",
)
@import_options
@options.set_option
@options.data_root_option
@options.max_params_option
@options.json_option
@options.quiet_option
@options.debug_option
def import_command(
    path: str,
    checkpoint: str | None,
    plan_only: bool,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> None:
    """Make a checkpoint of SPEC with the weights of FILE, a .npz or .safetensors file.

    FILE holds every parameter and buffer of the network under its address (conv2d_1/weight), of
    the very shape and dtype, and nothing else. With --layout torch or keras it is a file of that
    framework (features.0.weight, conv2d/kernel:0), whose axes are converted. `evaluate`,
    `predict` and `train --from` take the checkpoint.
    """
    from pathlib import Path

    from tinynet.checkpoint.transfer import TransferRefusedError
    from tinynet.checkpoint.transfer_rules import TransferRules
    from tinynet.commands.exchange import import_weights, plan_import

    names = ("map", "allow_new", "allow_dropped", "overlap")
    rules = TransferRules(**{name: settings.pop(name) for name in names})
    if plan_only:
        try:
            plan = plan_import(path, rules=rules, **settings)
        except TransferRefusedError as error:
            print_plan(Path(path), error.plan, as_json, error)
            raise
        print_plan(Path(path), plan, as_json)
        return
    if checkpoint is None:
        raise click.UsageError("-o CHECKPOINT is missing: the checkpoint to make")
    result = import_weights(path, checkpoint=checkpoint, rules=rules, **settings)
    if as_json:
        print_json(vars(result))
    elif not quiet:
        echo(f"{result.path}: {result.arrays:,} arrays, {result.elements:,} elements")
        echo(f"checkpoint: {result.checkpoint}")
    for warning in result.warnings:
        warn(warning)
