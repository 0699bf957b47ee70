"""`tinynet train` and `tinynet resume`."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from tinynet.text.shell import shell_path
from tinynet_cli import options
from tinynet_cli.commands import Command
from tinynet_cli.fine_tuning import fine_tuning_options, print_plan, take_rules
from tinynet_cli.importing import uncollected
from tinynet_cli.launch import follows, silent_end
from tinynet_cli.output import counted, echo, print_figures, print_json, short

if TYPE_CHECKING:
    from tinynet.run.evaluation import Evaluation
    from tinynet.run.result import Run
    from tinynet_cli.progress import Display


@click.command(cls=Command)
@options.spec_argument
@click.option(
    "--run", "run_dir", type=click.Path(), help="Folder of the run [default: runs/NAME-001, ...]."
)
@click.option("--resume", is_flag=True, help="With --run: resume the run if it exists.")
@options.exact_option
@options.no_lock_option
@fine_tuning_options
@options.logger_option
@options.profile_options
@options.set_option
@options.data_root_option
@options.verify_data_option
@options.max_params_option
@options.threads_option
@options.kernels_option
@options.fleet_options
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

    Every run gets a new folder; an existing one is never overwritten. With --run DIR --resume the
    same command starts the run, or resumes it if it exists.

    With --from the run starts with the parameters of an earlier one, for fine-tuning. The plan is
    printed first; new, missing and reshaped tensors must be allowed by an option.
    """
    with uncollected():
        from tinynet.run import training_run
        from tinynet_cli.progress import Display

    options.take_profile(settings)
    start = take_rules(source, plan_only, settings)
    joins = follows(settings["fleet"])
    with silent_end(settings["fleet"]), Display(quiet=quiet or as_json) as display:
        if plan_only:
            if joins:
                return
            from tinynet.checkpoint.transfer import TransferRefusedError

            try:
                plan = training_run.plan_fine_tuning(spec, observer=display, **start, **settings)
            except TransferRefusedError as error:
                if error.path is not None:
                    print_plan(error.path, error.plan, as_json, error)
                raise
            print_plan(*plan, as_json)
            return
        going_on: dict[str, Any] = {"resume": resume, "exact": exact, "lock": lock}
        result = training_run.train(
            spec, run_dir, observer=display, keep_data=True, **going_on, **start, **settings
        )
    with silent_end(settings["fleet"]):
        test = _test(result, display, settings)
    if not joins:
        _report(result, test, display, as_json)


@click.command(cls=Command)
@options.run_argument
@click.option("--allow-data-change", is_flag=True, help="Resume although the data have changed.")
@click.option(
    "--allow-reset",
    is_flag=True,
    help="Allow changes that reset part of the state, such as a new optimizer.",
)
@options.exact_option
@options.no_lock_option
@options.logger_option
@options.profile_options
@options.set_option
@options.data_root_option
@options.verify_data_option
@options.max_params_option
@options.threads_option
@options.kernels_option
@options.fleet_options
@options.json_option
@options.quiet_option
@options.debug_option
def resume(run: str, as_json: bool, quiet: bool, **settings: Any) -> None:
    """Resume RUN from its newest intact checkpoint and finish training."""
    with uncollected():
        from tinynet.run import training_run
        from tinynet_cli.progress import Display

    options.take_profile(settings)
    with silent_end(settings["fleet"]), Display(quiet=quiet or as_json) as display:
        result = training_run.resume(run, observer=display, keep_data=True, **settings)
    with silent_end(settings["fleet"]):
        test = _test(result, display, settings)
    if not follows(settings["fleet"]):
        _report(result, test, display, as_json)


def _test(run: "Run", display: "Display", settings: dict[str, Any]) -> "Evaluation | None":
    """Return the figures of the test split, which all processes compute; None without one."""
    if not display.started and not follows(settings["fleet"]):
        echo(_finished(run), err=True)
    if not run.has_test:
        return None
    keys = ("data_root", "max_params", "threads", "kernels", "fleet", "fleet_timeout")
    return run.evaluate("test", observer=display, **{key: settings[key] for key in keys})


def _report(run: "Run", test: "Evaluation | None", display: "Display", as_json: bool) -> None:
    """Print the result: the figures, those of the test split included, and where the files are."""
    checkpoint = run.best or run.checkpoints[-1]
    if as_json:
        figures = {k: v for k, v in run.figures.items() if k != "learning_rate"}
        if test is not None:
            figures |= {f"test/{name}": value for name, value in test.metrics.items()}
        best = run.best_evaluation
        print_json(
            {
                "run": str(run.path),
                "checkpoint": str(checkpoint),
                "step": run.step,
                "epoch": run.epoch,
                "seconds": round(run.seconds, 3),
                "processes": run.processes,
                "finished": run.finished,
                "stop_reason": run.stop_reason,
                "best_evaluation": None if best is None else asdict(best),
                "metrics": figures,
            }
        )
        return
    if test is not None:
        print_figures(f"test ({counted(test.samples, 'sample')}):", test.metrics)
    echo(f"run: {short(run.path)}")
    echo(f"{'best' if run.best else 'last'} checkpoint: {short(checkpoint)}")


def _finished(run: "Run") -> str:
    """Return that a run has finished, and the command that trains it longer."""
    longer = {
        "epochs": f"training.epochs={2 * run.epoch}",
        "steps": f"training.steps={2 * run.step}",
        "early_stopping": f"training.early_stopping.patience={2 * (run.patience or 1)}",
    }
    path = short(run.path)
    assert run.stop_reason is not None
    command = f"tinynet resume {shell_path(path)} --set {longer[run.stop_reason]}"
    early = " by early stopping" if run.stop_reason == "early_stopping" else ""
    return f"{path} has already finished{early} (step {run.step:,}). To train longer: {command}"
