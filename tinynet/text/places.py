"""A text with the place of every value: line and column, found by JSON pointers."""

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NoReturn

from pydantic import JsonValue

from tinynet.errors import Problem, SpecError

MAX_BYTES = 2**20
"""Most bytes of a text."""

MAX_DEPTH = 64
"""Most nested arrays and objects."""

MAX_LENGTH = 10_000
"""Most elements of an array, or keys of an object."""

MAX_VALUES = 150_000
"""Most values in a text: fifteen for each of 10,000 nodes."""

MAX_KEY = 200
"""Most characters of a key."""

MAX_DIGITS = 300
"""Most digits of an integer; a float64 has at most 309."""

MAX_PROBLEMS = 100
"""Most mistakes in one error."""

MAX_COUNTED = 1_000
"""Most mistakes that are counted."""

_NEWLINE = re.compile(r"\r\n|\r|\n")


@dataclass(slots=True)
class Place:
    """Offsets in a text: of a value, and of its key (of an element of an array, its own)."""

    key: int
    value: int
    is_object: bool
    parts: "dict[str, Place]" = field(default_factory=dict)  # by key, or index as text


class PlacedText:
    """The base of parsed texts.

    Attributes:
        text: The text, without a byte-order mark.
        source: The name of the file it came from, or None.
        value: The parsed value.
    """

    value: JsonValue

    def __init__(self, data: bytes | str, source: str | None = None) -> None:
        """Decode ``data``.

        Raises:
            SpecError: if it is not UTF-8, or too long.
        """
        self.source = source
        self.text = self._decode(data)

    def _decode(self, data: bytes | str) -> str:
        encoded = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
        if len(encoded) > MAX_BYTES:
            raise SpecError(
                f"the text has {len(encoded):,} bytes; a spec has at most {MAX_BYTES:,}",
                self.source,
            )
        try:
            return encoded.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = encoded.count(b"\n", 0, error.start) + 1
            raise SpecError(
                f"not UTF-8: byte 0x{encoded[error.start]:02x} at offset {error.start:,},"
                f" in line {line}; save the file as UTF-8",
                self.source,
            ) from error

    def _fail(self, message: str, offset: int) -> NoReturn:
        raise SpecError([Problem(message, "", *self._line_column(offset))], self.source)

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(newline.end() for newline in _NEWLINE.finditer(self.text))]

    def _line_column(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    @cached_property
    def _root(self) -> Place:
        """The place of the whole value."""
        raise NotImplementedError

    def locate(self, pointer: str, *, key: bool = False) -> tuple[int, int]:
        """Return line and column of a value or its key, or of the nearest container."""
        place, rest = self._descend(pointer)
        return self._line_column(place.key if key and not rest else place.value)

    def nearest(self, pointer: str) -> str:
        """Return a pointer, shortened to a value that the text has."""
        _, rest = self._descend(pointer)
        return pointer.removesuffix(join_pointer(rest))

    def place(self, problem: Problem) -> Problem:
        """Return a problem with line and column, its pointer shortened as by `nearest`."""
        line, column = self.locate(problem.pointer, key=isinstance(problem, KeyProblem))
        pointer = self.nearest(problem.pointer)
        return replace(problem, pointer=pointer, line=line, column=column)

    def _descend(self, pointer: str) -> tuple[Place, list[str]]:
        """Return the place of a pointer or its nearest container, and the rest of it."""
        place, names = self._root, split_pointer(pointer)
        for index, name in enumerate(names):
            if name not in place.parts:
                return place, names[index:]
            place = place.parts[name]
        return place, []


class KeyProblem(Problem):
    """A mistake in a key: its place is that of the key, not of the value."""


def first_problems(problems: list[Problem]) -> list[Problem]:
    """Return the first `MAX_PROBLEMS` problems, and one with the number of the others."""
    rest = len(problems) - MAX_PROBLEMS
    if rest <= 0:
        return problems
    limit = MAX_COUNTED - MAX_PROBLEMS
    more = f"and {rest} more" if rest < limit else f"and at least {limit} more"
    return [*problems[:MAX_PROBLEMS], Problem(more)]


def join_pointer(path: Iterable[int | str]) -> str:
    """Return the JSON pointer (RFC 6901) of a path of keys and indices."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def split_pointer(pointer: str) -> list[str]:
    """Return the path of a JSON pointer; the inverse of `join_pointer`, indices as text."""
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
