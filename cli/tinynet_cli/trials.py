"""The result of `tinynet tune`: the table of the best trials, importances, and what to do next."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tinynet.text.duration import duration
from tinynet.text.printing import short_labels
from tinynet_cli import streams
from tinynet_cli.output import echo, figure, filled, printable, short, terminal_width

if TYPE_CHECKING:
    from tinynet.commands.tune.results import StudyResult

SHOWN = 10
"""Trials in the table; the file has all."""

_BAR = 30
"""Columns of the bar of an importance of 1."""


def value_text(value: Any) -> str:
    """Return a value of a trial as short text."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def params_text(params: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """Return the values of a trial by their short names: ``learning_rate 0.01, width 16``."""
    return ", ".join(f"{printable(names[k])} {value_text(v)}" for k, v in params.items())


def seconds_text(seconds: float | None) -> str:
    """Return a time, or "" if it is unknown."""
    return "" if seconds is None else duration(seconds)


def print_study(result: "StudyResult") -> None:
    """Print the best trials, the importances, and the command that trains the best spec."""
    width = terminal_width() if streams.result_is_terminal() else None
    _print_trials(result, width)
    _print_importance(result, width)
    counts = dict.fromkeys(("finished", "pruned", "failed", "unfinished"), 0)
    for trial in result.trials:
        counts[trial.state] += 1
    states = ", ".join(f"{number} {state}" for state, number in counts.items() if number)
    echo(f"study: {short(result.folder)} ({states})")
    if result.best is not None:
        epoch = "" if result.best.epoch is None else f" at epoch {result.best.epoch}"
        value = figure(result.best.value or 0.0)
        echo(
            f"best: trial {result.best.number}, {printable(result.plan.metric)} {value}{epoch},"
            f" run {short(result.best.run)}"
        )
        echo(f"to train it: {result.train_command}")


def _print_trials(result: "StudyResult", width: int | None) -> None:
    """Print the first trials; values that do not fit beside the figures go below them."""
    names = short_labels(result.plan.params, least=1)
    shown = result.ranked[:SHOWN]
    head = ["trial", printable(result.plan.metric), "epoch", "time", "state"]
    rows = [
        [
            str(trial.number),
            "" if trial.value is None else figure(trial.value),
            "" if trial.epoch is None else str(trial.epoch),
            seconds_text(trial.seconds),
            trial.state,
        ]
        for trial in shown
    ]
    values = [[value_text(trial.params.get(path)) for path in names] for trial in shown]
    wide = [[*row, *cells] for row, cells in zip(rows, values, strict=True)]
    table = _columns([[*head, *map(printable, names.values())], *wide], left=4)
    if width is None or max(map(len, table)) <= width:
        lines = table
    else:
        lines = []
        for line, trial in zip(_columns([head, *rows], left=4), [None, *shown], strict=True):
            lines.append(line)
            if trial is not None:
                parts = [f"{printable(names[k])} {value_text(v)}" for k, v in trial.params.items()]
                lines += [f"       {part.strip()}" for part in filled(parts, width - 7)]
    for line in lines:
        echo(line)
    if len(result.trials) > len(shown):
        from tinynet.commands.tune.study import StudyFolder

        more = len(result.trials) - len(shown)
        echo(f"and {more} more in {short(StudyFolder(result.folder).table)}")


def _columns(rows: Sequence[Sequence[str]], left: int) -> list[str]:
    """Return rows in columns to the right, the column ``left`` to the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(size) if place == left else cell.rjust(size)
            for place, (cell, size) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _print_importance(result: "StudyResult", width: int | None) -> None:
    if len(result.importance) < 2:
        return
    names = short_labels(result.plan.params, least=1)
    size = max(len(printable(names[path])) for path in result.importance)
    bar = max(0, min(_BAR, (width or 100) - size - 10))
    echo("importance:")
    for path, share in result.importance.items():
        blocks = "#" * round(share * bar)
        echo(f"  {printable(names[path]).ljust(size)}  {share:>4.0%}  {blocks}".rstrip())
    if result.plots:
        echo(f"  as a plot: {short(result.plots[0])}")


def as_data(result: "StudyResult") -> dict[str, Any]:
    """Return the result as plain data."""
    from tinynet.commands.tune.study import StudyFolder

    folder = StudyFolder(result.folder)
    return {
        "study": str(result.folder),
        "metric": result.plan.metric,
        "direction": "maximize" if result.plan.greater else "minimize",
        "best": None if result.best is None else asdict(result.best),
        "best_spec": None if result.best is None else str(folder.best),
        "tuned_spec": None if result.best is None or result.tuned is None else str(result.tuned),
        "train_command": None if result.best is None else result.train_command,
        "importance": result.importance,
        "trials": [asdict(trial) for trial in result.trials],
    }
