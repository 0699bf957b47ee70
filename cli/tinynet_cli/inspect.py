"""`tinynet inspect`."""

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tinynet_cli import completion, options
from tinynet_cli.commands import Command
from tinynet_cli.output import echo, print_json, print_table, printable, short
from tinynet_cli.plain import entries, one_line, print_facts, shape_text

if TYPE_CHECKING:
    from tinynet.commands.inspect import CheckpointFacts, ListedCheckpoint, RunFacts, TensorFacts


@click.command(cls=Command)
@click.argument(
    "path",
    metavar="CHECKPOINT_OR_RUN",
    type=click.Path(),
    shell_complete=completion.checkpoints,
)
@click.option("--verify", is_flag=True, help="Read and verify every byte.")
@options.json_option
@options.debug_option
def inspect(path: str, verify: bool, as_json: bool) -> None:
    """Show the content of a checkpoint or a run folder. No plugin is imported.

    For a run folder, every checkpoint is listed, and the fault of each that is damaged. If none is
    intact, the exit code is 4.
    """
    from tinynet.commands.inspect import inspect_checkpoint, inspect_run

    if Path(path).is_dir():
        run = inspect_run(path, verify=verify)
        if as_json:
            print_json(vars(run))
        else:
            _print_run(run)
        run.require_intact()
        return
    checkpoint = inspect_checkpoint(path, verify=verify)
    if as_json:
        print_json(checkpoint.to_json())
    else:
        _print_checkpoint(checkpoint)


def _print_run(facts: "RunFacts") -> None:
    echo(f"{short(facts.path)}: run {facts.run_id or 'unknown'}")
    rows = [(c.path.name, c.step, c.size, _marks(c), _state(c, facts)) for c in facts.checkpoints]
    if rows:
        print_table(("checkpoint", "step", "bytes", "", "state"), rows)
    if not facts.verified:
        echo("the tensors' bytes were not read; --verify reads them")
    for path in facts.set_aside:
        echo(f"set aside as damaged: {path.name}")
    for path in facts.leftovers:
        echo(f"temporary file of a killed or still saving process: {path.name}")


def _marks(checkpoint: "ListedCheckpoint") -> str:
    return ", ".join(mark for mark in ("best", "last") if getattr(checkpoint, mark))


def _state(checkpoint: "ListedCheckpoint", run: "RunFacts") -> str:
    if checkpoint.problem is not None:
        return printable(checkpoint.problem)
    return "whole" if run.verified else "readable"


def _print_checkpoint(facts: "CheckpointFacts") -> None:
    name = one_line(facts.section("spec").get("name"))
    echo(short(facts.path))
    print_facts(
        [
            ("size", f"{facts.size:,} bytes, version {facts.format} of the format"),
            ("run", facts.run_id),
            ("step", f"{facts.step:,}"),
            ("spec", f"{name}, digest {facts.spec_digest}"),
            ("tensors", f"{len(facts.tensors):,}, digest {facts.digest}"),
            ("state", _verdict(facts)),
        ]
    )
    for section, value in facts.sections.items():
        if section != "spec":
            rows = list(entries(value))
            echo()
            echo(f"{section}{'' if rows else ': none'}")
            print_facts(rows, "  ")
    for group, tensors in groupby(facts.tensors, lambda tensor: tensor.group):
        _print_tensors(group, list(tensors))


def _verdict(facts: "CheckpointFacts") -> str:
    if not facts.verified:
        return "readable; the tensors' bytes were not read (--verify reads them)"
    if facts.not_finite:
        return f"intact, but with NaN or infinity: {', '.join(facts.not_finite)}"
    return "intact: every byte was verified"


def _print_tensors(group: str, tensors: "list[TensorFacts]") -> None:
    echo()
    echo(f"{group}: {len(tensors):,} tensors, {sum(t.bytes for t in tensors):,} bytes")
    rows = [
        (f"  {t.name.removeprefix(f'{group}/')}", t.dtype, shape_text(t.shape), t.bytes)
        for t in tensors
    ]
    print_table(("  name", "dtype", "shape", "bytes"), rows)
