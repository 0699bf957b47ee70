"""`tinynet plugins`: create, list, examine and check plugins."""

import json
import re
import shlex
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import click

from tinynet.text.kinds import GROUPS, KINDS, NOT_IN_SPECS
from tinynet_cli import completion, options
from tinynet_cli.commands import Group
from tinynet_cli.exit_codes import PLUGIN
from tinynet_cli.json_argument import parse_object
from tinynet_cli.kinds import kind_option
from tinynet_cli.number_types import FloatRange, IntRange
from tinynet_cli.output import echo, print_json, print_table, printable, short, terminal_width
from tinynet_cli.streams import result_is_terminal

if TYPE_CHECKING:
    from tinynet.commands.plugins.conformance import TypeReport, Verdict
    from tinynet.commands.plugins.doctor import Diagnosis
    from tinynet.commands.plugins.listing import Listed
    from tinynet.testing import NotCheckableError

_CREATED = tuple(kind for group, kind in KINDS.items() if group not in NOT_IN_SPECS)
"""The kinds with a template: `tinynet.commands.plugins.new.kinds`, which is slow to import."""

_SIZE = re.compile("[1-9][0-9]{0,17}")
"""A positive number that an array's axis can have."""


@click.group(cls=Group)
def plugins() -> None:
    """Create, list, examine and check plugins."""


@plugins.command()
@click.argument("name")
@kind_option("kind", _CREATED, default="layer", show_default=True, help="Kind of plugin.")
@click.option(
    "--into",
    type=click.Path(),
    default=".",
    help="Parent folder [default: the current one].",
)
@options.json_option
@options.debug_option
def new(name: str, kind: str, into: str, as_json: bool) -> None:
    """Create a distribution with one plugin that installs and passes its tests.

    NAME may be my-layer or MyLayer: the folder and the distribution are my-layer, the type in a
    spec is my_layer, and the class MyLayer.
    """
    from tinynet.commands.plugins.new import NotMadeError, new_plugin

    try:
        made = new_plugin(name, kind, into)
    except NotMadeError as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        print_json({**vars(made.names), "folder": str(made.folder), "files": made.files})
        return
    folder = short(made.folder)
    for path in made.files:
        echo(f"{folder}/{path}")
    place = shlex.quote(folder if "/" in folder else f"./{folder}")
    echo()
    echo("Next:")
    echo(f"  pip install -e {place}")
    echo(f"  tinynet plugins check {made.names.package}")
    echo(f"  tinynet train {place}/spec.json")
    echo(f"  python -m pytest {place}")


@plugins.command("list")
@kind_option("group", GROUPS, help="Only this kind of plugin.")
@options.json_option
@options.debug_option
def list_command(group: str | None, as_json: bool) -> None:
    """List installed plugins with their distributions and folders; imports none of them."""
    from tinynet.commands.plugins.listing import listed
    from tinynet.registry import default

    installed = default()
    everything = [entry for one in GROUPS for entry in installed.entries(one)]
    listing = listed([e for e in everything if group in (None, e.group)], everything)
    if as_json:
        damaged = [vars(damage) for damage in installed.damages]
        print_json({"plugins": [one.to_json() for one in listing], "damaged": damaged})
        return
    print_table(
        ("group", "name", "distribution", "version", "where"),
        [(*_facts(one), _where(one)) for one in listing],
    )
    for line in dict.fromkeys(one.ambiguous for one in listing if one.ambiguous):
        echo(f"ambiguous: {line}")
    for damage in installed.damages:
        echo(f"damaged: {damage}")


@plugins.command()
@click.argument("name", required=False, shell_complete=completion.types())
@click.option(
    "--timeout",
    type=FloatRange(min=0, min_open=True),
    default=60,
    show_default=True,
    help="Seconds that loading a distribution may take.",
)
@options.json_option
@options.debug_option
def doctor(name: str | None, timeout: float, as_json: bool) -> None:
    """Load every plugin in a separate process and report what is wrong with it.

    NAME is a type, distribution:type, or a distribution: only those are loaded.
    """
    from tinynet.commands.plugins.doctor import damages, examine, running_kernels

    diagnoses, damaged = examine(name, patience=timeout), damages(name)
    kernels, ill = running_kernels(), [one for one in diagnoses if not one.ok]
    ok = not ill and not damaged
    if as_json:
        rows, lost = [one.to_json() for one in diagnoses], [vars(damage) for damage in damaged]
        print_json({"ok": ok, "kernels": kernels, "plugins": rows, "damaged": lost})
    else:
        _print_diagnoses(diagnoses)
        for damage in damaged:
            echo()
            echo(f"damaged: {damage}")
        states = [f"{len(ill)} not ok"] if ill else [] if damaged else ["all ok"]
        states += [f"{len(damaged)} damaged"] if damaged else []
        echo()
        summary = f"{len(diagnoses)} examined, {', '.join(states)}"
        echo(f"{summary}; layers compute with the kernels {kernels}")
    if not ok:
        raise click.exceptions.Exit(PLUGIN)


def _print_diagnoses(diagnoses: "list[Diagnosis]") -> None:
    print_table(
        ("group", "name", "distribution", "version", "ms", "state", "where"),
        [
            (
                *_facts(one.listed),
                "" if one.seconds is None else f"{one.seconds * 1000:.1f}",
                "ok" if one.ok else "NOT OK",
                _where(one.listed),
            )
            for one in diagnoses
        ],
    )
    for one in diagnoses:
        entry = one.listed.entry
        for problem in one.problems:
            echo()
            echo(f"{entry.qualified} ({entry.group}): {problem}", multiline=True)
        if one.output:
            echo()
            _print_output(f"{entry.qualified} ({entry.group}) printed while it was imported", one)


