"""The origin of a spec's values: lines of a file, overrides, blocks or defaults."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import JsonValue

from tinynet.errors import LocatedError, Problem, Use
from tinynet.spec.expansion.sources import Source, Trace
from tinynet.text.places import MAX_PROBLEMS, PlacedText, first_problems


@dataclass(frozen=True)
class Origin:
    """The origin of a spec."""

    document: PlacedText | None = None  # the text of the file; None for a spec from a dict
    overrides: tuple[tuple[str, str], ...] = ()  # the JSON pointer and the path of each
    folder: Path | None = None  # the folder of the file
    # The moves of values, the last step first: expansion, corrected keys, migrations.
    traces: tuple[Trace, ...] = ()
    expanded: JsonValue = None  # the expanded spec, before defaults
    notes: tuple[str, ...] = ()  # for the user, about the overrides: a sentence each

    def locate(self, error: LocatedError) -> LocatedError:
        """Return the error with places in the expanded spec replaced by places in the file."""
        return self.with_positions(error, map(self.before_expansion, error.problems))

    def before_expansion(self, problem: Problem) -> Problem:
        """Return the problem with its pointer mapped to the spec before expansion."""
        if not self.traces:
            return problem
        trace = self.traces[0]
        source = trace.source(problem.pointer)
        uses = (replace(use, pointer=trace.source(use.pointer).pointer) for use in problem.uses)
        return replace(problem, pointer=source.pointer, uses=(*uses, *source.uses))

    def with_positions(self, error: LocatedError, problems: Iterable[Problem]) -> LocatedError:
        """Return an error of the same kind that lists problems by line and column.

        The places of the problems are those before the expansion. Equal problems appear once.
        """
        merged = _merge_equal([self._in_text(problem) for problem in problems])
        located = [self._with_position(problem) for problem in merged[:MAX_PROBLEMS]]
        located.sort(key=lambda problem: (problem.line or 0, problem.column or 0))
        source = self.document.source if self.document is not None else None
        return type(error)(first_problems([*located, *merged[MAX_PROBLEMS:]]), source)

    def pointer_in_text(self, pointer: str) -> str:
        """Return the pointer that a value before the expansion has in the text."""
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
        return Source(self.pointer_in_text(source.pointer), source.uses)

    def _in_text(self, problem: Problem) -> Problem:
        pointer = self.pointer_in_text(problem.pointer)
        uses = (replace(use, pointer=self.pointer_in_text(use.pointer)) for use in problem.uses)
        return replace(problem, pointer=pointer, uses=tuple(uses))

    def _with_position(self, problem: Problem) -> Problem:
        problem = replace(problem, uses=tuple(map(self.locate_use, problem.uses)))
        if path := self.override_of(problem.pointer):
            return replace(problem, message=f"{problem.message} (override {path})")
        return problem if self.document is None else self.document.place(problem)

    def locate_use(self, use: Use) -> Use:
        """Return the same use with its line and column in the text."""
        if self.document is None or self.override_of(use.pointer):
            return use
        line, column = self.document.locate(use.pointer)
        return replace(use, line=line, column=column)


def _merge_equal(problems: list[Problem]) -> list[Problem]:
    """Return the problems; one that several instances of a block have in common appears once."""
    merged: dict[tuple[str, str], Problem] = {}
    for problem in problems:
        first = merged.setdefault((problem.pointer, problem.message), problem)
        if first.uses and first.uses != problem.uses:
            merged[first.pointer, first.message] = replace(first, others=first.others + 1)
    return list(merged.values())
