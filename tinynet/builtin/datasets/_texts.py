"""A dataset of texts in memory, with a label, a number or tags for each of them."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from xxhash import xxh3_128

from tinynet.builtin.datasets._arrays import MAX_CLASSES
from tinynet.dataset import TEXT, Batch, Field, InputRows
from tinynet.errors import DataError
from tinynet.files.csv_rows import parse_numbers, quote_cell
from tinynet.text.wording import suggest
from tinynet.types import Array

KEEP_EMPTY = ', or set "empty": "skip" to leave them out, or "keep" for samples without any token'
"""The other ways to treat empty texts, for messages."""

MAX_SHOWN = 5
"""Samples with a fault that a message lists."""

CHUNK = 1024
"""Texts that are read for prediction at a time."""


@dataclass(frozen=True)
class Target:
    """The target of each text.

    Attributes:
        values: The targets, (N,).
        field: Their description.
        where: Return the origin of a target, for messages.
    """

    values: Array
    field: Field
    where: Callable[[int], str]


class TextDataset:
    """Texts of any length, each held once.

    The fingerprint (XXH3, 128 bits) covers all that `gather` can return, but not where the texts
    lie or in which encoding.

    Args:
        texts: The texts.
        where: Return the origin of a text, for messages.
        target: The targets, or None.
    """

    def __init__(
        self, texts: Sequence[str], where: Callable[[int], str], target: Target | None
    ) -> None:
        self._texts = as_array(texts)
        self._where, self._target = where, target
        tagged = target is not None and target.field.dtype == TEXT
        self.inputs = {"input": Field((), TEXT, text_unit="whitespace" if tagged else None)}
        self.targets = {} if target is None else {"target": target.field}
        digest = xxh3_128()
        for values in [self._texts] if target is None else [self._texts, target.values]:
            if values.dtype != object:
                digest.update(values.tobytes())
                continue
            for text in values:
                content = text.encode()
                digest.update(b"%d:" % len(content))
                digest.update(content)
        classes = None if target is None else target.field.classes
        digest.update(json.dumps([sorted(self.targets), classes]).encode())
        self.fingerprint = digest.hexdigest()

    def __len__(self) -> int:
        return len(self._texts)

    def gather(self, indices: Array) -> Batch:
        """Return the samples at ``indices`` (N,), in arrays of the caller's own."""
        rows = np.asarray(indices)
        targets = {} if self._target is None else {"target": self._target.values[rows]}
        return Batch({"input": self._texts[rows]}, targets)

    def description(self) -> list[str]:
        """Return the numbers of texts and of their characters."""
        lengths = [len(text) for text in self._texts]
        low, high, mean = min(lengths), max(lengths), sum(lengths) / len(lengths)
        return [f"{len(self):,} texts of {low:,} to {high:,} characters, {mean:,.0f} on average"]

    def where(self, index: int) -> str:
        """File, and line, of a sample."""
        return self._where(index)

    def where_in(self, name: str, index: int) -> str:
        """File, and line, of a sample's text or target."""
        of_target = name == "target" and self._target is not None
        return self._target.where(index) if of_target and self._target else self._where(index)


def as_array(texts: Sequence[str]) -> Array:
    """Return texts as an array (N,) of objects."""
    values = np.empty(len(texts), object)
    values[:] = texts
    return values


# Targets --------------------------------------------------------------------------------------


def class_target(
    labels: Sequence[str], classes: Sequence[str] | None, place: str, where: Callable[[int], str]
) -> Target:
    """Return labels as classes, sorted (integers by value) unless ``classes`` gives them.

    Raises:
        DataError: for labels that are not in ``classes``, for a single class, and for too many.
    """
    names = sorted(set(labels), key=_order_key) if classes is None else list(classes)
    if len(names) > MAX_CLASSES and classes is None:
        raise DataError(
            f"{place}: {len(names):,} different labels, such as {quote_cell(names[0])}; at most"
            f' {MAX_CLASSES:,} are accepted as classes. For numbers, set "target": "number"'
        )
    if len(names) == 1:
        raise DataError(
            f"{place}: every label is {quote_cell(names[0])}, but a classifier needs two classes;"
            ' if the others are in another part of the data, list all in "classes"'
        )
    index = {name: position for position, name in enumerate(names)}
    refuse(
        (
            f"{where(row)}: {quote_cell(label)} is not one of the classes; {suggest(label, names)}"
            for row, label in enumerate(labels)
            if label not in index
        ),
        'correct these labels, or add them to "classes"',
    )
    values = np.array([index[label] for label in labels], np.int64)
    return Target(values, Field((), "int64", tuple(names)), where)


def number_target(labels: Sequence[str], where: Callable[[int], str]) -> Target:
    """Return labels as numbers, float64.

    Raises:
        DataError: listing labels that are not finite numbers.
    """
    parsed = [parse_numbers([label]) for label in labels]
    refuse(
        (
            f"{where(row)}: {quote_cell(labels[row])} is not a finite number"
            for row, number in enumerate(parsed)
            if number is None
        ),
        'correct these labels, or set "target": "class"',
    )
    values = np.array([number[0] for number in parsed if number is not None], np.float64)
    return Target(values, Field((), "float64"), where)


