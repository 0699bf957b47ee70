"""`tinynet train` and `tinynet resume`."""

from typing import TYPE_CHECKING, Any

import click

from tinynet_cli import options
from tinynet_cli.commands import Command
from tinynet_cli.fine_tuning import fine_tuning_options, print_plan, take_rules
from tinynet_cli.output import echo, figures_line, print_json, short

if TYPE_CHECKING:
    from tinynet.run.run import Run
    from tinynet_cli.progress import Display


@click.command(cls=Command)
@click.argument("spec", type=click.Path())
@click.option(
    "--run", "run_dir", type=click.Path(), help="Folder of the run [default: runs/NAME-001, ...]."
)
@click.option("--resume", is_flag=True, help="With --run: go on with the run if there is one.")
@options.exact_option
@options.no_lock_option
@fine_tuning_options
@options.set_option
@options.data_root_option
@options.max_params_option
@options.threads_option
@options.kernels_option
@options.json_option
@options.quiet_option
@options.debug_option
def train(
    spec: str,
    run_dir: str | None,
    resume: bool,
    exact: bool,
    lock: bool,
    source: str | None,
    plan_only: bool,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> None:
    """Train the network that SPEC declares.

    A new run folder each time, never over an old one. With --run DIR --resume the same line starts
    a run and goes on with it, whichever applies.

    With --from the run starts with the parameters of an earlier one, for fine-tuning. The plan is
    printed first; whatever is new, left out or of another shape must be allowed.
    """
    from tinynet.run import run as runs
    from tinynet_cli.progress import Display

    start = take_rules(source, plan_only, settings)
    with Display(quiet=quiet or as_json) as display:
        if plan_only:
            print_plan(*runs.plan_fine_tuning(spec, observer=display, **start, **settings), as_json)
            return
        going_on: dict[str, Any] = {"resume": resume, "exact": exact, "lock": lock}
        result = runs.train(spec, run_dir, observer=display, **going_on, **start, **settings)
    _report(result, display, as_json, settings)


@click.command(cls=Command)
@click.argument("run", type=click.Path())
@click.option(
    "--allow-data-change", is_flag=True, help="Go on although the data have changed since."
)
@click.option(
    "--allow-reset",
    is_flag=True,
    help="Make changes that let some of the state start anew, as another optimizer does.",
)
@options.exact_option
@options.no_lock_option
@options.set_option
@options.data_root_option
@options.max_params_option
@options.threads_option
@options.kernels_option
@options.json_option
@options.quiet_option
@options.debug_option
def resume(run: str, as_json: bool, quiet: bool, **settings: Any) -> None:
    """Go on with RUN from its newest good checkpoint to the end its spec names."""
    from tinynet.run import run as runs
    from tinynet_cli.progress import Display

    with Display(quiet=quiet or as_json) as display:
        result = runs.resume(run, observer=display, **settings)
    _report(result, display, as_json, settings)


def _report(run: "Run", display: "Display", as_json: bool, settings: dict[str, Any]) -> None:
    """Say what came of it: the figures, the test split's included, and where the files are."""
    if not display.started:
        echo(
            f"{short(run.path)} was finished at step {run.step:,} already; nothing was done",
            err=True,
        )
    keys = ("data_root", "max_params", "threads", "kernels")
    test = run.evaluate("test", **{key: settings[key] for key in keys}) if run.has_test else None
    checkpoint = run.best or run.checkpoints[-1]
    if as_json:
        figures = {k: v for k, v in run.figures.items() if k != "learning_rate"}
        if test is not None:
            figures |= {f"test/{name}": value for name, value in test.metrics.items()}
        print_json(
            {
                "run": str(run.path),
                "checkpoint": str(checkpoint),
                "step": run.step,
                "epoch": run.epoch,
                "seconds": round(run.seconds, 3),
                "finished": run.finished,
                "metrics": figures,
            }
        )
        return
    if test is not None:
        echo(f"test ({test.samples:,} samples): {figures_line(test.metrics)}")
    echo(f"run: {short(run.path)}")
    echo(f"{'best' if run.best else 'last'} checkpoint: {short(checkpoint)}")
