"""The progress bar of a terminal: epoch, loss, accuracy, samples/s and the time left."""

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from tinynet_cli.output import message_text, printable


class Bar:
    """One line at the bottom of the terminal; what is printed goes above it."""

    def __init__(self) -> None:
        self._progress = Progress(
            _text("epoch {task.fields[epoch]}"),
            BarColumn(bar_width=None),
            _text("loss {task.fields[loss]}"),
            _text("{task.fields[figure]}"),
            _text("{task.fields[speed]} samples/s"),
            TimeRemainingColumn(compact=True),
            _text("left"),
            console=Console(stderr=True),
            transient=True,
            expand=True,
        )
        self._task: TaskID | None = None

    def start(self, step: int, total_steps: int) -> None:
        """Draw the bar."""
        self._task = self._progress.add_task(
            "train", total=total_steps, completed=step, epoch="-", loss="-", figure="", speed="-"
        )
        self._progress.start()

    def step(self, step: int, epoch: str, loss: float, speed: str) -> None:
        """Show that a step was made."""
        assert self._task is not None
        self._progress.update(
            self._task, completed=step, epoch=epoch, loss=f"{loss:.4f}", speed=speed
        )

    def note(self, figure: str) -> None:
        """Show what the last evaluation gave."""
        assert self._task is not None
        self._progress.update(self._task, figure=printable(figure))

    def print(self, line: str) -> None:
        """Print a line above the bar."""
        self._progress.console.print(
            message_text(line), markup=False, highlight=False, soft_wrap=True
        )

    def stop(self) -> None:
        """Take the bar away."""
        self._progress.stop()


def _text(template: str) -> TextColumn:
    """Return a column of plain text; names of metrics may hold what rich reads as markup."""
    return TextColumn(template, markup=False)
