"""A warning about a run whose last steps are in its log, but in no checkpoint."""

from contextlib import suppress

from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.errors import CheckpointIOError
from tinynet.run.ending import read_ending
from tinynet.run.ending_text import resume_text
from tinynet.run.folder import RunFolder
from tinynet.run.lock import is_locked
from tinynet.run.record_log import last_step


def unsaved_steps(folder: RunFolder, used: Checkpoint) -> str | None:
    """Return a warning if the log of a run has steps after its newest checkpoint, or None.

    That is so after a process was killed or failed. While a process trains the run, it is normal.

    Args:
        folder: The folder of the run.
        used: The checkpoint of it that is used: the newest one, or the best.
    """
    with suppress(CheckpointIOError):
        logged, steps = last_step(folder.log), folder.steps()
        if not steps or logged <= steps[-1] or is_locked(folder.lock):
            return None
        ending = read_ending(folder.path)
        diverged = ending is not None and ending.state == "diverged"
        advice = resume_text("diverged" if diverged else "stopped", used.spec, folder.path)
        return (
            f"{folder.path}: step {used.progress.step:,} is used, but the log goes up to step"
            f" {logged:,}: the steps after {steps[-1]:,} were not saved. {advice}"
        )
    return None
