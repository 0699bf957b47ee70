"""A warning about a run that ended without a last save."""

from contextlib import suppress

from tinynet import archive
from tinynet.checkpoint.sections import parse_sections
from tinynet.errors import CheckpointError
from tinynet.run.ending import read_ending
from tinynet.run.ending_text import resume_text
from tinynet.run.folder import RunFolder
from tinynet.run.lock import is_locked
from tinynet.run.record_log import last_step


def unsaved_steps(folder: RunFolder, used: int) -> str | None:
    """Return a warning if a run has trained further than its newest checkpoint, or None.

    Its log tells, or there is no checkpoint of a step after 0. That is so after a process was
    killed or failed. While a process trains the run, it is normal.

    Args:
        folder: The folder of the run.
        used: The step of the checkpoint that is used: the newest one, or the best.
    """
    with suppress(CheckpointError):
        logged, saved = last_step(folder.log), max(folder.steps(), default=-1)
        if saved < 0 or 0 < saved >= logged or is_locked(folder.lock):
            return None
        text = (
            "the network is as it was before training (step 0): the run ended before its next save"
        )
        if logged > saved:
            text = (
                f"step {used:,} is used, but the log goes up to step {logged:,}: the steps after"
                f" {saved:,} were not saved"
            )
        file, ending = folder.checkpoint(saved), read_ending(folder.path)
        diverged = ending is not None and ending.state == "diverged"
        newest = parse_sections(file, archive.read_outline(file).sections)
        return f"{text}. {resume_text('diverged' if diverged else 'stopped', newest, folder.path)}"
    return None
