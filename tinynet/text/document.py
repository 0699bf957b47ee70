"""A JSON text, with the place of every value.

Parsing is strict: duplicate keys, NaN, and numbers beyond float64 are errors. Sizes are checked
before anything is built from the text. Positions are computed by a second pass over the text, on
demand, since only errors need them.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NoReturn

from pydantic import JsonValue

from tinynet.errors import Problem, SpecError
from tinynet.text.json_mistakes import explain

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

LARGEST_INTEGER = 2**53
"""Integers up to here equal a float."""

MAX_PROBLEMS = 100
"""Most mistakes in one error."""

MAX_COUNTED = 1_000
"""Most mistakes that are counted."""

# A string without an end reaches to the end of the text, and searching it repeatedly would take
# quadratic time. The possessive quantifiers avoid backtracking.
_STRING = r'"(?:[^"\\]++|\\.)*+"?'
_TOKEN = re.compile(rf"{_STRING}|[{{}}\[\]:,]|[^\s{{}}\[\]:,\"]+", re.DOTALL)
_STRUCTURE = re.compile(rf"{_STRING}|[{{}}\[\],]", re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_NEWLINE = re.compile(r"\r\n|\r|\n")


@dataclass(slots=True)
class _Place:
    """Offsets in the text: of a value, and of its key (of an element of an array, its own)."""

    key: int
    value: int
    is_object: bool
    parts: "dict[str, _Place]" = field(default_factory=dict)  # by key, or index as text


class Document:
    """A parsed JSON text.

    Attributes:
        text: The text, without a byte-order mark.
        source: The name of the file it came from, or None.
        value: The parsed value.
    """

    def __init__(self, data: bytes | str, source: str | None = None) -> None:
        """Parse ``data``.

        Raises:
            SpecError: if it is not one JSON value within the bounds; with line and column.
        """
        self.source = source
        self.text = self._decode(data)
        self._check_bounds()
        self._has_bad_keys = False
        try:
            self.value: JsonValue = json.loads(
                self.text,
                object_pairs_hook=self._object,
                parse_constant=self._constant,
                parse_float=self._float,
                parse_int=self._int,
            )
        except json.JSONDecodeError as error:
            offset, message = explain(self.text, error)
            self._fail(f"not JSON: {message}", offset)
        if self._has_bad_keys:
            self._refuse_keys()
        self._refuse_surrogates()

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

    def _check_bounds(self) -> None:
        values = 0
        lengths: list[int] = []  # of the open containers
        for token in _STRUCTURE.finditer(self.text):
            start = token.start()
            first = self.text[start]
            if first in "[{":
                lengths.append(1)
                values += 1
            elif first in "]}" and lengths:
                lengths.pop()
            elif first == "," and lengths:
                lengths[-1] += 1
                values += 1
                if lengths[-1] > MAX_LENGTH:
                    self._fail(f"a list or object must have at most {MAX_LENGTH:,} elements", start)
            if len(lengths) > MAX_DEPTH:
                self._fail(f"values must be nested at most {MAX_DEPTH} deep", start)
            if values > MAX_VALUES:
                self._fail(f"a spec must have at most {MAX_VALUES:,} values", start)

    def _object(self, pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
        members = dict(pairs)
        self._has_bad_keys |= len(members) < len(pairs) or any(
            len(key) > MAX_KEY for key in members
        )
        return members

    def _refuse_keys(self) -> NoReturn:
        problems = []
        for path, holder, place in self._walk():
            key = path[-1] if path else 0
            if holder is None or not isinstance(key, str):
                continue
            line, column = self._line_column(place.key)
            if key in holder.parts:
                message = f"the key {key!r} is written twice; keep one of the two"
                problems.append(Problem(message, join_pointer(path), line, column))
            elif len(key) > MAX_KEY:
                message = f"a key has at most {MAX_KEY} characters, not {len(key):,}"
                problems.append(Problem(message, join_pointer(path[:-1]), line, column))
        raise SpecError(first_problems(problems), self.source)

    def _refuse_surrogates(self) -> None:
        if "\\u" not in self.text:
            return
        for token in _TOKEN.finditer(self.text):
            if "\\u" in token.group() and _SURROGATE.search(json.loads(token.group())):
                self._fail(
                    "a string holds half of a surrogate pair, which is not a character",
                    token.start(),
                )

    def _constant(self, name: str) -> NoReturn:
        self._fail(f"{name} is not a JSON number", self._find(name))

    def _float(self, digits: str) -> float:
        value = float(digits)
        if value in (float("inf"), float("-inf")):
            self._fail(f"{_cut(digits)} is too large for a number", self._find(digits))
        return value

    def _int(self, digits: str) -> int:
        count = len(digits.removeprefix("-"))
        if count > MAX_DIGITS:
            self._fail(f"an integer of {count:,} digits is too large", self._find(digits))
        return int(digits)

    def _find(self, number: str) -> int:
        """Return the place of the first invalid number; the text after it may be invalid, too."""
        tokens = _TOKEN.finditer(self.text)
        return next((t.start() for t in tokens if t.group().startswith(number)), 0)

    def _fail(self, message: str, offset: int) -> NoReturn:
        raise SpecError([Problem(message, "", *self._line_column(offset))], self.source)

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(newline.end() for newline in _NEWLINE.finditer(self.text))]

    def _line_column(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def _walk(self) -> Iterator[tuple[list[int | str], _Place | None, _Place]]:
        """Yield path, container and place of every value, in the order of the text.

        The path is always the same list; copy it to keep it.
        """
        path: list[int | str] = []
        holders: list[_Place] = []
        key: str | None = None
        key_start = 0
        for token in _TOKEN.finditer(self.text):
            text, start = token.group(), token.start()
            if text in ",:":
                continue
            if text in "]}":
                holders.pop()
                del path[len(holders) :]
                continue
            holder = holders[-1] if holders else None
            if holder is not None and holder.is_object and key is None:
                key, key_start = json.loads(text), start
                continue
            place = _Place(start if key is None else key_start, start, text == "{")
            if holder is not None:
                path[len(holders) - 1 :] = [len(holder.parts) if key is None else key]
            yield path, holder, place
            if holder is not None:
                holder.parts[str(path[-1])] = place
            key = None
            if text in "[{":
                holders.append(place)

    @cached_property
    def _root(self) -> _Place:
        places = self._walk()
        _, _, root = next(places)
        for _ in places:
            pass
        return root

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

    def _descend(self, pointer: str) -> tuple[_Place, list[str]]:
        """Return the place of a pointer or its nearest container, and the rest of it."""
        place, names = self._root, split_pointer(pointer)
        for index, name in enumerate(names):
            if name not in place.parts:
                return place, names[index:]
            place = place.parts[name]
        return place, []


def plain(value: Any) -> JsonValue:
    """Return a copy of JSON data, within the same limits as a text.

    Raises:
        SpecError: if it is not JSON data.
    """
    try:
        return Document(json.dumps(value, allow_nan=False)).value
    except (TypeError, ValueError, RecursionError) as error:
        raise SpecError(f"not JSON data: {error}") from error
    except SpecError as error:
        raise SpecError([Problem(p.message, p.pointer) for p in error.problems]) from None


def map_leaves(function: Callable[[JsonValue], JsonValue], value: JsonValue) -> JsonValue:
    """Return a copy of JSON data, with a function applied to all but arrays and objects."""
    if isinstance(value, dict):
        return {key: map_leaves(function, part) for key, part in value.items()}
    if isinstance(value, list):
        return [map_leaves(function, part) for part in value]
    return function(value)


def parts_of(value: JsonValue) -> Iterable[tuple[int | str, JsonValue]]:
    """Return the keys or indices of an object or array, with their values; else nothing."""
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def with_integers(value: JsonValue) -> JsonValue:
    """Return a copy of JSON data in which 3.0 is the integer 3, as in JSON Schema.

    -0.0 and numbers above `LARGEST_INTEGER` remain floats.
    """
    return map_leaves(_as_integer, value)


def _as_integer(value: JsonValue) -> JsonValue:
    if isinstance(value, float) and value.is_integer() and abs(value) <= LARGEST_INTEGER:
        return int(value) if value or str(value) == "0.0" else value
    return value


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


def _cut(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."
