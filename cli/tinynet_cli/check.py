"""`tinynet check` and `tinynet summary`."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from tinynet_cli import options
from tinynet_cli.commands import Command
from tinynet_cli.excerpt import excerpts
from tinynet_cli.importing import uncollected
from tinynet_cli.output import echo, echo_message, print_json, print_table, warn

if TYPE_CHECKING:
    from tinynet.commands.check import Checked
    from tinynet.network.summary import Summary

RENDER_WIDTH = 60
"""Column in which a rendered spec says where its values come from, if its lines are shorter."""


@click.command(cls=Command)
@options.spec_argument
@options.set_option
@options.data_root_option
@options.max_params_option
@click.option("--no-data", is_flag=True, help="Check the spec alone, without reading its data.")
@click.option(
    "--render",
    is_flag=True,
    help="Print the resolved spec, and where each of its values comes from.",
)
@options.json_option
@options.debug_option
def check(
    spec: str,
    overrides: dict[str, Any],
    no_data: bool,
    render: bool,
    as_json: bool,
    **settings: Any,
) -> None:
    """Check SPEC and its data; print every mistake, or `ok` and the network's table.

    This reports every error that would stop `train` before its first step. Warnings mark valid
    settings that are probably not intended. Nothing is trained or written.
    """
    with uncollected():
        from tinynet.commands.check import check_spec
        from tinynet.commands.summary import summarize

    if render:
        summarize(spec, overrides=overrides, **settings)
        _render(spec, overrides, as_json)
        return
    result = check_spec(spec, overrides=overrides, read_data=not no_data, **settings)
    if as_json:
        print_json({"ok": True, **result.to_json()})
    else:
        _warn(result)
        echo(f"{spec}: ok")
        _print(result.summary)
        if not result.has_data:
            echo('The spec has no "data", which train needs.')
        if result.splits is not None:
            echo(f"data: {result.splits}")
            for line in result.description:
                echo(f"  {line}")
            if not result.tried:
                echo("The first step was not tried, since the network is large.")


def _warn(result: "Checked") -> None:
    for warning in result.warnings:
        if result.source is None:
            warn(str(warning))
            continue
        place, *shown = excerpts(result.source, [warning])
        warn(place)
        for line in shown:
            echo_message(line)


def _render(path: str, overrides: dict[str, Any], as_json: bool) -> None:
    from tinynet.spec import rendering
    from tinynet.spec.reading import load_spec

    spec = load_spec(path, overrides)
    if as_json:
        origins = {pointer: asdict(origin) for pointer, origin in rendering.origins(spec).items()}
        print_json({"ok": True, "spec": spec.resolved(), "origins": origins})
        return
    lines = rendering.render(spec)
    width = min(max(len(line.text) for line in lines), RENDER_WIDTH)
    for line in lines:
        origin = "" if line.origin is None else f"  # {line.origin}"
        echo(f"{line.text.ljust(width)}{origin}" if origin else line.text)


@click.command(cls=Command)
@click.argument("path", metavar="SPEC_OR_CHECKPOINT", type=click.Path())
@options.set_option
@options.data_root_option
@options.max_params_option
@options.json_option
@options.debug_option
def summary(path: str, as_json: bool, **settings: Any) -> None:
    """Print the layers, shapes, parameters, operations and memory of a network."""
    from tinynet.commands.summary import summarize

    result = summarize(path, **settings)
    if as_json:
        print_json(result.to_json())
        return
    _print(result)


def _print(result: "Summary") -> None:
    head = ("node", "type", "inputs", "output", "parameters", "operations", "bytes")
    rows = [
        (
            row.name,
            row.type,
            ", ".join(row.inputs),
            "x".join(map(str, row.out_shape)) or "1",
            row.params,
            row.operations,
            row.activation_bytes,
        )
        for row in result.rows
    ]
    echo(f"{result.name}: input {result.inputs_text}, {result.dtype}")
    print_table(head, rows)
    if result.untrained_outputs:
        names = ", ".join(result.untrained_outputs)
        echo(f"outputs without a loss, which are predicted and not trained: {names}")
    frozen = result.params - result.trainable_params
    echo(
        f"{result.params:,} parameters"
        + (f", {frozen:,} of them not trained" if frozen else "")
        + f" ({result.param_bytes:,} bytes); {result.operations:,} operations and"
        f" {result.activation_bytes:,} bytes of activations for one sample, forward"
    )
