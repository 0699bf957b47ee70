"""The observer that shows the progress of training."""

from collections import deque
from collections.abc import Callable
from time import monotonic

from tinynet.progress.notebook import NotebookSurface, in_notebook
from tinynet.progress.sentences import best_text, early_text, stopped_text
from tinynet.progress.speed import WINDOW, Speed
from tinynet.progress.surface import Position, Row, Surface
from tinynet.progress.text import TextSurface
from tinynet.text.printing import counted, short
from tinynet.text.shell import shell_path
from tinynet.training.events import (
    BestEvaluation,
    Ended,
    Evaluated,
    Evaluating,
    Profiled,
    RunEvent,
    Started,
    StepDone,
    StoppedEarly,
    Transferred,
    Warned,
)


class Display:
    """Shows the events of a run: on stderr, or in a notebook. Use it as a context manager.

    Attributes:
        started: True if the run started or resumed; False for a finished run.
    """

    def __init__(
        self,
        *,
        quiet: bool = False,
        surface: Surface | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Make the display.

        Args:
            quiet: Show only warnings, the source of a fine-tuned run, and a profile.
            surface: The place that shows them; by default the notebook or stderr.
            clock: Function that returns the time in seconds.
        """
        self.started = False
        self._quiet = quiet
        self._surface = _default_surface() if surface is None else surface
        self._length = (0, 0)  # steps, epochs
        self._by_step = False
        self._speed = Speed(clock)
        self._losses: deque[float] = deque(maxlen=WINDOW)
        self._shown_at = float("-inf")
        self._warnings: set[str] = set()
        self._early: BestEvaluation | None = None

    def __enter__(self) -> "Display":
        return self

    def __exit__(self, *exception: object) -> None:
        self._surface.close()

    def __call__(self, event: RunEvent) -> None:
        """Show an event."""
        now = self._speed.note(event)
        if isinstance(event, Warned):
            self._warn(event.message)
        elif isinstance(event, Transferred):
            self._transfer(event)
        elif isinstance(event, Profiled):
            self._profile(event)
        elif isinstance(event, Started):
            self.started = True
            if not self._quiet:
                self._start(event, now)
        elif self._quiet:
            return
        elif isinstance(event, StepDone):
            self._step(event, now)
        elif isinstance(event, Evaluating):
            if self.started and self._due(now):
                self._surface.evaluating(event.samples / event.total)
        elif isinstance(event, Evaluated):
            self._evaluated(event, now)
        elif isinstance(event, StoppedEarly):
            self._early = event.best
            self._surface.prose(early_text(event, by_step=self._by_step))
        elif isinstance(event, Ended):
            self._end(event)

    def _warn(self, message: str) -> None:
        """Show a warning, unless earlier ones had all its lines.

        A resumed run warns of changed data, and so does the evaluation of its best checkpoint.
        """
        lines = {line.strip() for line in message.splitlines()}
        if not lines <= self._warnings:
            self._surface.message(f"warning: {message}")
        self._warnings |= lines

    def _transfer(self, event: Transferred) -> None:
        """Show which tensors were taken over, even with ``quiet``."""
        self._surface.message(f"from {short(event.source)}: {event.summary}")
        for line in () if self._quiet else event.lines:
            self._surface.message(line)

    def _profile(self, event: Profiled) -> None:
        """Show the table, even with ``quiet``: it was asked for."""
        for line in event.profile.lines(self._surface.width):
            self._surface.message(line)
        if event.path is None or event.trace is None:
            return
        self._surface.prose(
            f"trace: {short(event.trace)} (open it in https://ui.perfetto.dev); the table again:"
            f" tinynet profile {shell_path(short(event.path.parent))}"
        )

    def _start(self, event: Started, now: float) -> None:
        self._by_step = event.evaluates_by_step
        epochs = -(-max(event.total_steps, event.step) // event.steps_per_epoch)
        self._length = event.total_steps, epochs
        place = f": resuming at step {event.step:,}" if event.step else ""
        length = f"{counted(event.total_steps, 'step')}, {counted(epochs, 'epoch')}"
        self._surface.prose(f"{short(event.path)}{place} ({length})")
        if event.sizes is not None:
            self._surface.prose(f"data: {event.sizes}")
        if event.processes is not None:
            self._surface.prose(str(event.processes))
        self._surface.start(event.step, event.total_steps)
        # A pipe gets the first position after a while, a terminal that of the first step.
        self._shown_at = now if self._surface.interval > 1 else float("-inf")

    def _due(self, now: float) -> bool:
        """Return True, and note the time, if the surface may be updated again."""
        due = now - self._shown_at >= self._surface.interval
        if due:
            self._shown_at = now
        return due

    def _step(self, event: StepDone, now: float) -> None:
        self._losses.append(event.loss)
        if self._due(now):
            loss = sum(self._losses) / len(self._losses)
            position = Position(event.step, self._epoch_of(event), loss, self._speed.recent)
            self._surface.position(position)

    def _evaluated(self, event: Evaluated, now: float) -> None:
        figures = {n: v for n, v in event.figures.items() if n != "learning_rate"}
        unit = "step" if self._by_step else "epoch"
        label = str(event.step) if self._by_step else self._epoch_of(event)
        speed = self._speed.take_epoch()
        self._surface.evaluated(Row(unit, label, figures, speed, event.improved))
        if self._surface.interval > 1:
            self._shown_at = now

    def _end(self, event: Ended) -> None:
        if event.stop_reason == "observer":
            self._surface.prose(stopped_text(event))
        if event.best is not None and event.best != self._early:
            text = best_text(event.best, event.best_path, self._length, by_step=self._by_step)
            self._surface.prose(text)

    def _epoch_of(self, event: StepDone | Evaluated) -> str:
        return f"{event.epoch}/{self._length[1]}"


def _default_surface() -> Surface:
    return NotebookSurface() if in_notebook() else TextSurface()
