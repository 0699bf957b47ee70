"""Where the values of a spec came from: a text, whoever overrode them, a block, a default."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import JsonValue

from tinynet.errors import LocatedError, Problem, Use
from tinynet.spec.expansion.sources import Source, Trace
from tinynet.text.document import MAX_PROBLEMS, Document, first_problems


@dataclass(frozen=True)
class Origin:
    """Where a spec was read, and what became of what it says.

    Attributes:
        document: Its text; None where it was given as data.
        overrides: JSON pointers of what was overridden, and the path that each was given as.
        folder: Where the file is; None where there is no file.
        traces: What was moved since it was read, the last move first.
        expanded: What it says with its blocks unrolled, before defaults.
        notes: What a user should know about the overrides, a sentence each.
    """

    document: Document | None = None
    overrides: tuple[tuple[str, str], ...] = ()
    folder: Path | None = None
    traces: tuple[Trace, ...] = ()
    expanded: JsonValue = None
    notes: tuple[str, ...] = ()

    def place(self, error: LocatedError) -> LocatedError:
        """The same error, each problem where it is written, in the order of the text.

        Args:
            error: An error of the spec as it is now.
        """
        return self.write(error, map(self.trace, error.problems))

    def trace(self, problem: Problem) -> Problem:
        """A problem of the spec as it is now, where it was before blocks and variables."""
        if not self.traces:
            return problem
        trace = self.traces[0]
        source = trace.source(problem.pointer)
        own = (replace(use, pointer=trace.source(use.pointer).pointer) for use in problem.uses)
        return replace(problem, pointer=source.pointer, uses=(*own, *source.uses))

    def write(self, error: LocatedError, problems: Iterable[Problem]) -> LocatedError:
        """An error of the same kind that lists problems of the spec as it was written."""
        told = _once([self._written(problem) for problem in problems])
        placed = [self._placed(problem) for problem in told[:MAX_PROBLEMS]]
        placed.sort(key=lambda problem: (problem.line or 0, problem.column or 0))
        source = self.document.source if self.document is not None else None
        return type(error)(first_problems([*placed, *told[MAX_PROBLEMS:]]), source)

    def written(self, pointer: str) -> str:
        """Where in the text what is at a pointer stood, before migrations."""
        for trace in self.traces[1:]:
            pointer = trace.source(pointer).pointer
        return pointer

    def override_of(self, pointer: str) -> str | None:
        """The path of the override that set what is at a pointer of the text, if one did."""
        for overridden, path in reversed(self.overrides):
            if f"{pointer}/".startswith(f"{overridden}/"):
                return path
        return None

    def source(self, pointer: str) -> Source:
        """Where in the text the value at a pointer of the resolved spec stands."""
        source = self.traces[0].source(pointer) if self.traces else Source(pointer)
        return Source(self.written(source.pointer), source.uses)

    def _written(self, problem: Problem) -> Problem:
        uses = tuple(replace(use, pointer=self.written(use.pointer)) for use in problem.uses)
        return replace(problem, pointer=self.written(problem.pointer), uses=uses)

    def _placed(self, problem: Problem) -> Problem:
        problem = replace(problem, uses=tuple(map(self.place_use, problem.uses)))
        if path := self.override_of(problem.pointer):
            return replace(problem, message=f"{problem.message} (override {path})")
        return problem if self.document is None else self.document.place(problem)

    def place_use(self, use: Use) -> Use:
        """The same use, with line and column where it is written in the text."""
        if self.document is None or self.override_of(use.pointer):
            return use
        line, column = self.document.locate(use.pointer)
        return replace(use, line=line, column=column)


def _once(problems: list[Problem]) -> list[Problem]:
    """The problems, those that many uses of one place have only once."""
    found: dict[tuple[str, str], Problem] = {}
    for problem in problems:
        key = (problem.pointer, problem.message)
        first = found.get(key)
        again = first is not None and first.uses and first.uses != problem.uses
        if first is None:
            found[key] = problem
        elif again:
            found[key] = replace(first, others=first.others + 1)
    return list(found.values())
