"""Sentences about the end of a run: its reason, its best evaluation, and the checkpoint of that."""

from pathlib import Path

from tinynet.text.printing import counted, figure
from tinynet.training.events import BestEvaluation, Ended, StoppedEarly


def early_text(event: StoppedEarly, *, by_step: bool) -> str:
    """Return why a run stopped early, which evaluation was best, and whether it is saved."""
    evaluations = counted(event.patience, "evaluation")
    text = f"Stopped early: {event.metric} has not improved for {evaluations}"
    best = event.best
    if best is None:
        return f"{text}; it never was a finite number"
    saved = "saved as the best checkpoint" if event.kept else _remedy(event.metric)
    place = f"best at step {best.step:,}" if by_step else f"best epoch {best.epoch}"
    return f"{text}; {place} ({figure(best.value)}), {saved}"


def stopped_text(event: Ended) -> str:
    """Return that an observer stopped the run, and its reason."""
    reason = " ".join(event.message.split())
    return f"Stopped by an observer at step {event.step:,}{': ' if reason else ''}{reason}"


def best_text(
    best: BestEvaluation, path: Path | None, length: tuple[int, int], *, by_step: bool
) -> str:
    """Return the best evaluation and its checkpoint.

    Args:
        best: The evaluation.
        path: The checkpoint; None if it is not kept.
        length: Steps and epochs of the run.
        by_step: True if evaluations come at every n-th step.
    """
    steps, epochs = length
    place = (
        f"Best evaluation at step {best.step:,} of {steps:,}"
        if by_step
        else f"Best epoch {best.epoch} of {epochs}"
    )
    saved = _remedy(best.metric) if path is None else f"saved as {path.parent.name}/{path.name}"
    return f"{place}: {best.metric} {figure(best.value)}, {saved}"


def _remedy(metric: str) -> str:
    return f'not saved: "keep_best": {{"metric": "{metric}"}} in "checkpoint" saves it'
