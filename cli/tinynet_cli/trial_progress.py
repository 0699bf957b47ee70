"""The progress of `tinynet tune`: a line on stderr for each trial that ends."""

from pathlib import Path
from typing import TYPE_CHECKING

from tinynet.text.printing import short_labels
from tinynet_cli import streams
from tinynet_cli.output import echo, figure, filled, printable, short, terminal_width, warn
from tinynet_cli.trials import params_text, seconds_text

if TYPE_CHECKING:
    from tinynet.commands.tune.plan import Plan
    from tinynet.commands.tune.results import TrialResult
    from tinynet.commands.tune.search import TuneEvent

_ERASE = "\r\x1b[2K"
"""Erase the line of a terminal."""


class TrialProgress:
    """Lines for the trials that have ended; below them, on a terminal, those that are running."""

    def __init__(self, plan: "Plan", folder: Path, *, quiet: bool) -> None:
        from tinynet.progress.stream import ProgressStream

        self._plan = plan
        self._folder = folder
        self._quiet = quiet
        self._names = short_labels(plan.params, least=1)
        self._redraws = not quiet and ProgressStream().interactive
        self._running: dict[int, str] = {}

    def begin(self, *, resumed: bool) -> None:
        """Print what is searched for."""
        if self._quiet:
            return
        plan = self._plan
        goal = "greatest" if plan.greater else "smallest"
        start = "resumed: " if resumed else ""
        trials = "1 trial" if plan.trials == 1 else f"{plan.trials:,} trials"
        text = f"{start}{trials} for the {goal} {printable(plan.metric)} in {short(self._folder)}"
        echo(text, err=True)

    def __enter__(self) -> "TrialProgress":
        return self

    def __exit__(self, *error: object) -> None:
        self._running.clear()
        self._draw()

    def __call__(self, event: "TuneEvent") -> None:
        """Print an event."""
        from tinynet.commands.tune.search import TrialEnded, TrialEvaluated, TrialStarted
        from tinynet.training.events import Warned

        if self._redraws:
            streams.write_message(_ERASE)
        if isinstance(event, Warned):
            warn(event.message)
        elif self._quiet:
            return
        elif isinstance(event, TrialStarted):
            self._running[event.number] = ""
            if event.resumed:
                echo(f"trial {event.number} is resumed", err=True)
        elif isinstance(event, TrialEvaluated):
            self._running[event.number] = f" epoch {event.epoch}, {figure(event.value)}"
        elif isinstance(event, TrialEnded):
            self._running.pop(event.trial.number, None)
            self._print_ended(event.trial, event.done, improved=event.improved)
        self._draw()

    def _draw(self) -> None:
        if not self._redraws:
            return
        listed = ";  ".join(f"trial {number}{text}" for number, text in self._running.items())
        text = f"running: {listed}" if listed else ""
        streams.write_message(_ERASE + text[: terminal_width() - 1])

    def _print_ended(self, trial: "TrialResult", done: int, *, improved: bool) -> None:
        total = str(self._plan.trials)
        parts = [f"{done:>{len(total)}}/{total}  trial {trial.number}"]
        if trial.value is not None:
            parts.append(f"{printable(self._plan.metric)} {figure(trial.value)}")
        if improved:
            parts.append("best")
        if trial.state != "finished":
            after = f" after epoch {trial.epochs}" if trial.epochs else ""
            parts.append(f"{trial.state}{after}")
        parts += filter(None, [seconds_text(trial.seconds), params_text(trial.params, self._names)])
        if trial.error:
            parts.append(printable(trial.error))
        for line in filled(parts, terminal_width()):
            echo(line, err=True)
