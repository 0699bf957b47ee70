"""`tinynet diff`."""

import math
from typing import TYPE_CHECKING

import click

from tinynet_cli import options
from tinynet_cli.commands import Command
from tinynet_cli.output import echo, print_json, print_table, short, warn
from tinynet_cli.plain import one_line, shape_text

if TYPE_CHECKING:
    from tinynet.commands.diff import Difference, TensorDifference
    from tinynet.spec.change import Change


@click.command(cls=Command)
@click.argument("a", type=click.Path())
@click.argument("b", type=click.Path())
@options.json_option
@options.debug_option
def diff(a: str, b: str, as_json: bool) -> None:
    """Compare A and B: two checkpoints, runs (their newest checkpoint), or specs.

    They are equal if the state of training is equal: spec, progress, data, and every bit of every
    tensor. Their origin (run, lineage, log, environment) may differ. A digest of all tensors is
    printed for each, to compare with another machine's. The exit code is 0 in both cases; --json
    has the result as "equal". No plugin is imported for a checkpoint.
    """
    from tinynet.commands.diff import compare_checkpoints, is_essential

    difference = compare_checkpoints(a, b, warn)
    if as_json:
        print_json(difference.to_json())
        return
    _print_sides(difference)
    _print_changes("spec", [(change, change.effect) for change in difference.spec])
    if difference.a.digest is not None and difference.b.digest is not None:
        notes = [(c, "state" if is_essential(c) else "origin") for c in difference.facts]
        _print_changes("other sections", notes)
        _print_tensors(difference)
    echo()
    echo(f"equal: {'yes' if difference.equal else 'no'}")


def _print_sides(difference: "Difference") -> None:
    for name, side in (("a", difference.a), ("b", difference.b)):
        echo(f"{name}: {short(side.path)}")
        if side.digest is not None:
            echo(f"   run {side.run_id}, step {side.step:,}, tensors {side.digest}")


def _print_changes(title: str, changes: "list[tuple[Change, str]]") -> None:
    echo()
    echo(f"{title}: {f'{len(changes):,} differ' if changes else 'equal'}")
    for change, note in changes:
        values = f"{_value(change.old)} -> {_value(change.new)}"
        echo(f"  {change.pointer}: {values} [{note}]")


def _value(value: object) -> str:
    if value is None:
        return "-"
    return f"{{{one_line(value)}}}" if isinstance(value, dict) else one_line(value)


def _print_tensors(difference: "Difference") -> None:
    echo()
    echo(f"tensors: {difference.equal_tensors:,} equal, {len(difference.tensors):,} differ")
    for tensor in difference.tensors:
        if tensor.kind != "values":
            echo(f"  {tensor.name}: {_layouts(tensor)}")
    rows = [
        (f"  {t.name}", f"{t.differing:,} of {_size(t):,}", t.max_abs, t.relative_norm)
        for t in difference.tensors
        if t.kind == "values"
    ]
    if rows:
        print_table(("  values", "differ", "max |b - a|", "||b - a|| / ||a||"), rows)


def _layouts(tensor: "TensorDifference") -> str:
    if tensor.a is None or tensor.b is None:
        return tensor.kind
    sides = (tensor.a, tensor.b)
    return " -> ".join(f"{side.dtype} {shape_text(side.shape) or 'scalar'}" for side in sides)


def _size(tensor: "TensorDifference") -> int:
    return math.prod(tensor.a.shape) if tensor.a is not None else 0
