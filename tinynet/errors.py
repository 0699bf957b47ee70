"""The exceptions of tinynet: one tree, so that one ``except`` catches them.

A message has the mistake, its place and a remedy. No other exception, such as a ``KeyError``,
should reach a user.
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
    "OutdatedInstallationError",
    "PeerFailure",
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
"""Most uses of a value in a message."""


class TinynetError(Exception):
    """The root of the tree."""


@dataclass(frozen=True)
class Use:
    """A place that uses a block or a variable, which is declared elsewhere.

    Attributes:
        what: The use, in words: ``block 'residual' used``, ``used as $width``.
        pointer: JSON pointer (RFC 6901) to the place.
        line: Its line in the text, from 1; None without a text.
        column: Its column in that line, in characters, from 1.
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
        message: The mistake and the remedy.
        pointer: JSON pointer (RFC 6901) to the offending value; empty for the whole document.
        line: Line of that value in the text, from 1; None without a text.
        column: Column of that value in its line, in characters, from 1.
        uses: The uses of a value in a block or variable, the nearest first.
        others: Number of other uses of the value with the same mistake.
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
        """The nearest uses."""
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
    """A function was called with unknown or unusable arguments."""


class LocatedError(TinynetError):
    """An error that lists problems of one document.

    Attributes:
        problems: The mistakes; at least one.
        source: Their file, or None.
    """

    def __init__(self, problems: list[Problem] | str, source: str | None = None) -> None:
        self.problems = [Problem(problems)] if isinstance(problems, str) else list(problems)
        self.source = source
        super().__init__(_lines(self.problems, source))


class SpecError(LocatedError):
    """A wrong spec; the error lists every mistake."""


class ShapeError(LocatedError):
    """Shapes that do not fit together; the message names the layer, the shapes and its inputs."""


class DataError(TinynetError):
    """Data that cannot be used; the message names the file and the row."""


class TargetError(DataError, LocatedError):
    """Targets that a loss or a metric cannot use; it names the file, the row and the spec's key."""


class TransformError(DataError, LocatedError):
    """Arrays that a transform cannot take; it names the array and the spec's key."""


class PluginError(LocatedError):
    """A plugin that is missing, broken, or breaks its protocol; the message names it."""


class OutdatedInstallationError(TinynetError):
    """An installation of tinynet whose metadata does not fit its code; the remedy is to reinstall.

    Not a `PluginError`: it is reported once, instead of for every type that a spec names.
    """


class CheckpointError(TinynetError):
    """A checkpoint that cannot be read, written, or used."""


class CheckpointFormatError(CheckpointError):
    """The file is not a tinynet checkpoint, or breaks the rules of the format."""


class CheckpointCorruptError(CheckpointError):
    """A damaged checkpoint: it is truncated, or a checksum does not match."""


class CheckpointVersionError(CheckpointError):
    """The file was written by a newer tinynet than this one."""


class CheckpointLimitError(CheckpointError):
    """A file that exceeds the limits of the format."""


class CheckpointMismatchError(CheckpointError):
    """An intact checkpoint that does not fit this network, spec or data."""


class CheckpointIOError(CheckpointError):
    """An error of the disk or the file system."""


class DivergedError(TinynetError):
    """The loss became NaN or infinite; the message names the step and the first bad layer."""


class RunExistsError(TinynetError):
    """The folder or file of a new run exists already."""


class RunBusyError(TinynetError):
    """Another process holds the run; the message names it."""


class PeerFailure(TinynetError):  # noqa: N818 - it reports an error that has its own type
    """A process of a run that several compute has failed; each of them raises this.

    Attributes:
        rank: Number of the process that failed, from 0.
        size: Number of processes.
        host: Name of the machine that it ran on.
        error: Its exception; if that cannot be sent, one of this module with the same text.
    """

    def __init__(self, rank: int, size: int, host: str, error: Exception) -> None:
        ours = isinstance(error, TinynetError)
        text = f"{error}" if ours else f"{type(error).__name__}: {error}".removesuffix(": ")
        super().__init__(f"process {rank} of {size} on {host}: {text}")
        self.rank = rank
        self.size = size
        self.host = host
        self.error = error

    def __reduce__(self) -> tuple[type["PeerFailure"], tuple[int, int, str, Exception]]:
        return type(self), (self.rank, self.size, self.host, self.error)


@contextmanager
def explaining_io(path: Path) -> Iterator[None]:
    """Turn an error of the operating system into a `CheckpointIOError` that names the path."""
    try:
        yield
    except OSError as error:
        raise CheckpointIOError(f"{path}: {error.strerror or error}") from error
