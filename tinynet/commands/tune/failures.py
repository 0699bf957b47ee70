"""The errors of trials: those of their values fail a trial, all others stop the study.

A full disk or missing data would fail every trial that is left, and none of them would be tried
again.
"""

from pathlib import Path

from tinynet import errors
from tinynet.errors import TinynetError
from tinynet.text.shell import shell_path

OUT_OF_MEMORY = "MemoryError"
"""The name for a lack of memory in messages of workers."""

_OF_VALUES = ("DivergedError", "SpecError", "ShapeError")

_OF_CHECKPOINT = (
    "CheckpointCorruptError",
    "CheckpointFormatError",
    "CheckpointLimitError",
    "CheckpointMismatchError",
    "CheckpointVersionError",
)

"""The errors of a trial's own checkpoints, without which it can be trained anew."""


def name_of(error: Exception) -> str:
    """Return the name of an error for messages of workers: the nearest class of `tinynet.errors`.

    Only such a name says whether the values of a trial are the cause.
    """
    if isinstance(error, MemoryError):
        return OUT_OF_MEMORY
    if isinstance(error, OSError):
        return "CheckpointIOError"
    names = (kind.__name__ for kind in type(error).__mro__ if kind.__name__ in errors.__all__)
    return next(names, "TinynetError")


def is_of_values(kind: str) -> bool:
    """Return True if an error is caused by the values of its trial alone."""
    return kind in _OF_VALUES


def stopping_error(kind: str, message: str, number: int, run: Path) -> TinynetError:
    """Return the error that stops the study; it has the exit code of the trial's error."""
    text = f"trial {number}: {message}"
    if kind in _OF_CHECKPOINT and run.exists():
        text += f"\n  to train the trial from its start, remove {shell_path(run)}"
    error: TinynetError = getattr(errors, kind, TinynetError)(text)
    return error


def with_remedy(error: TinynetError, remedy: str) -> TinynetError:
    """Return an error of the same exit code with one more line."""
    names = (kind for kind in type(error).__mro__ if kind.__name__ in errors.__all__)
    kind = next(names, TinynetError)
    made: TinynetError = kind(f"{error}\n  {remedy}")
    return made