def tag_target(
    texts: Sequence[str],
    tags: Sequence[str],
    where_text: Callable[[int], str],
    where: Callable[[int], str],
) -> Target:
    """Return a tag for each word of each text, as a text of tags between white space.

    Raises:
        DataError: listing texts with another number of words than of tags.
    """
    counts = ((row, len(texts[row].split()), len(tags[row].split())) for row in range(len(tags)))
    refuse(
        (
            f"{where_text(row)} has {words:,} words, but {where(row)} has {count:,} tags"
            for row, words, count in counts
            if words != count
        ),
        "give each word one tag; white space separates words as well as tags",
    )
    return Target(as_array(tags), Field((), TEXT, text_unit="whitespace"), where)


def _order_key(label: str) -> tuple[bool, int, str]:
    is_integer = label.isascii() and label.removeprefix("-").isdecimal() and len(label) < 19
    return not is_integer, int(label) if is_integer else 0, label


# Faults ---------------------------------------------------------------------------------------


def refuse(faults: Iterable[str], remedy: str) -> None:
    """Raise `DataError` if there are faults: the first of them, their number, and what to do."""
    shown: list[str] = []
    count = 0
    for fault in faults:
        count += 1
        if count <= MAX_SHOWN:
            shown.append(fault)
    if count:
        more = [f"and {count - MAX_SHOWN:,} more"] if count > MAX_SHOWN else []
        raise DataError("\n  ".join([*shown, *more]) + f"; {remedy}")


def refuse_empty(places: Sequence[str], what: str, others: str = "") -> None:
    """Raise `DataError` if there are empty texts at ``places``.

    Args:
        places: Their origins.
        what: Name of such sources, for the remedy.
        others: Further remedies.
    """
    faults = (f"{place} is empty, or white space" for place in places)
    refuse(faults, f"remove such {what}{others}")


# Prediction -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """One text for prediction.

    Attributes:
        number: Its number in its source, counted from 0.
        text: The text.
        place: Its origin, for messages.
        columns: Its values by the names that `keep` may have.
    """

    number: int
    text: str
    place: str
    columns: Mapping[str, Any]


def input_rows(
    rows: Iterable[Row], keep: Sequence[str], empty: str, what: str
) -> Iterator[InputRows]:
    """Yield texts for prediction, `CHUNK` at a time; those without a word as ``empty`` says.

    Raises:
        DataError: for columns that do not exist, for empty texts, and for no text at all.
    """
    chunk: list[Row] = []
    skipped = 0
    blank: list[str] = []
    count = 0
    for row in rows:
        if missing := [name for name in keep if name not in row.columns]:
            raise DataError(
                f"{row.place} has no column {missing[0]!r} to keep;"
                f" {suggest(missing[0], row.columns)}"
            )
        if empty != "keep" and not row.text.strip():
            if empty == "error":
                blank.append(row.place)
            skipped += 1
            continue
        chunk.append(row)
        count += 1
        if len(chunk) == CHUNK:
            refuse_empty(blank, what)
            yield _rows(chunk, keep, skipped)
            chunk, skipped = [], 0
    refuse_empty(blank, what)
    if not count:
        raise DataError("there is no text to predict; give at least one")
    if chunk or skipped:
        yield _rows(chunk, keep, skipped)


def _rows(chunk: Sequence[Row], keep: Sequence[str], skipped: int) -> InputRows:
    return InputRows(
        {"input": as_array([row.text for row in chunk])},
        np.array([row.number for row in chunk]),
        [row.place for row in chunk],
        {name: [row.columns[name] for row in chunk] for name in keep},
        skipped,
    )


def rows_of_objects(source: Any) -> Iterator[Row]:
    """Yield texts that are objects in memory: a list or an array of them, or a column of a table.

    Raises:
        DataError: for anything else, and for values that are no text.
    """
    columns: dict[str, list[Any]] = {}
    if hasattr(source, "columns") or isinstance(source, Mapping):
        columns = {str(name): _items(source[name]) for name in source}
        texts = columns[_column_of_texts(columns)]
        if any(len(values) != len(texts) for values in columns.values()):
            raise DataError("the columns differ in length; give as many values in each")
    elif isinstance(source, str | bytes) or not isinstance(source, Iterable):
        raise DataError(f"a list of texts is expected, not {type(source).__name__}")
    else:
        texts = list(source)
    faults = [(row, fault) for row, text in enumerate(texts) if (fault := _fault(text))]
    refuse(
        (f"text {row} (counted from 0) is {fault}" for row, fault in faults),
        "give each text as str",
    )
    for row, text in enumerate(texts):
        own = {name: values[row] for name, values in columns.items()}
        yield Row(row, str(text), f"text {row} (counted from 0)", {**own, "text": text})


def _items(column: Any) -> list[Any]:
    """Return the values of a column; a single one is a column of its own."""
    return list(column if isinstance(column, list | tuple) else np.atleast_1d(column))


def _column_of_texts(columns: Mapping[str, Any]) -> str:
    """Return the name of the column "input" or "text", or of the only one."""
    names = [name for name in ("input", "text") if name in columns]
    if not names and len(columns) != 1:
        raise DataError(
            "the texts must be in a column 'input' or 'text'; there are"
            f" {', '.join(map(repr, columns)) or 'no columns'}"
        )
    return names[0] if names else next(iter(columns))


def _fault(text: Any) -> str:
    if not isinstance(text, str):
        return f"{type(text).__name__}, not str"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "half of a Unicode character"
    return ""
