"""`tinynet tune`."""

from typing import TYPE_CHECKING, Any

import click

from tinynet_cli import completion, options
from tinynet_cli.commands import Command
from tinynet_cli.exit_codes import DIVERGED
from tinynet_cli.json_argument import require_unicode
from tinynet_cli.number_types import FloatRange, IntRange
from tinynet_cli.output import echo_message, print_json
from tinynet_cli.trial_progress import TrialProgress
from tinynet_cli.trials import as_data, print_study

if TYPE_CHECKING:
    from tinynet.spec.tuning_spec import ParamSpec


def _parse_params(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> "dict[str, ParamSpec]":
    if not values:
        return {}
    from tinynet.commands.tune.param_argument import parse_params
    from tinynet.errors import UsageError

    for value in values:
        require_unicode(value)
    try:
        return parse_params(values)
    except UsageError as error:
        raise click.BadParameter(str(error)) from error


@click.command(cls=Command)
@click.argument("spec", type=click.Path(), required=False, shell_complete=completion.specs)
@click.option(
    "--param",
    "params",
    multiple=True,
    metavar="PATH=KIND:...",
    callback=_parse_params,
    help="Value of the spec to vary: float:0:0.5, log:1e-4:1e-1, int:1:9:2, log-int:8:512, or"
    " choice:16,32.",
)
@click.option(
    "--trials", type=IntRange(min=1), help="Number of trials [default: 20; all of a grid]."
)
@click.option(
    "--jobs",
    type=IntRange(1, 256),
    help="Trials at the same time, each with its share of the cores [default: 1; as before if the"
    " study is resumed].",
)
@click.option(
    "--metric",
    metavar="NAME",
    help="Figure to improve [default: that of keep_best, else val/loss].",
)
@click.option(
    "--sampler",
    type=click.Choice(["tpe", "random", "grid"]),
    help="How values are chosen [default: tpe, which learns from earlier trials].",
)
@click.option(
    "--pruner",
    type=click.Choice(["median", "hyperband", "none"]),
    help="Rule that ends a bad trial early [default: median].",
)
@click.option(
    "--timeout",
    type=FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Start no further trial after this time.",
)
@click.option("--seed", type=IntRange(0, 2**63 - 1), help="Seed of the sampler [default: 0].")
@click.option(
    "--run",
    "run_dir",
    type=click.Path(),
    help="Folder of the study [default: runs/NAME-tune-001, ...].",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(),
    metavar="FILE",
    help="File of the best spec, besides best.json [default: SPEC-tuned.json beside a SPEC that"
    " reads files].",
)
@click.option("--resume", is_flag=True, help="With --run: resume the study if it exists.")
@click.option(
    "--allow-data-change",
    is_flag=True,
    help="Resume the study although its data have changed.",
)
@options.set_option
@options.data_root_option
@options.max_params_option
@options.kernels_option
@options.json_option
@options.quiet_option
@options.debug_option
def tune(
    spec: str | None,
    run_dir: str | None,
    resume: bool,
    timeout: float | None,
    max_params: int,
    kernels: str | None,
    overrides: dict[str, Any],
    data_root: str | None,
    allow_data_change: bool,
    as_json: bool,
    quiet: bool,
    **wishes: Any,
) -> None:
    """Search for the best values of SPEC: train many trials, and write the best spec.

    The values are those of --param, and of the section "tuning" of the spec. Each trial is a run
    in the study's folder. The search stops with Ctrl-C, or a kill, and
    `tinynet tune --run FOLDER --resume` continues it.
    """
    from tinynet.commands.tune.beginning import begin
    from tinynet.commands.tune.preparation import Wishes
    from tinynet.commands.tune.search import search

    folder, plan, resumed = begin(
        spec,
        run_dir,
        Wishes(**wishes),
        resume=resume,
        overrides=overrides,
        data_root=data_root,
        max_params=max_params,
        allow_data_change=allow_data_change,
    )
    settings = {"max_params": max_params, "kernels": kernels}
    with TrialProgress(plan, folder.path, quiet=quiet or as_json) as progress:
        progress.begin(resumed=resumed)
        result = search(
            folder,
            plan,
            progress,
            timeout=timeout,
            allow_data_change=allow_data_change,
            settings=settings,
        )
    if as_json:
        print_json(as_data(result))
    else:
        print_study(result)
    if result.best is None:
        reasons = dict.fromkeys(trial.error for trial in result.trials if trial.error)
        first = next(iter(reasons), "none was completed")
        echo_message(f"error: no trial has finished with a value; the first reason: {first}")
        raise click.exceptions.Exit(DIVERGED)
