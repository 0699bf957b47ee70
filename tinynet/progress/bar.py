"""The progress bar of a terminal: epoch, loss, time left, last figure and samples/s."""

from collections.abc import Iterable
from typing import TextIO, cast

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from tinynet.progress.stream import ProgressStream
from tinynet.progress.surface import Position
from tinynet.text.duration import duration
from tinynet.text.printing import figure, message_text, printable

_SHORTEST_BAR = 8
"""Columns of the bar on a narrow terminal."""

_TIME = len("0:00:00 left")

_BY_IMPORTANCE = ("epoch", "loss", "time", "figure", "speed")
"""Fields beside the bar; a narrow terminal leaves out the last ones."""


class Bar:
    """One line at the bottom of the terminal; what is printed goes above it."""

    def __init__(self, stream: ProgressStream) -> None:
        console = Console(file=cast(TextIO, stream))
        self._progress = _Fitting(console=console, transient=True, expand=True)
        self._task: TaskID | None = None

    def start(self, step: int, total_steps: int) -> None:
        """Draw the bar."""
        self._task = self._progress.add_task(
            "train",
            total=total_steps,
            completed=step,
            epoch="epoch -",
            loss="",
            figure="",
            speed="",
        )
        self._progress.start()

    def step(self, position: Position) -> None:
        """Update the bar after a step."""
        assert self._task is not None
        self._progress.update(
            self._task,
            completed=position.step,
            epoch=f"epoch {position.epoch}",
            loss=f"loss {figure(position.loss)}",
            speed=f"{position.speed} samples/s",
        )

    def evaluating(self, share: float) -> None:
        """Show the share of the validation split that is evaluated, in place of the loss."""
        assert self._task is not None
        self._progress.update(self._task, loss=f"evaluating {share:4.0%}")

    def note(self, figure: str) -> None:
        """Show a figure of the last evaluation."""
        assert self._task is not None
        self._progress.update(self._task, figure=printable(figure))

    def print(self, line: str) -> None:
        """Print a line above the bar."""
        self._progress.console.print(
            message_text(line), markup=False, highlight=False, soft_wrap=True
        )

    def stop(self) -> None:
        """Remove the bar."""
        self._progress.stop()


class _Fitting(Progress):
    """A progress display that leaves out whole columns where the terminal is narrow."""

    def get_renderables(self) -> Iterable[RenderableType]:
        for task in self.tasks:
            self.columns = _columns(self.console.width, task.fields)
        yield self.make_tasks_table(self.tasks)


def _columns(width: int, fields: dict[str, str]) -> tuple[ProgressColumn, ...]:
    """Return the bar and those of the other columns that fit, in the order they are shown."""
    room = width - _SHORTEST_BAR
    shown = set()
    for name in _BY_IMPORTANCE:
        needed = _TIME if name == "time" else cell_len(fields[name])
        if needed + 1 > room:
            break
        shown.add(name)
        room -= needed + 1
    columns: list[ProgressColumn] = [BarColumn(bar_width=None)]
    if "epoch" in shown:
        columns.insert(0, _text("epoch"))
    columns += [_text(name) for name in ("loss", "figure", "speed") if name in shown]
    if "time" in shown:
        columns.append(TimeLeft())
    return tuple(columns)


class TimeLeft(TimeRemainingColumn):
    """The time left, as every command writes durations."""

    def render(self, task: Task) -> Text:
        """Return the text, in columns enough for the longest."""
        left = task.time_remaining
        text = "-" if left is None else duration(left)
        return Text(f"{text} left".rjust(_TIME), style="progress.remaining")


def _text(name: str) -> TextColumn:
    """Return a column of plain text; names of metrics may hold what rich reads as markup."""
    return TextColumn(f"{{task.fields[{name}]}}", markup=False)
