"""Training progress: a row for each epoch, plus a progress bar on a terminal."""

import sys
import time
from collections import deque
from typing import TYPE_CHECKING

from tinynet.training.events import (
    Evaluated,
    RunEvent,
    Started,
    StepDone,
    StoppedEarly,
    Transferred,
    Warned,
)
from tinynet_cli.evaluations import EvaluationTable
from tinynet_cli.output import echo_message, figure, filled, short, terminal_width

if TYPE_CHECKING:
    from tinynet_cli.bar import Bar

_WINDOW = 50
"""Steps over which the samples/s and the loss of the bar are averaged."""


class Display:
    """Shows the events of a run on stderr. Use it as a context manager.

    Attributes:
        started: True if the run started or resumed; False for a finished run.
    """

    def __init__(self, *, quiet: bool) -> None:
        """Make the display.

        Args:
            quiet: Show only warnings, and the source of a fine-tuned run.
        """
        self.started = False
        self._quiet = quiet
        self._bar = None if quiet else _bar()
        self._table: EvaluationTable | None = None
        self._epochs = 0
        self._by_step = False
        self._speed = _Speed()
        self._losses: deque[float] = deque(maxlen=_WINDOW)
        self._warnings: set[str] = set()

    def __enter__(self) -> "Display":
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, event: RunEvent) -> None:
        """Show an event."""
        self._speed.note(event)
        if isinstance(event, Warned):
            self._warn(event.message)
        elif isinstance(event, Transferred):
            self._transfer(event)
        elif isinstance(event, Started):
            self.started = True
            if not self._quiet:
                self._start(event)
        elif isinstance(event, StepDone) and self._bar is not None:
            self._losses.append(event.loss)
            loss = sum(self._losses) / len(self._losses)
            self._bar.step(event.step, self._epoch_of(event), loss, self._speed.recent)
        elif isinstance(event, Evaluated) and not self._quiet:
            self._evaluated(event)
        elif isinstance(event, StoppedEarly) and not self._quiet:
            self._prose(_reason(event, by_step=self._by_step))

    def _warn(self, message: str) -> None:
        """Print a warning, unless earlier ones had all its lines.

        A resumed run warns of changed data, and so does the evaluation of its best checkpoint.
        """
        lines = {line.strip() for line in message.splitlines()}
        if not lines <= self._warnings:
            self._say(f"warning: {message}")
        self._warnings |= lines

    def _say(self, line: str) -> None:
        if self._bar is not None:
            self._bar.print(line)
        else:
            echo_message(line)

    def _say_all(self, lines: list[str]) -> None:
        for line in lines:
            self._say(line)

    def _prose(self, text: str) -> None:
        """Print a sentence, wrapped between words on a terminal."""
        for line in filled(text.split(), terminal_width() if self._bar else None, " "):
            self._say(line)

    def _transfer(self, event: Transferred) -> None:
        """Print which tensors were taken over, even with ``--quiet``."""
        self._say(f"from {short(event.source)}: {event.summary}")
        for line in () if self._quiet else event.lines:
            self._say(line)

    def _start(self, event: Started) -> None:
        self._by_step = event.evaluates_by_step
        self._epochs = -(-max(event.total_steps, event.step) // event.steps_per_epoch)
        place = f": resuming at step {event.step:,}" if event.step else ""
        length = f"{_count(event.total_steps, 'step')}, {_count(self._epochs, 'epoch')}"
        self._prose(f"{short(event.path)}{place} ({length})")
        if event.sizes is not None:
            self._prose(f"data: {event.sizes}")
        if self._bar is not None:
            self._bar.start(event.step, event.total_steps)

    def _evaluated(self, event: Evaluated) -> None:
        figures = {n: v for n, v in event.figures.items() if n != "learning_rate"}
        if self._table is None:
            width = terminal_width() if self._bar else None
            unit = "step" if self._by_step else "epoch"
            self._table = EvaluationTable(unit, list(figures), width)
            self._say_all(self._table.head)
        label = str(event.step) if self._by_step else self._epoch_of(event)
        speed = self._speed.take_epoch()
        self._say_all(self._table.row(label, figures, speed, improved=event.improved))
        if self._bar is not None:
            name = list(figures)[-1]
            self._bar.note(f"{name} {figure(figures[name])}")

    def _epoch_of(self, event: StepDone | Evaluated) -> str:
        return f"{event.epoch}/{self._epochs}"


def _reason(event: StoppedEarly, *, by_step: bool) -> str:
    """Return why a run stopped early, which evaluation was best, and whether it is saved."""
    evaluations = _count(event.patience, "evaluation")
    text = f"Stopped early: {event.metric} has not improved for {evaluations}"
    best = event.best
    if best is None:
        return f"{text}; it never was a finite number"
    saved = (
        "saved as the best checkpoint"
        if event.kept
        else f'not saved: "keep_best": {{"metric": "{event.metric}"}} in "checkpoint" saves it'
    )
    place = f"best at step {best.step:,}" if by_step else f"best epoch {best.epoch}"
    return f"{text}; {place} ({figure(best.value)}), {saved}"


def _count(number: int, word: str) -> str:
    """Return a number and its word: ``1 epoch``, ``1,200 steps``."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _bar() -> "Bar | None":
    if sys.stderr is None or not sys.stderr.isatty():  # None where a shell closed it
        return None
    from tinynet_cli.bar import Bar

    return Bar()


class _Speed:
    """Training speed in samples per second, without the time of evaluating and saving."""

    def __init__(self) -> None:
        self._last = time.monotonic()
        self._steps: deque[tuple[int, float]] = deque(maxlen=_WINDOW)
        self._samples, self._seconds = 0, 0.0

    def note(self, event: RunEvent) -> None:
        now = time.monotonic()
        if isinstance(event, StepDone):
            self._steps.append((event.samples, now - self._last))
            self._samples += event.samples
            self._seconds += now - self._last
        self._last = now

    @property
    def recent(self) -> str:
        samples, seconds = map(sum, zip(*self._steps, strict=True))
        return _rate(samples, seconds)

    def take_epoch(self) -> str:
        """Return the speed since the last call."""
        rate = _rate(self._samples, self._seconds)
        self._samples, self._seconds = 0, 0.0
        return rate


def _rate(samples: float, seconds: float) -> str:
    return f"{samples / seconds:,.0f}" if seconds > 0 else "-"
