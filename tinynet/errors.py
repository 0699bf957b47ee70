"""Everything tinynet raises on purpose: one tree, so that one ``except`` catches it.

A message says what is wrong, where, and what would be right. Nothing else (no ``KeyError``, no
``struct.error``) is meant to reach a user.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "CheckpointCorruptError",
    "CheckpointError",
    "CheckpointFormatError",
    "CheckpointIOError",
    "CheckpointLimitError",
    "CheckpointMismatchError",
    "CheckpointVersionError",
    "DataError",
    "DivergedError",
    "LocatedError",
    "PluginError",
    "Problem",
    "RunBusyError",
    "RunExistsError",
    "ShapeError",
    "SpecError",
    "TargetError",
    "TinynetError",
    "TransformError",
    "UsageError",
    "Use",
]


MAX_SHOWN_USES = 3
"""How many of the uses that brought a value to its place a message names."""


class TinynetError(Exception):
    """The root of the tree."""


@dataclass(frozen=True)
class Use:
    """A place that uses what is written elsewhere: in a block, or as a variable.

    Attributes:
        what: What is used there: ``block 'residual' used``, ``used as $width``.
        pointer: JSON pointer (RFC 6901) to the place.
        line: Its line in the text, counted from 1; None where there is no text.
        column: Its column in that line, in characters, counted from 1.
    """

    what: str
    pointer: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        place = self.pointer if self.line is None else f"{self.line}:{self.column}"
        return f"{self.what} at {place}"


@dataclass(frozen=True)
class Problem:
    """One mistake in a spec.

    Attributes:
        message: What is wrong and what would be right.
        pointer: JSON pointer (RFC 6901) to the offending value; empty for the whole document.
        line: Line of that value in the text, counted from 1; None where there is no text.
        column: Column of that value in its line, in characters, counted from 1.
        uses: Where the value is used, if it is part of a block or a variable; the nearest first.
        others: How many other uses of the same value have the same mistake.
    """

    message: str
    pointer: str = ""
    line: int | None = None
    column: int | None = None
    uses: tuple[Use, ...] = ()
    others: int = 0

    def __str__(self) -> str:
        place = f"{self.line}:{self.column}: " if self.line is not None else ""
        pointer = f"{self.pointer}: " if self.pointer else ""
        return f"{place}{pointer}{self.message}{self._used()}"

    @property
    def shown_uses(self) -> tuple[Use, ...]:
        """The nearest of its uses."""
        return self.uses[:MAX_SHOWN_USES]

    def _used(self) -> str:
        if not self.uses:
            return ""
        levels = len(self.uses) - MAX_SHOWN_USES
        more = f", and {levels} more level{'s' if levels > 1 else ''}" if levels > 0 else ""
        others = f", and {self.others:,} more" if self.others else ""
        return f" ({', '.join(map(str, self.shown_uses))}{more}{others})"


def _lines(problems: list[Problem], source: str | None) -> str:
    prefix = f"{source}:" if source else ""
    return "\n".join(
        f"{prefix}{'' if problem.line is not None or not source else ' '}{problem}"
        for problem in problems
    )


class UsageError(TinynetError, TypeError, ValueError):
    """A function was called with arguments that it does not have, or cannot use."""


class LocatedError(TinynetError):
    """An error that lists problems of one document.

    Attributes:
        problems: The mistakes, in the order they were found; at least one.
        source: The file they are in, or None.
    """

    def __init__(self, problems: list[Problem] | str, source: str | None = None) -> None:
        self.problems = [Problem(problems)] if isinstance(problems, str) else list(problems)
        self.source = source
        super().__init__(_lines(self.problems, source))


class SpecError(LocatedError):
    """A spec that cannot be used; it carries every mistake that was found, not only the first."""


class ShapeError(LocatedError):
    """Shapes that do not fit together; the message names the layer, the shapes and its feeder."""


class DataError(TinynetError):
    """Data that cannot be used; the message names the file and the row."""


class TargetError(DataError, LocatedError):
    """Targets that a loss or a metric cannot use; it names the file, the row and the spec's key."""


class TransformError(DataError, LocatedError):
    """Arrays that a transform cannot take; it names the array and the spec's key."""


class PluginError(LocatedError):
    """A plugin that is missing, broken, or breaks its protocol; the message names it."""


class CheckpointError(TinynetError):
    """A checkpoint that cannot be read, written, or used."""


class CheckpointFormatError(CheckpointError):
    """The file is not a tinynet checkpoint, or breaks the rules of the format."""


class CheckpointCorruptError(CheckpointError):
    """The file was a checkpoint once: it is truncated, or a checksum does not match."""


class CheckpointVersionError(CheckpointError):
    """The file was written by a newer tinynet than this one."""


class CheckpointLimitError(CheckpointError):
    """The file asks for more than the limits of the format allow."""


class CheckpointMismatchError(CheckpointError):
    """The file is sound and does not belong to this network, this spec, or this data."""


class CheckpointIOError(CheckpointError):
    """The disk or the file system refused."""


class DivergedError(TinynetError):
    """The loss became NaN or infinite; the message names the step and the first bad layer."""


class RunExistsError(TinynetError):
    """A new run was to be made where something is already."""


class RunBusyError(TinynetError):
    """Another process holds the run; the message names it."""


@contextmanager
def explaining_io(path: Path) -> Iterator[None]:
    """Turn what the operating system refuses into a `CheckpointIOError` that names the path."""
    try:
        yield
    except OSError as error:
        raise CheckpointIOError(f"{path}: {error.strerror or error}") from error
