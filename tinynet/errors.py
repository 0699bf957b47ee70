"""Everything tinynet raises on purpose: one tree, so that one ``except`` catches it.

A message says what is wrong, where, and what would be right. Nothing else (no ``KeyError``, no
``struct.error``) is meant to reach a user.
"""

from dataclasses import dataclass


class TinynetError(Exception):
    """The root of the tree."""


@dataclass(frozen=True)
class Problem:
    """One mistake in a spec.

    Attributes:
        message: What is wrong and what would be right.
        pointer: JSON pointer (RFC 6901) to the offending value; empty for the whole document.
        line: Line of that value in the text, counted from 1; None where there is no text.
        column: Column of that value in its line, in characters, counted from 1.
    """

    message: str
    pointer: str = ""
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        place = f"{self.line}:{self.column}: " if self.line is not None else ""
        return f"{place}{self.pointer or '/'}: {self.message}"


class SpecError(TinynetError):
    """A spec that cannot be used; it carries every mistake that was found, not only the first.

    Attributes:
        problems: The mistakes, in the order of the text.
        source: The file they are in, or None.
    """

    def __init__(self, problems: list[Problem] | str, source: str | None = None) -> None:
        self.problems = [Problem(problems)] if isinstance(problems, str) else list(problems)
        self.source = source
        prefix = f"{source}:" if source else ""
        super().__init__("\n".join(prefix + str(problem) for problem in self.problems))


class ShapeError(TinynetError):
    """Shapes that do not fit together; the message names the layer, the shapes and its feeder.

    Attributes:
        problems: One problem for each node that does not fit, with a pointer where it came from
            a spec.
        source: The file the spec came from, or None.
    """

    def __init__(self, problems: list[Problem] | str, source: str | None = None) -> None:
        self.problems = [Problem(problems)] if isinstance(problems, str) else list(problems)
        self.source = source
        lines = [str(p) if p.pointer else p.message for p in self.problems]
        super().__init__("\n".join((f"{source}:" if source else "") + line for line in lines))


class DataError(TinynetError):
    """Data that cannot be used; the message names the file and the row."""


class PluginError(TinynetError):
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
