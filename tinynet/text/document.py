"""A JSON text and where everything in it stands.

Parsing is as strict as JSON itself: duplicate keys, NaN, and numbers no float can hold are refused.
Sizes are bounded before anything is built from the text. Positions are found by a second pass over
the text, made only when somebody asks (which is when there is an error to explain).
"""

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NoReturn

from pydantic import JsonValue

from tinynet.errors import Problem, SpecError
from tinynet.text.json_mistakes import explain

MAX_BYTES = 2**20
"""Size of a text."""

MAX_DEPTH = 64
"""Nesting of arrays and objects."""

MAX_LENGTH = 10_000
"""Elements of one array, or keys of one object."""

MAX_VALUES = 150_000
"""Values of any kind in one text: fifteen for each of 10,000 nodes."""

MAX_KEY = 200
"""Characters of a key."""

MAX_DIGITS = 300
"""Digits of an integer: what a float could hold, too."""

MAX_PROBLEMS = 100
"""How many mistakes are told at once."""

MAX_COUNTED = 1_000
"""How many mistakes are looked for: one more cannot make a spec any worse."""

# A string that is never closed reaches to the end: looking for its end again and again would take
# quadratic time. The possessive quantifiers keep the pattern from remembering every character.
_STRING = r'"(?:[^"\\]++|\\.)*+"?'
_TOKEN = re.compile(rf"{_STRING}|[{{}}\[\]:,]|[^\s{{}}\[\]:,\"]+", re.DOTALL)
_STRUCTURE = re.compile(rf"{_STRING}|[{{}}\[\],]", re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_NEWLINE = re.compile(r"\r\n|\r|\n")


@dataclass(slots=True)
class _Place:
    """Where a value stands: offsets of its key (its own, in an array) and of itself."""

    key: int
    value: int
    parts: "dict[str, _Place] | list[_Place] | None" = None

    def part(self, name: str) -> "_Place | None":
        if isinstance(self.parts, dict):
            return self.parts.get(name)
        if isinstance(self.parts, list) and name.isdecimal() and int(name) < len(self.parts):
            return self.parts[int(name)]
        return None

    @property
    def next_index(self) -> int:
        return len(self.parts or ())

    def add(self, key: str | None, place: "_Place") -> None:
        if isinstance(self.parts, list):
            self.parts.append(place)
        elif self.parts is not None and key is not None:
            self.parts[key] = place


class Document:
    """A parsed JSON text.

    Attributes:
        text: The text, without a byte-order mark.
        source: The name of the file it came from, or None.
        value: What it says.
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
        lengths: list[int] = []  # of what is open
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
                    self._fail(f"a list or an object of more than {MAX_LENGTH:,} parts", start)
            if len(lengths) > MAX_DEPTH:
                self._fail(f"nested more than {MAX_DEPTH} deep", start)
            if values > MAX_VALUES:
                self._fail(f"more than {MAX_VALUES:,} values", start)

    def _object(self, pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
        found = dict(pairs)
        self._has_bad_keys |= len(found) < len(pairs) or any(len(key) > MAX_KEY for key in found)
        return found

    def _refuse_keys(self) -> NoReturn:
        problems = []
        for path, holder, place in self._walk():
            key = path[-1] if path else 0
            if holder is None or not isinstance(key, str):
                continue
            line, column = self._line_column(place.key)
            if holder.part(key) is not None:
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
                    "a string holds half of a surrogate pair, which is no character", token.start()
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
        """Where the first refused number stands; text may follow it that is no JSON."""
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
        """(path, what holds it, its place) of every value, in order of the text.

        A place becomes part of its holder after it was handed out. The path is always the same
        list: copy what is to stay.
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
            if holder is not None and isinstance(holder.parts, dict) and key is None:
                key, key_start = json.loads(text), start
                continue
            place = _Place(start if key is None else key_start, start)
            if holder is not None:
                path[len(holders) - 1 :] = [holder.next_index if key is None else key]
            yield path, holder, place
            if holder is not None:
                holder.add(key, place)
            key = None
            if text in "[{":
                place.parts = [] if text == "[" else {}
                holders.append(place)

    @cached_property
    def _root(self) -> _Place:
        places = self._walk()
        _, _, root = next(places)
        for _ in places:
            pass
        return root

    def locate(self, pointer: str, *, key: bool = False) -> tuple[int, int]:
        """(line, column) of a value, or of its key; of the nearest container if it is missing."""
        place, rest = self._descend(pointer)
        return self._line_column(place.key if key and not rest else place.value)

    def nearest(self, pointer: str) -> str:
        """A pointer, cut to what the text has."""
        _, rest = self._descend(pointer)
        return pointer.removesuffix(join_pointer(rest))

    def place(self, problem: Problem) -> Problem:
        """The problem with line and column, its pointer cut to what the text has."""
        line, column = self.locate(problem.pointer, key=isinstance(problem, KeyProblem))
        pointer = self.nearest(problem.pointer)
        return replace(problem, pointer=pointer, line=line, column=column)

    def _descend(self, pointer: str) -> tuple[_Place, list[str]]:
        """The place that a pointer leads to, or the last on its way, and what is left of it."""
        place, names = self._root, split_pointer(pointer)
        for index, name in enumerate(names):
            part = place.part(name)
            if part is None:
                return place, names[index:]
            place = part
        return place, []


def plain(value: Any) -> JsonValue:
    """What JSON would say of ``value``: a copy, within the same bounds as a text.

    Raises:
        SpecError: if it is not JSON data.
    """
    try:
        return Document(json.dumps(value, allow_nan=False)).value
    except (TypeError, ValueError, RecursionError) as error:
        raise SpecError(f"not JSON data: {error}") from error
    except SpecError as error:
        raise SpecError([Problem(p.message, p.pointer) for p in error.problems]) from None


class KeyProblem(Problem):
    """A mistake in a key: it stands where the key stands, not its value."""


def first_problems(problems: list[Problem]) -> list[Problem]:
    """The first `MAX_PROBLEMS` of them, and how many more there are, as far as anybody counts."""
    rest = len(problems) - MAX_PROBLEMS
    if rest <= 0:
        return problems
    limit = MAX_COUNTED - MAX_PROBLEMS
    more = f"and {rest} more" if rest < limit else f"and at least {limit} more"
    return [*problems[:MAX_PROBLEMS], Problem(more)]


def join_pointer(path: list[str] | list[int | str]) -> str:
    """The JSON pointer (RFC 6901) of a path of keys and indices."""
    return "".join([f"/{part}" if isinstance(part, int) else _escaped(part) for part in path])


def _escaped(key: str) -> str:
    return "/" + key.replace("~", "~0").replace("/", "~1")


def split_pointer(pointer: str) -> list[str]:
    """The path of a JSON pointer; the inverse of `join_pointer`, indices as text."""
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def _cut(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."
