"""A JSON text, with the place of every value.

Parsing is strict: duplicate keys, NaN, and numbers beyond float64 are errors. Sizes are checked
before anything is built from the text. Positions are computed by a second pass over the text, on
demand, since only errors need them.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Any, NoReturn

from pydantic import JsonValue

from tinynet.errors import Problem, SpecError
from tinynet.text.json_mistakes import explain
from tinynet.text.places import (
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_KEY,
    MAX_LENGTH,
    MAX_VALUES,
    Place,
    PlacedText,
    first_problems,
    join_pointer,
)

LARGEST_INTEGER = 2**53
"""Integers up to here equal a float."""

# A string without an end reaches to the end of the text, and searching it repeatedly would take
# quadratic time. The possessive quantifiers avoid backtracking.
_STRING = r'"(?:[^"\\]++|\\.)*+"?'
_TOKEN = re.compile(rf"{_STRING}|[{{}}\[\]:,]|[^\s{{}}\[\]:,\"]+", re.DOTALL)
_STRUCTURE = re.compile(rf"{_STRING}|[{{}}\[\],]", re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")


class Document(PlacedText):
    """A parsed JSON text."""

    def __init__(self, data: bytes | str, source: str | None = None) -> None:
        """Parse ``data``.

        Raises:
            SpecError: if it is not one JSON value within the bounds; with line and column.
        """
        super().__init__(data, source)
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

    def _walk(self) -> Iterator[tuple[list[int | str], Place | None, Place]]:
        """Yield path, container and place of every value, in the order of the text.

        The path is always the same list; copy it to keep it.
        """
        path: list[int | str] = []
        holders: list[Place] = []
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
            place = Place(start if key is None else key_start, start, text == "{")
            if holder is not None:
                path[len(holders) - 1 :] = [len(holder.parts) if key is None else key]
            yield path, holder, place
            if holder is not None:
                holder.parts[str(path[-1])] = place
            key = None
            if text in "[{":
                holders.append(place)

    @cached_property
    def _root(self) -> Place:
        places = self._walk()
        _, _, root = next(places)
        for _ in places:
            pass
        return root


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


def _cut(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."
