"""The state of an expansion: all that its steps have recorded so far."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from pydantic import JsonValue

from tinynet.errors import Problem, SpecError
from tinynet.spec.expansion.sources import Source, Trace
from tinynet.text.places import MAX_PROBLEMS, MAX_VALUES, KeyProblem
from tinynet.text.wording import suggest


@dataclass
class Expansion:
    """An expansion of a spec, in progress or complete.

    Attributes:
        strings: Every string of the declared spec, since any may be a name; a variable, a block or
            an input of a block whose name is not one of them is unused.
        value: The expanded spec, once it is complete.
        sources: The source of each value that has another pointer in the expanded spec.
        problems: The mistakes, each with its place in the declared spec.
        reference_problems: Mistakes in the names in ``inputs`` and ``shares``; they are reported
            only if there are no others.
        unused_problems: Unused blocks, and unused inputs of blocks; reported likewise.
        values: The number of values in the expanded spec so far.
        hints: The suggestions for unknown names, by place and message.
    """

    strings: frozenset[str] = frozenset()
    value: JsonValue = None
    sources: Trace = field(default_factory=Trace)
    problems: list[Problem] = field(default_factory=list)
    reference_problems: list[Problem] = field(default_factory=list)
    unused_problems: list[Problem] = field(default_factory=list)
    values: int = 0
    hints: dict[tuple[str, str], str] = field(default_factory=dict)

    def refuse(self, message: str, source: Source, *, key: bool = False) -> None:
        """Record a problem of a value, or of its key."""
        self.problems.append(source.problem(message, KeyProblem if key else Problem))

    def refuse_unknown(
        self, message: str, word: str, names: Iterable[str], source: Source, *, key: bool = False
    ) -> None:
        """Record an unknown word, with a suggestion."""
        self.refuse(message + self.hint(message, word, names, source), source, key=key)

    def hint(self, message: str, word: str, names: Iterable[str], source: Source) -> str:
        """Return a suggestion for an unknown word, to follow the message."""
        place = source.pointer, message
        if place not in self.hints:  # problems that are not shown need no suggestion
            is_shown = len(self.hints) < MAX_PROBLEMS
            self.hints[place] = f"; {suggest(word, names)}" if is_shown else ""
        return self.hints[place]

    def count(self, values: int, source: Source) -> None:
        """Count values of the expanded spec; too many of them raise a SpecError."""
        self.values += values
        if self.values > MAX_VALUES:
            message = f"with its blocks and variables the spec has more than {MAX_VALUES:,} values"
            raise SpecError([source.problem(message)])
