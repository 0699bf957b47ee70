"""Lines and columns of errors and warnings in a spec file."""

from collections.abc import Iterator
from contextlib import contextmanager

from tinynet.errors import LocatedError, PluginError, Problem, SpecError
from tinynet.spec.models import Spec


@contextmanager
def locating_errors(spec: Spec) -> Iterator[None]:
    """Add line and column to errors that point to a value of the spec."""
    try:
        yield
    except LocatedError as error:
        if isinstance(error, PluginError) and not any(p.pointer for p in error.problems):
            raise
        raise spec.locate(error) from error


def locate(spec: Spec, problems: list[Problem]) -> tuple[list[Problem], str | None]:
    """Return problems with line and column where the spec has them, and the spec's file.

    The notes about overrides come first, without line and column.
    """
    notes = [Problem(note) for note in spec.origin.notes]
    if not problems:
        return notes, None
    error = spec.locate(SpecError(problems))
    return [*notes, *error.problems], error.source


def spec_warnings(spec: Spec, problems: list[Problem]) -> list[str]:
    """Return one line per warning: its place in the spec's file, and the text."""
    return [str(spec.locate(SpecError([problem]))) for problem in problems]
