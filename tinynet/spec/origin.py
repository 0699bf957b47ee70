"""The origin of a spec's values: lines of a file, overrides, blocks or defaults."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import JsonValue

from tinynet.errors import LocatedError, Problem, Use
from tinynet.spec.expansion.sources import Source, Trace
from tinynet.text.document import MAX_PROBLEMS, Document, first_problems


@dataclass(frozen=True)
class Origin:
    """The origin of a spec."""

    document: Document | None = None  # its text; None for a spec from a dict
    overrides: tuple[tuple[str, str], ...] = ()  # the JSON pointer and the path of each
    folder: Path | None = None  # that of the file
    traces: tuple[Trace, ...] = ()  # the moves of values since it was read, the last one first
    expanded: JsonValue = None  # the expanded spec, before defaults
    notes: tuple[str, ...] = ()  # for the user, about the overrides: a sentence each

    def place(self, error: LocatedError) -> LocatedError:
        """Return an error of the expanded spec with the places in the text, in its order."""
        return self.write(error, map(self.trace, error.problems))

    def trace(self, problem: Problem) -> Problem:
        """Return a problem of the expanded spec with its place before the expansion."""
        if not self.traces:
            return problem
        trace = self.traces[0]
        source = trace.source(problem.pointer)
        own = (replace(use, pointer=trace.source(use.pointer).pointer) for use in problem.uses)
        return replace(problem, pointer=source.pointer, uses=(*own, *source.uses))

    def write(self, error: LocatedError, problems: Iterable[Problem]) -> LocatedError:
        """Return an error of the same kind that lists problems of the declared spec."""
        reported = _once([self._written(problem) for problem in problems])
        placed = [self._placed(problem) for problem in reported[:MAX_PROBLEMS]]
        placed.sort(key=lambda problem: (problem.line or 0, problem.column or 0))
        source = self.document.source if self.document is not None else None
        return type(error)(first_problems([*placed, *reported[MAX_PROBLEMS:]]), source)

    def written(self, pointer: str) -> str:
        """Return the pointer in the text, before migrations, of a value."""
        for trace in self.traces[1:]:
            pointer = trace.source(pointer).pointer
        return pointer

    def override_of(self, pointer: str) -> str | None:
        """Return the path of the override that set a value of the text, or None."""
        for overridden, path in reversed(self.overrides):
            if f"{pointer}/".startswith(f"{overridden}/"):
                return path
        return None

    def source(self, pointer: str) -> Source:
        """Return the place in the text of a value of the resolved spec."""
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
        """Return the same use with its line and column in the text."""
        if self.document is None or self.override_of(use.pointer):
            return use
        line, column = self.document.locate(use.pointer)
        return replace(use, line=line, column=column)


def _once(problems: list[Problem]) -> list[Problem]:
    """Return the problems; one that several uses have in common appears once."""
    merged: dict[tuple[str, str], Problem] = {}
    for problem in problems:
        first = merged.setdefault((problem.pointer, problem.message), problem)
        if first.uses and first.uses != problem.uses:
            merged[first.pointer, first.message] = replace(first, others=first.others + 1)
    return list(merged.values())
