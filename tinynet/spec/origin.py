"""Where the values of a spec came from: a text, or whoever overrode them."""

from dataclasses import dataclass, replace
from pathlib import Path

from tinynet.errors import LocatedError, Problem
from tinynet.text.document import MAX_PROBLEMS, Document, first_problems


@dataclass(frozen=True)
class Origin:
    """Where a spec was read.

    Attributes:
        document: Its text; None where it was given as data.
        overrides: JSON pointers of what was overridden, and the path that each was given as.
        folder: Where the file is; None where there is no file.
    """

    document: Document | None = None
    overrides: tuple[tuple[str, str], ...] = ()
    folder: Path | None = None

    def place(self, error: LocatedError) -> LocatedError:
        """The same error, in the order of the text, each problem with where it came from."""
        placed = [self._placed(problem) for problem in error.problems[:MAX_PROBLEMS]]
        placed.sort(key=lambda problem: (problem.line or 0, problem.column or 0))
        problems = first_problems([*placed, *error.problems[MAX_PROBLEMS:]])
        source = self.document.source if self.document is not None else None
        return type(error)(problems, source)

    def _placed(self, problem: Problem) -> Problem:
        for pointer, path in reversed(self.overrides):
            if f"{problem.pointer}/".startswith(f"{pointer}/"):
                return replace(problem, message=f"{problem.message} (override {path})")
        return problem if self.document is None else self.document.place(problem)
