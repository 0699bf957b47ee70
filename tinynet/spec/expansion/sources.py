"""Which place of a file each part of an expanded spec came from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tinynet.errors import Use
from tinynet.text.document import join_pointer


@dataclass(frozen=True)
class Source:
    """Where something is written, and through which blocks and variables it got where it is.

    Attributes:
        pointer: Where it is written.
        uses: The places that brought it from there, the nearest first.
    """

    pointer: str
    uses: tuple[Use, ...] = ()

    def part(self, *path: int | str) -> "Source":
        """The source of a part of it."""
        return Source(self.pointer + join_pointer(list(path)), self.uses)

    def through(self, what: str, place: "Source") -> "Source":
        """The source of the same thing, used at a place."""
        return Source(self.pointer, (*self.uses, Use(what, place.pointer)))


@dataclass
class Trace:
    """What was moved, by its new JSON pointer; all that is within it moved along.

    Attributes:
        moved: New pointer -> where it came from.
    """

    moved: dict[str, Source] = field(default_factory=dict)

    def source(self, pointer: str) -> Source:
        """Where the value at a pointer came from; from the same place if nothing was moved."""
        head, rest = pointer, ""
        while head:
            if (found := self.moved.get(head)) is not None:
                return Source(found.pointer + rest, found.uses)
            head, _, last = head.rpartition("/")
            rest = f"/{last}{rest}"
        return Source(pointer)

    @classmethod
    def of_moves(cls, moves: Mapping[str, str]) -> "Trace":
        """A trace of new pointers -> old ones."""
        return cls({new: Source(old) for new, old in moves.items()})
