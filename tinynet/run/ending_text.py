"""The end of a run that is not finished, and the command that continues it, for people."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinynet.checkpoint.sections import Sections
from tinynet.run.roots import resume_command
from tinynet.text.printing import printable, short

if TYPE_CHECKING:
    from tinynet.run.record import RunRecord, RunState

_SMALLER = 10
"""The factor by which the learning rate of a run that diverged is reduced."""


def unfinished(record: "RunRecord") -> bool:
    """Return True if a run has ended before its end, so that it can be resumed."""
    return record.state in ("stopped", "diverged", "failed")


def ending_text(record: "RunRecord") -> str:
    """Return the end of an unfinished run: ``Diverged: the loss is not finite at step 12``."""
    message = printable(record.message.partition("\n")[0]).rstrip(". ")
    if record.state != "stopped":
        return f"{record.state.capitalize()}: {message}" if message else record.state.capitalize()
    if record.stop_reason == "observer":
        return f"Stopped by an observer: {message}" if message else "Stopped by an observer"
    return f"Stopped: {message}" if message else "Not finished"


def resume_text(state: "RunState", sections: Sections, path: Path) -> str:
    """Return the advice that resumes an unfinished run: ``Continue with: tinynet resume RUN``."""
    words = "with a smaller learning rate" if state == "diverged" else "with"
    return f"Continue {words}: {printable(resuming_command(state, sections, Path(short(path))))}"


def resuming_command(state: "RunState", sections: Sections, path: Path) -> str:
    """Return the command that resumes an unfinished run; it does not repeat a divergence.

    ``sections`` are those of its newest checkpoint.
    """
    command = resume_command(path, Path(sections.data.root), sections.spec)
    if state != "diverged":
        return command
    rate = _learning_rate(sections.spec)
    value = "VALUE" if rate is None else f"{rate / _SMALLER:.6g}"
    return f"{command} --set training.optimizer.learning_rate={value}"


def _learning_rate(spec: Mapping[str, Any]) -> float | None:
    value: Any = spec
    for key in ("training", "optimizer", "learning_rate"):
        value = value.get(key) if isinstance(value, Mapping) else None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if number and 0 < value < 1e300 else None
