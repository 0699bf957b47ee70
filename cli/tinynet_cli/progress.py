"""What a person sees while a network trains: a bar on a terminal, a line an epoch elsewhere."""

import time
from collections import deque

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from tinynet.events import EpochDone, Evaluating, RunEvent, Saved, Started, StepDone, Warned

_WINDOW = 50
"""Steps over which samples/s and the loss that is shown are averaged."""


class Display:
    """Shows the events of a run on stderr. Use it as a context manager."""

    def __init__(self, *, quiet: bool) -> None:
        """Make the display.

        Args:
            quiet: Show warnings only.
        """
        self.saved: Saved | None = None
        self.started: Started | None = None
        self._quiet = quiet
        console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(bar_width=24),
            TextColumn("{task.completed}/{task.total} steps"),
            TextColumn("loss {task.fields[loss]}"),
            TextColumn("{task.fields[speed]} samples/s"),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
            console=console,
            transient=True,
            disable=quiet or not console.is_terminal,
        )
        self._task: TaskID | None = None
        self._recent: deque[tuple[float, int, float]] = deque(maxlen=_WINDOW)
        self._epochs = 0

    def __enter__(self) -> "Display":
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def __call__(self, event: RunEvent) -> None:
        """Show an event."""
        if isinstance(event, Warned):
            self._say(f"warning: {event.message}")
        elif isinstance(event, Saved):
            self.saved = event
        elif self._quiet:
            self.started = event if isinstance(event, Started) else self.started
        elif isinstance(event, Started):
            self._start(event)
        elif isinstance(event, StepDone):
            self._step(event)
        elif isinstance(event, EpochDone):
            self._epoch(event)
        elif isinstance(event, Evaluating) and self._task is not None:
            self._recent.clear()

    def _say(self, line: str) -> None:
        if self._bar.disable:
            click.echo(line, err=True)
        else:
            self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _start(self, event: Started) -> None:
        self.started = event
        self._epochs = -(-event.total_steps // event.steps_per_epoch)
        verb = f"{event.path}: going on at step {event.step}" if event.step else f"{event.path}"
        self._say(f"{verb} ({event.total_steps:,} steps, {self._epochs:,} epochs)")
        first = event.step // event.steps_per_epoch + 1
        self._task = self._bar.add_task(
            "train",
            total=event.total_steps,
            completed=event.step,
            epoch=f"{min(first, self._epochs)}/{self._epochs}",
            loss="-",
            speed="-",
        )

    def _step(self, event: StepDone) -> None:
        assert self._task is not None
        self._recent.append((time.monotonic(), event.samples, event.loss))
        loss = sum(loss for _, _, loss in self._recent) / len(self._recent)
        self._bar.update(
            self._task,
            completed=event.step,
            epoch=f"{event.epoch}/{self._epochs}",
            loss=f"{loss:.4f}",
            speed=self._speed(),
        )

    def _speed(self) -> str:
        (first, _, _), (last, _, _) = self._recent[0], self._recent[-1]
        samples = sum(samples for _, samples, _ in list(self._recent)[1:])
        return f"{samples / (last - first):,.0f}" if last > first else "-"

    def _epoch(self, event: EpochDone) -> None:
        figures = {n: v for n, v in event.figures.items() if n != "learning_rate"}
        shown = "  ".join(f"{name} {value:.4f}" for name, value in figures.items())
        best = "  (best)" if event.improved else ""
        speed = f"  {self._speed()} samples/s" if len(self._recent) > 1 else ""
        self._say(f"epoch {event.epoch}/{self._epochs}  {shown}{speed}{best}")
