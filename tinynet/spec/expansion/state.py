"""The state of an expansion: all that its steps have recorded so far."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from pydantic import JsonValue

from tinynet.errors import Problem, SpecError
from tinynet.spec.expansion.sources import Source, Trace
from tinynet.text.document import MAX_PROBLEMS, MAX_VALUES, KeyProblem
from tinynet.text.wording import suggest


@dataclass
class Expansion:
    """An expansion of a spec, in progress or complete.

    Attributes:
        used: The names that the declared spec uses; see `expand.uses`.
        value: The expanded spec, once it is complete.
        moved: The source of each moved value.
        problems: The mistakes, each with its place in the declared spec.
        dangling: Names of missing nodes; reported only if there are no other mistakes.
        unused: Unused blocks, and unused inputs of blocks; likewise.
        values: The number of values in the expanded spec so far.
        hints: The suggestions for unknown names, by place and message.
    """

    used: frozenset[str] = frozenset()
    value: JsonValue = None
    moved: Trace = field(default_factory=Trace)
    problems: list[Problem] = field(default_factory=list)
    dangling: list[Problem] = field(default_factory=list)
    unused: list[Problem] = field(default_factory=list)
    values: int = 0
    hints: dict[tuple[str, str], str] = field(default_factory=dict)

    def refuse(self, message: str, at: Source, *, key: bool = False) -> None:
        """Record a problem at a place, or at its key."""
        self.problems.append(at.problem(message, KeyProblem if key else Problem))

    def refuse_unknown(
        self, message: str, word: str, names: Iterable[str], at: Source, *, key: bool = False
    ) -> None:
        """Record an unknown word, with a suggestion."""
        self.refuse(message + self.hint(message, word, names, at), at, key=key)

    def hint(self, message: str, word: str, names: Iterable[str], at: Source) -> str:
        """Return a suggestion for an unknown word, to follow the message."""
        place = at.pointer, message
        if place not in self.hints:  # problems that are not shown need no suggestion
            is_shown = len(self.hints) < MAX_PROBLEMS
            self.hints[place] = f"; {suggest(word, names)}" if is_shown else ""
        return self.hints[place]

    def count(self, values: int, at: Source) -> None:
        """Count values of the expanded spec; too many of them raise a SpecError."""
        self.values += values
        if self.values > MAX_VALUES:
            message = f"with its blocks and variables the spec has more than {MAX_VALUES:,} values"
            raise SpecError([at.problem(message)])
