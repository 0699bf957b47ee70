"""The state of watched runs as lines of text."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tinynet.commands.watch.curves import Characters, bar, curve
from tinynet.commands.watch.following import Watched
from tinynet.commands.watch.timing import ago, clock, elapsed, time_left
from tinynet.progress.blocks import Evaluations, evaluations
from tinynet.run.ending_text import ending_text, resume_text, unfinished
from tinynet.run.record import RunRecord
from tinynet.text.duration import duration
from tinynet.text.printing import counted, cut_middle, figure, filled, printable, short

_OWN = ("step", "epoch", "wall", "learning_rate")
"""Entries of a line of the log that are not figures of the table."""

_HEAD = ("run", "state", "epoch", "step", "last loss", "best", "updated")
"""The columns of several runs."""

_NARROWEST = 12
"""Characters to which the names of runs may be shortened."""

_WIDEST_BAR, _WIDEST_CURVE = 60, 40

_MORE_LINES = 3
"""Lines below the table: the best evaluation, and the command that resumes the run."""


def run_view(
    state: Watched, now: datetime, width: int, height: int | None, using: Characters
) -> list[str]:
    """Return the view of one run.

    Args:
        state: Its state.
        now: The time.
        width: Columns of the terminal.
        height: Lines of the terminal; None for all evaluations.
        using: The characters of bars and curves.
    """
    record = state.record
    if record is None:
        return _fitted([f"{short(state.path)}: {state_text(state)}"], width)
    lines = _fitted(_facts(state, record, now, width), width)
    lines += _bar_lines(record, now, width, using)
    lines += _curves(record, width, using)
    lines += _table(record, width, None if height is None else height - len(lines) - _MORE_LINES)
    return lines + _fitted(closing(record), width)


def runs_view(
    states: Sequence[Watched], now: datetime, width: int, height: int | None, using: Characters
) -> list[str]:
    """Return the view of several runs: a row for each, those in training first if cut short."""
    lines, notes = _runs_table(states, now, width, using)
    hidden = 0 if height is None else max(len(lines) + len(notes) + 1 - height, 0)
    if not hidden:
        return lines + notes
    shown = max(len(states) - hidden - 1, 0)
    first = sorted(states, key=lambda state: not state.training)[:shown]
    lines, notes = _runs_table(first, now, width, using)
    return [*lines, f"... and {len(states) - shown} more", *notes]


def state_text(state: Watched) -> str:
    """Return the state in words: ``training``, ``finished (early stopping)``."""
    record = state.record
    if record is None:
        return "training starts" if state.training else f"error: {first_line(state.error)}"
    if record.stop_reason == "early_stopping":
        return "finished (early stopping)"
    return record.state


def first_line(error: Exception | None) -> str:
    """Return the first line of an error's message."""
    return str(error).partition("\n")[0]


def figures_of(line: dict[str, Any]) -> dict[str, float]:
    """Return the figures of a line of the log; NaN for one that was not finite."""
    return {n: float("nan") if v is None else v for n, v in line.items() if n not in _OWN}


def epoch_label(record: RunRecord, epoch: int) -> str:
    """Return an epoch, of all if their number is known: ``3/20``."""
    return f"{epoch}/{record.epochs}" if record.epochs is not None else str(epoch)


def position_text(record: RunRecord) -> str:
    """Return the position of a run: ``epoch 3 of 20, step 129 of 860``."""
    epochs = f" of {record.epochs}" if record.epochs is not None else ""
    steps = f" of {record.total_steps:,}" if record.total_steps is not None else ""
    return f"epoch {record.epoch}{epochs}, step {record.step:,}{steps}"


def closing(record: RunRecord) -> list[str]:
    """Return the best evaluation and, for a run that is not finished, its end and the remedy."""
    lines = []
    best = record.best
    if best is not None:
        epochs = f" of {record.epochs}" if record.epochs is not None else ""
        metric = f"{printable(best.metric)} {figure(best.value)}"
        lines.append(f"Best epoch {best.epoch}{epochs}: {metric} at step {best.step:,}")
    if record.test:
        figures = (f"{printable(name)} {figure(value)}" for name, value in record.test.items())
        lines.append(f"Test: {', '.join(figures)}")
    if unfinished(record):
        lines.append(
            f"{ending_text(record)}. {resume_text(record.state, record.sections, record.path)}"
        )
    return lines


def _facts(state: Watched, record: RunRecord, now: datetime, width: int) -> list[str]:
    name = cut_middle(printable(short(state.path)), max(width - 1, _NARROWEST))
    parts = [f"{name}: {state_text(state)}", position_text(record)]
    return [", ".join([*parts, f"updated {ago(record, now)}"])]


def _bar_lines(record: RunRecord, now: datetime, width: int, using: Characters) -> list[str]:
    times = duration(elapsed(record, now)) if record.timed else "-"
    left = time_left(record, now)
    if left is not None:
        times += f", about {duration(left)} left"
    if not record.total_steps or record.state != "training":
        return [f"time {times}"]
    share = record.step / record.total_steps
    text = f" {share:4.0%}, {times}"
    return [bar(share, min(max(width - len(text), 8), _WIDEST_BAR), using) + text]


