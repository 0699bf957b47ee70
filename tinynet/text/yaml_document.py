"""A YAML text with the place of every value, as strict as JSON.

It is built from the events of ruamel.yaml's parser, not by its constructors: YAML 1.2, whose only
booleans are true and false, without tags, anchors and aliases. So a text holds nothing that JSON
cannot hold, and its values are no more than those that it shows.
"""

import math
import re
from collections.abc import Iterator
from typing import Any

from pydantic import JsonValue

from tinynet.errors import Problem, SpecError
from tinynet.extras import importing
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

ENDINGS = (".yaml", ".yml")
"""Endings of YAML files, in lower case."""

_WORDS: dict[str, JsonValue] = {
    **dict.fromkeys(["", "~", "null", "Null", "NULL"]),
    **dict.fromkeys(["true", "True", "TRUE"], True),
    **dict.fromkeys(["false", "False", "FALSE"], False),
}
"""The words of YAML 1.2 that are not text."""

_INTEGER = re.compile(r"[-+]?[0-9]+")
_OTHER_BASE = re.compile(r"0x[0-9a-fA-F]+|0o[0-7]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_JSON = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_LEADING_ZEROS = re.compile(r"[-+]?0[0-9]+")

_REMEDIES = {
    "found character '\\t'": "; indent with spaces, not tabs",
    "mapping values are not allowed here": "; put text with a colon in quotes, and check the"
    " indentation",
    "found character '@'": "; put the text in quotes",
    "found character '%'": "; put the text in quotes",
}
"""The remedies for messages of the parser, by their beginnings."""


class YamlDocument(PlacedText):
    """A parsed YAML text."""

    def __init__(self, data: bytes | str, source: str | None = None) -> None:
        """Parse ``data``.

        Raises:
            SpecError: if it is not one YAML value that JSON can hold, within the bounds; with line
                and column.
            MissingPackageError: if ruamel.yaml is not installed.
        """
        super().__init__(data, source)
        with importing("yaml", "a spec in YAML"):
            from ruamel.yaml import YAML
            from ruamel.yaml.error import MarkedYAMLError, YAMLError
        self._events: Iterator[Any] = iter(YAML(typ="safe", pure=True).parse(self.text))
        self._values = 0
        self._repeated: list[Problem] = []
        try:
            self.value, self._top = self._document()
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            message = ": ".join(str(part) for part in (error.context, error.problem) if part)
            remedy = _remedy(error.problem)
            if opening := _unclosed(error):
                # The parser only notices it further down, often at the end of the file.
                mark, remedy = error.context_mark, f"; close the {opening} that opens here"
            self._fail(f"not YAML: {message}{remedy}", mark.index if mark else 0)
        except YAMLError as error:  # a character that YAML does not allow
            reason = getattr(error, "reason", "it cannot be read")
            self._fail(f"not YAML: {reason}", int(getattr(error, "position", 0)))
        if self._repeated:
            raise SpecError(first_problems(self._repeated), self.source)

    @property
    def _root(self) -> Place:
        return self._top

    def _document(self) -> tuple[JsonValue, Place]:
        next(self._events)  # the start of the stream
        if _kind(next(self._events)) != "DocumentStart":
            self._fail("the file is empty; a spec is an object of keys and values", 0)
        found = self._read(next(self._events), ())
        next(self._events)  # the end of the document
        further = next(self._events)
        if _kind(further) != "StreamEnd":
            self._fail("a second document starts here; a spec is one", _offset(further))
        return found

    def _read(
        self, event: Any, path: tuple[int | str, ...], key: int | None = None
    ) -> tuple[JsonValue, Place]:
        """Return the value that an event begins, and its place.

        Args:
            event: The event.
            path: The keys and indices that lead to the value.
            key: The offset of its key; None for the whole value or an element of an array.
        """
        self._require_plain(event)
        kind, start = _kind(event), _offset(event)
        self._values += 1
        if self._values > MAX_VALUES:
            self._fail(f"a spec must have at most {MAX_VALUES:,} values", start)
        if len(path) >= MAX_DEPTH and kind != "Scalar":
            self._fail(f"values must be nested at most {MAX_DEPTH} deep", start)
        if kind == "Scalar":
            # A value that is left out would be on the line of the next key.
            left_out = key is not None and not event.value and event.style is None
            own = key if key is not None and left_out else start
            return self._scalar(event), Place(start if key is None else key, own, False)
        place = Place(start if key is None else key, start, kind == "MappingStart")
        return (self._members if place.is_object else self._elements)(path, place), place

    def _elements(self, path: tuple[int | str, ...], place: Place) -> JsonValue:
        elements: list[JsonValue] = []
        while _kind(event := next(self._events)) != "SequenceEnd":
            index = len(elements)
            value, place.parts[str(index)] = self._read(event, (*path, index))
            elements.append(value)
            self._require_length(len(elements), event)
        return elements

    def _members(self, path: tuple[int | str, ...], place: Place) -> JsonValue:
        members: dict[str, JsonValue] = {}
        while _kind(event := next(self._events)) != "MappingEnd":
            name, start = self._key(event), _offset(event)
            value, own = self._read(next(self._events), (*path, name), start)
            if name in members:
                message = f"the key {name!r} is written twice; keep one of the two"
                line, column = self._line_column(start)
                self._repeated.append(Problem(message, join_pointer((*path, name)), line, column))
            members[name], place.parts[name] = value, own
            self._require_length(len(members), event)
        return members

    def _key(self, event: Any) -> str:
        """Return a key as it is written: 1 is the key "1", as in JSON."""
        self._require_plain(event)
        if _kind(event) != "Scalar":
            self._fail("a key must be text, not a list or an object", _offset(event))
        name = str(event.value)
        if event.style is None and name != name.strip():  # YAML removes other spaces itself
            space = name[0] if name[0].isspace() else name[-1]
            self._fail(
                f"a space of another kind (U+{ord(space):04X}) stands beside the key"
                f" {name.strip()!r}; replace it with an ordinary space",
                _offset(event),
            )
        if name == "<<" and event.style is None:
            self._fail(
                'the merge key "<<" is not supported; use "vars" and "blocks"', _offset(event)
            )
        if len(name) > MAX_KEY:
            self._fail(f"a key has at most {MAX_KEY} characters, not {len(name):,}", _offset(event))
        return name

    def _scalar(self, event: Any) -> JsonValue:
        """Return a text in quotes as it is, and any other as YAML 1.2 reads it."""
        text = str(event.value)
        if event.style is not None:
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _LEADING_ZEROS.fullmatch(text):
            self._fail(
                f'{text} has leading zeros; write "{text}" for a text, or {int(text)} for a number',
                _offset(event),
            )
        if _NOT_JSON.fullmatch(text):
            self._fail(f"{text} is not a number of a spec", _offset(event))
        if (in_base := _OTHER_BASE.fullmatch(text)) or _INTEGER.fullmatch(text):
            if len(text) > MAX_DIGITS:
                self._fail(f"an integer of {len(text):,} digits is too large", _offset(event))
            return int(text, 0 if in_base else 10)
        if not _FLOAT.fullmatch(text):
            return text
        number = float(text)
        if math.isinf(number):
            self._fail(f"{text[:40]} is too large for a number", _offset(event))
        return number

    def _require_plain(self, event: Any) -> None:
        """Refuse what JSON does not have: tags, anchors and aliases."""
        found = None
        if _kind(event) == "Alias":
            found = f"the alias *{event.anchor}"
        elif event.anchor is not None:
            found = f"the anchor &{event.anchor}"
        if found is not None:
            self._fail(f'{found} is not supported; use "vars" and "blocks"', _offset(event))
        if event.tag is not None:
            self._fail(f"the tag {event.tag} is not supported; remove it", _offset(event))

    def _require_length(self, length: int, event: Any) -> None:
        if length > MAX_LENGTH:
            self._fail(
                f"a list or object must have at most {MAX_LENGTH:,} elements", _offset(event)
            )


def _kind(event: Any) -> str:
    return type(event).__name__.removesuffix("Event")


def _offset(event: Any) -> int:
    offset: int = event.start_mark.index
    return offset


def _unclosed(error: Any) -> str:
    """Return the name of what was opened on an earlier line and not closed; empty if nothing."""
    if error.context_mark is None or error.problem_mark is None:
        return ""
    names = {
        "while scanning a quoted scalar": "quote",
        "while parsing a flow mapping": "{",
        "while parsing a flow sequence": "[",
    }
    is_later = error.problem_mark.line > error.context_mark.line
    return names.get(str(error.context), "") if is_later or "end" in str(error.problem) else ""


def _remedy(problem: str | None) -> str:
    return next((r for start, r in _REMEDIES.items() if (problem or "").startswith(start)), "")