def _print_output(head: str, holder: "Diagnosis | TypeReport") -> None:
    """Print the text that a plugin printed, indented, to set it apart from tinynet's own."""
    echo(f"{head}:")
    for line in holder.output.splitlines():
        echo(f"    {line}")


@plugins.command()
@click.argument("name", shell_complete=completion.types())
@kind_option("group", GROUPS, help="Kind of plugin, if several kinds have this name.")
@click.option(
    "--options",
    "values",
    metavar="JSON",
    callback=lambda context, parameter, text: None if text is None else parse_object(text),
    help="Options, as in a spec: '{\"units\": 3}'.",
)
@click.option(
    "--in-shape",
    "in_shapes",
    multiple=True,
    metavar="N,N,...",
    callback=lambda context, parameter, texts: [_shape(text) for text in texts] or None,
    help="Shape of one sample of a layer's input: 8,8,3. Repeat it for each further input.",
)
@click.option(
    "--mask",
    type=IntRange(min=0),
    metavar="NUMBER",
    help="Number of a layer's input that is a mask of the time steps of input 0: 1.",
)
@options.json_option
@click.option("--debug", is_flag=True, help="Show the traceback of a plugin's exception.")
def check(
    name: str, as_json: bool, debug: bool, values: dict[str, Any] | None, **choices: Any
) -> None:
    """Check that a plugin conforms to its protocol.

    NAME is a type, distribution:type, or a distribution. It is checked on these options, or on the
    class's `examples`; without both, on inputs that many types accept.
    """
    from tinynet.commands.plugins.conformance import check_plugin
    from tinynet.testing import NotCheckableError

    try:
        reports = check_plugin(name, options=values, **choices)
    except NotCheckableError as error:
        words = [name, *(["--group", choices["group"]] if choices["group"] else [])]
        for shape in choices["in_shapes"] or ():
            words += ["--in-shape", ",".join(map(str, shape))]
        if choices["mask"] is not None:
            words += ["--mask", str(choices["mask"])]
        raise click.UsageError(_with_command(error, words)) from error
    if as_json:
        passed = all(report.passed for report in reports)
        print_json({"passed": passed, "types": [report.to_json() for report in reports]})
    else:
        for number, report in enumerate(reports):
            if number:
                echo()
            _print_report(report, debug)
    if not all(report.passed for report in reports):
        raise click.exceptions.Exit(PLUGIN)


def _print_report(report: "TypeReport", debug: bool) -> None:
    entry = report.entry
    echo(f"{entry.qualified} ({entry.group}), version {entry.version}")
    if report.problem:
        echo(f"  not checked: {report.problem}", multiline=True)
    for case, verdicts in report.cases:
        echo(case)
        _print_verdicts(verdicts, debug)
    if report.output:
        _print_output("printed by the plugin", report)
    if report.problem:
        return
    failed = sum(verdict.finding is not None for verdict in report.verdicts)
    state = f"{failed} failed" if failed else "all passed"
    echo(f"{len(report.verdicts)} checks, {state}")


def _print_verdicts(verdicts: "tuple[Verdict, ...]", debug: bool) -> None:
    width = terminal_width()
    fits = width if result_is_terminal() else sys.maxsize  # a pipe gets whole lines
    wrapper = textwrap.TextWrapper(width, break_long_words=False, break_on_hyphens=False)
    wrapper.initial_indent = wrapper.subsequent_indent = " " * 8
    longest = max(len(verdict.check.name) for verdict in verdicts)
    first: dict[str, str] = {}
    for verdict in verdicts:
        name, finding = verdict.check.name, verdict.finding
        mark = "ok  " if finding is None else "FAIL"
        line = f"  {mark}  {name.ljust(longest)}  {verdict.check.description}"
        echo(line if len(line) <= fits else f"{line[: width - 4]} ...")
        if finding is not None:
            # A fault that fails many checks is explained once.
            earlier = first.setdefault(finding, name)
            is_new = earlier == name
            text = printable(finding, multiline=True) if is_new else f"the same as {earlier}"
            echo(wrapper.fill(text), multiline=True)
            if debug and is_new and verdict.traceback:
                echo(textwrap.indent(verdict.traceback, " " * 8).rstrip(), multiline=True)


def _with_command(error: "NotCheckableError", words: list[str]) -> str:
    """Return the message, and a command line with the right options."""
    if error.corrected is None:
        return str(error)
    present = [f"{json.dumps(name)}: {json.dumps(v)}" for name, v in error.corrected.items()]
    missing = [f"{json.dumps(name)}: ..." for name in error.missing]
    options = shlex.quote(f"{{{', '.join([*present, *missing])}}}")
    return f"{error}\n  tinynet plugins check {shlex.join(words)} --options {options}"


def _shape(text: str) -> tuple[int, ...]:
    sizes = text.split(",") if text else []
    if not all(_SIZE.fullmatch(size.strip()) for size in sizes):
        raise click.BadParameter(
            f"{text[:40]!r} is not a shape; write it as 8,8,3 (and as '' for a single number)"
        )
    return tuple(map(int, sizes))


def _facts(one: "Listed") -> tuple[str, str, str, str]:
    entry = one.entry
    name = f"{entry.name} (ambiguous)" if one.ambiguous else entry.name
    return entry.group, name, entry.distribution, entry.version


def _where(one: "Listed") -> str:
    return f"{one.where} (editable)" if one.editable else one.where
