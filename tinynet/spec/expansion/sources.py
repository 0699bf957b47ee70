"""The place in the file that each part of an expanded spec came from."""

from collections.abc import Mapping
from dataclasses import dataclass

from tinynet.errors import Problem, Use
from tinynet.text.places import join_pointer


@dataclass(frozen=True)
class Source:
    """The place of a value, and the blocks and variables that brought it where it is used."""

    pointer: str  # JSON pointer to the value
    uses: tuple[Use, ...] = ()  # the places of these blocks and variables, the nearest first

    def part(self, *path: int | str) -> "Source":
        """Return the source of a part of the value."""
        return Source(self.pointer + join_pointer(path), self.uses)

    def through(self, what: str, place: "Source") -> "Source":
        """Return the source of the same value, used at another place; see `Use` for `what`."""
        return Source(self.pointer, (*self.uses, Use(what, place.pointer)))

    def problem(self, message: str, kind: type[Problem] = Problem) -> Problem:
        """Return a problem of the value."""
        return kind(message, self.pointer, uses=self.uses)


class Trace(dict[str, Source]):
    """The sources of moved values by their new JSON pointers; a value moves with all its parts."""

    def source(self, pointer: str) -> Source:
        """Return the source of the value at a pointer."""
        head, rest = pointer, ""
        while head:
            if (source := self.get(head)) is not None:
                return Source(source.pointer + rest, source.uses)
            head, _, last = head.rpartition("/")
            rest = f"/{last}{rest}"
        return Source(pointer)

    @classmethod
    def of_moves(cls, moves: Mapping[str, str]) -> "Trace":
        """Return the trace of a dict from new pointers to old ones."""
        return cls({new: Source(old) for new, old in moves.items()})
