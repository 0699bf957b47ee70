"""The state of an expansion: all that its steps have recorded so far."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from tinynet.errors import Problem, SpecError
from tinynet.spec.expansion.sources import Source
from tinynet.text.document import MAX_PROBLEMS, MAX_VALUES, KeyProblem
from tinynet.text.wording import suggest


@dataclass
class ExpansionState:
    """What is state while a spec is expanded.

    Attributes:
        used: What the spec as it is written uses somewhere; see `uses`.
        problems: What is wrong; each at the place where it is written.
        dangling: Names of nodes that mean nothing: mistakes, unless others have caused them.
        unused: Blocks, and inputs of blocks, that nothing uses: likewise.
        values: How many values the expanded spec has so far.
        moved: New JSON pointer -> where the value there came from.
        hints: What was suggested for unknown names, by place and message.
    """

    used: frozenset[str] = frozenset()
    problems: list[Problem] = field(default_factory=list)
    dangling: list[Problem] = field(default_factory=list)
    unused: list[Problem] = field(default_factory=list)
    values: int = 0
    moved: dict[str, Source] = field(default_factory=dict)
    hints: dict[tuple[str, str], str] = field(default_factory=dict)

    def refuse(self, message: str, at: Source, *, key: bool = False) -> None:
        """Note a problem at a place, or at its key."""
        kind = KeyProblem if key else Problem
        self.problems.append(kind(message, at.pointer, uses=at.uses))

    def refuse_unknown(
        self, message: str, word: str, known: Iterable[str], at: Source, *, key: bool = False
    ) -> None:
        """Note that a word means nothing, and what may have been meant."""
        self.refuse(message + self.hint(message, word, known, at), at, key=key)

    def hint(self, message: str, word: str, known: Iterable[str], at: Source) -> str:
        """What may have been meant by a word that means nothing, to follow the message."""
        place = at.pointer, message
        if place not in self.hints:  # those that nobody is told need no suggestion
            is_told = len(self.hints) < MAX_PROBLEMS
            self.hints[place] = f"; {suggest(word, known)}" if is_told else ""
        return self.hints[place]

    def count(self, values: int, at: Source) -> None:
        """Count values of the expanded spec.

        Raises:
            SpecError: if they are too many; there is no use in going on.
        """
        self.values += values
        if self.values > MAX_VALUES:
            message = f"with its blocks and variables the spec has more than {MAX_VALUES:,} values"
            raise SpecError([Problem(message, at.pointer, uses=at.uses)])