def _curves(record: RunRecord, width: int, using: Characters) -> list[str]:
    """Return a curve for each loss of the evaluations; of single steps if there is only one."""
    losses: dict[str, list[float | None]] = {
        name: [line.get(name) for line in record.history]
        for name in ("train/loss", "val/loss")
        if any(name in line for line in record.history)
    }
    if len(record.history) < 2 and record.steps:
        losses = {"loss": [line.get("loss") for line in record.steps]}
    lines = []
    for name, values in losses.items():
        end = f"  {_figure(values[-1])}"
        room = min(width - 12 - len(end), _WIDEST_CURVE)
        lines.append(f"{name:<12}{curve(values, room, using)}{end}")
    return lines


def _table(record: RunRecord, width: int, height: int | None) -> list[str]:
    """Return the table of the last evaluations that fit."""
    if not record.history:
        return []
    names = list(figures_of(record.history[-1]))
    table = evaluations(_unit(record), names, width, last="time")
    lines = [*table.head]
    rows = [*zip(record.history, clock(record.history), strict=True)]
    if height is not None:
        each = len(table_row(table, record, *rows[-1]))
        rows = rows[-max((height - len(lines)) // each, 1) :]
    for line, seconds in rows:
        best = record.best is not None and record.best.step == line["step"]
        lines += table_row(table, record, line, seconds, best=best)
    return lines


def table_row(
    table: Evaluations,
    record: RunRecord,
    line: dict[str, Any],
    seconds: float,
    *,
    best: bool = False,
) -> list[str]:
    """Return the row of an evaluation after some seconds of training."""
    label = epoch_label(record, line["epoch"])
    if _unit(record) == "step":
        label = str(line["step"])
    return table.row(label, figures_of(line), duration(seconds), improved=best)


def run_table(record: RunRecord, line: dict[str, Any], width: int | None) -> Evaluations:
    """Return the table of a run, with the columns of an evaluation."""
    return evaluations(_unit(record), list(figures_of(line)), width, last="time")


def _figure(value: float | None) -> str:
    return "nan" if value is None else figure(value)


def _unit(record: RunRecord) -> str:
    training: Any = record.spec.get("training")
    by_step = isinstance(training, dict) and training.get("evaluate_every_steps") is not None
    return "step" if by_step else "epoch"


def _row(state: Watched, now: datetime, using: Characters) -> list[str]:
    record, name = state.record, printable(short(state.path))
    if record is None:
        return [name, printable(state_text(state)), "", "", "", "", ""]
    total = record.total_steps
    step = f"{record.step:,}" + (f" ({record.step / total:.0%})" if total else "")
    loss = ""
    if record.history:
        key = "val/loss" if "val/loss" in record.history[-1] else "train/loss"
        values = [line.get(key) for line in record.history]
        last = values[-1]
        loss = f"{curve(values, 10, using):<10} {_figure(last)}"
    best = record.best
    text = f"{printable(best.metric)} {figure(best.value)}" if best is not None else ""
    epoch = epoch_label(record, record.epoch)
    return [name, state_text(state), epoch, step, loss, text, ago(record, now)]


def _runs_table(
    states: Sequence[Watched], now: datetime, width: int, using: Characters
) -> tuple[list[str], list[str]]:
    """Return the table of several runs, and a sentence about columns that do not fit."""
    rows = [_row(state, now, using) for state in states]
    lines, left_out = _columns(_HEAD, rows, width)
    if not left_out:
        return lines, []
    note = f"{counted(len(left_out), 'column')} left out at this width: {', '.join(left_out)}"
    return lines, _fitted([note], width)


def _columns(
    head: Sequence[str], rows: Sequence[Sequence[str]], width: int
) -> tuple[list[str], Sequence[str]]:
    """Return a table and the columns left out: the last ones, as many as do not fit."""
    states = max(width // 2, _NARROWEST)
    table = [[row[0], cut_middle(row[1], states), *row[2:]] for row in (head, *rows)]
    # Long names are shortened, so that the state and the position are beside them.
    needed = sum(max(len(row[index]) for row in table) + 2 for index in (1, 2))
    names = max(width - needed, _NARROWEST)
    table = [[cut_middle(row[0], names), *row[1:]] for row in table]
    widths = [max(len(row[index]) for row in table) for index in range(len(head))]
    shown = len(head)
    while shown > 2 and sum(widths[:shown]) + 2 * (shown - 1) > width:
        shown -= 1
    sized = [[cell.ljust(size) for cell, size in zip(row, widths, strict=True)] for row in table]
    lines = ["  ".join(row[:shown]).rstrip()[:width] for row in sized]
    return lines, head[shown:]


def _fitted(lines: Sequence[str], width: int) -> list[str]:
    return [part for line in lines for part in filled(line.split(" "), width, " ")]
