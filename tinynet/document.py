"""A JSON text and where everything in it stands.

Parsing is as strict as JSON itself: duplicate keys, NaN, and numbers no float can hold are refused.
Sizes are bounded before anything is built from the text. Positions are found by a second pass over
the text, made only when somebody asks (which is when there is an error to explain).
"""

import json
import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any, NoReturn

from pydantic import JsonValue

from tinynet.errors import Problem, SpecError

MAX_BYTES = 2**20
"""Size of a text."""

MAX_DEPTH = 64
"""Nesting of arrays and objects."""

MAX_CONTAINERS = 60_000
"""Arrays and objects in one text: five for each of 10,000 nodes, and some."""

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_NEWLINE = re.compile(r"\r\n|\r|\n")


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
        self._has_duplicates = False
        try:
            self.value: JsonValue = json.loads(
                self.text,
                object_pairs_hook=self._object,
                parse_constant=self._constant,
                parse_float=self._float,
                parse_int=self._int,
            )
        except json.JSONDecodeError as error:
            self._fail(f"not JSON: {_explain(error, self.text)}", error.pos)
        if self._has_duplicates:
            self._refuse_duplicates()
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
                f" in line {line}",
                self.source,
            ) from error

    def _check_bounds(self) -> None:
        depth = containers = 0
        for token in _TOKEN.finditer(self.text):
            first = token.group()[0]
            if first in "[{":
                depth += 1
                containers += 1
                if depth > MAX_DEPTH:
                    self._fail(f"nested more than {MAX_DEPTH} deep", token.start())
                if containers > MAX_CONTAINERS:
                    self._fail(
                        f"more than {MAX_CONTAINERS:,} arrays and objects in one text",
                        token.start(),
                    )
            elif first in "]}":
                depth -= 1

    def _object(self, pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
        found = dict(pairs)
        self._has_duplicates |= len(found) < len(pairs)
        return found

    def _refuse_duplicates(self) -> NoReturn:
        seen: set[str] = set()
        problems = []
        for pointer, key_start, _ in self._walk():
            if pointer in seen:
                key = pointer.rpartition("/")[2]
                line, column = self._line_column(key_start)
                problems.append(Problem(f"the key {key!r} is here twice", pointer, line, column))
            seen.add(pointer)
        raise SpecError(problems, self.source)

    def _refuse_surrogates(self) -> None:
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
            self._fail(f"{digits} is too large for a number", self._find(digits))
        return value

    def _int(self, digits: str) -> int:
        if len(digits) > 300:
            self._fail(f"an integer of {len(digits):,} digits is too large", self._find(digits))
        return int(digits)

    def _find(self, token: str) -> int:
        return next((t.start() for t in _TOKEN.finditer(self.text) if t.group() == token), 0)

    def _fail(self, message: str, offset: int) -> NoReturn:
        line, column = self._line_column(offset)
        raise SpecError([Problem(message, "", line, column)], self.source)

    def _line_column(self, offset: int) -> tuple[int, int]:
        line, start = 1, 0
        for newline in _NEWLINE.finditer(self.text, 0, offset):
            line, start = line + 1, newline.end()
        return line, offset - start + 1

    def _walk(self) -> Iterator[tuple[str, int, int]]:
        """(pointer, start of its key, start of its value) of everything, in order of the text.

        An element of an array has no key: both starts are the value's.
        """
        pointers: list[str] = []
        indices: list[int | None] = []  # the next index of an open array, None for an object
        key: tuple[str, int] | None = None
        for token in _TOKEN.finditer(self.text):
            text, start = token.group(), token.start()
            if text in "]}":
                pointers.pop()
                indices.pop()
            elif text == ",":
                key = None
            elif text != ":":
                here = ""
                key_start = start
                if indices and (index := indices[-1]) is not None:
                    here = f"{pointers[-1]}/{index}"
                    indices[-1] = index + 1
                elif indices and key is None:
                    key = (json.loads(text), start)
                    continue
                elif indices and key is not None:
                    here, key_start = pointers[-1] + join_pointer([key[0]]), key[1]
                yield here, key_start, start
                key = None
                if text in "[{":
                    pointers.append(here)
                    indices.append(0 if text == "[" else None)

    @cached_property
    def _positions(self) -> dict[str, tuple[int, int]]:
        return {pointer: (key, value) for pointer, key, value in self._walk()}

    def locate(self, pointer: str, *, key: bool = False) -> tuple[int, int]:
        """(line, column) of a value, or of its key; of the nearest container if it is missing."""
        while pointer and pointer not in self._positions:
            pointer, key = pointer.rpartition("/")[0], False
        starts = self._positions.get(pointer, (0, 0))
        return self._line_column(starts[0] if key else starts[1])


def join_pointer(path: list[str] | list[int | str]) -> str:
    """The JSON pointer (RFC 6901) of a path of keys and indices."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def split_pointer(pointer: str) -> list[str]:
    """The path of a JSON pointer; the inverse of `join_pointer`, indices as text."""
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def value_at(document: Any, pointer: str) -> Any:
    """The value that a JSON pointer leads to.

    Raises:
        LookupError: if there is none.
    """
    for part in split_pointer(pointer):
        document = document[int(part) if isinstance(document, list) else part]
    return document


def _explain(error: json.JSONDecodeError, text: str) -> str:
    rest = text[error.pos :].lstrip()
    if not text.strip():
        return "the text is empty"
    if error.msg.startswith("Illegal trailing comma") or (
        error.msg.startswith("Expecting property name") and rest[:1] == "}"
    ):
        return "a comma before the closing bracket is not allowed"
    if error.msg.startswith("Expecting property name") and rest[:1] == "'":
        return "strings are written in double quotes"
    if error.msg.startswith("Expecting") and rest[:2] in ("//", "/*"):
        return 'JSON has no comments; write a "comment" key instead'
    if error.msg.startswith("Extra data"):
        return "something follows the end of the value"
    return error.msg[0].lower() + error.msg[1:]
