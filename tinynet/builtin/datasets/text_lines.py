"""Files with a text on each line."""

import os
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from tinynet import dataset
from tinynet.builtin.datasets._text_options import TextConfig
from tinynet.builtin.datasets._texts import (
    KEEP_EMPTY,
    Row,
    Target,
    TextDataset,
    class_target,
    input_rows,
    number_target,
    refuse,
    refuse_empty,
    rows_of_objects,
    tag_target,
)
from tinynet.dataset import FilePath, InputRows, State
from tinynet.errors import DataError
from tinynet.files.available_memory import require_memory
from tinynet.files.text_files import read_lines
from tinynet.text.mistakes import AlsoCalled

_BYTES_HELD = 2
"""Bytes of memory for each byte of a file: its text, and the object that holds it."""


class TextLines(TextDataset):
    """A text for each line: input (), text. Its target is a class, a number, or a tag per word.

    Labels are the lines of a file of their own, or stand in the line of the text, with a tab
    between both; without either there is no target. With ``"target": "tags"`` a label has one tag
    for each word of the text, and white space separates tags as well as words: for the array
    "target", too, `vocabulary` then has ``"unit": "whitespace"``.

    Files may be gzipped. A line ends in LF, CR LF or CR.

    Raises:
        DataError: naming the lines that are no text, are empty, or have no label.
    """

    example: ClassVar = {"path": "reviews.txt", "labels": "stars.txt"}

    class Config(TextConfig):
        """Parameters of `text_lines`."""

        path: FilePath = Field(description="The file, with a text on each line.")
        labels: Annotated[FilePath | None, AlsoCalled(("targets", "tags", "labels_path"))] = Field(
            default=None, description="The file with the label of each line of `path`."
        )
        layout: Annotated[Literal["text", "label_text", "text_label"], AlsoCalled(("format",))] = (
            Field(
                default="text",
                description="The content of a line: a 'text', or a label and a text (or a text and"
                " a label) with a tab between both.",
            )
        )
        target: Annotated[
            Literal["class", "number", "tags"], AlsoCalled(("target_type", "label_type"))
        ] = Field(
            default="class",
            description="The kind of labels: a class, a number, or a tag for each word.",
        )
        classes: Annotated[tuple[str, ...] | None, AlsoCalled(("class_names",))] = Field(
            default=None,
            min_length=2,
            description="Names of the classes, in the order of their indices; by default the"
            " sorted labels.",
        )

        @model_validator(mode="after")
        def _one_place_of_labels(self) -> Self:
            if self.labels is not None and self.layout != "text":
                raise PydanticCustomError(
                    "layout",
                    'labels are in a file of their own, or in the lines; leave out "labels" or'
                    ' "layout"',
                )
            if self.classes is not None and self.target != "class":
                raise PydanticCustomError(
                    "classes", 'only classes have names; leave out "classes" or "target"'
                )
            return self

    def __init__(self, config: Config) -> None:
        texts, labels, numbers = _read(config)

        def where(row: int) -> str:
            return f"{config.path}, line {numbers[row]}"

        def where_label(row: int) -> str:
            return f"{config.labels or config.path}, line {numbers[row]}"

        target = None if labels is None else _target(config, texts, labels, where, where_label)
        super().__init__(texts, where, target)

    input_endings = (".txt",)
    takes_folders = False

    @classmethod
    def read_rows(
        cls,
        config: Config,
        source: Any,
        fields: Mapping[str, dataset.Field],
        state: State,
        keep: Sequence[str],
    ) -> Iterator[InputRows]:
        """Read a text from each line of a file, or from a list of texts.

        Lines may have labels as in training, either all or none of them. ``keep`` may name
        ``text``.
        """
        if isinstance(source, str | os.PathLike):
            rows = _rows_of_file(config, os.fspath(source))
        else:
            rows = rows_of_objects(source)
        yield from input_rows(rows, keep, config.empty, "lines")


def _read(config: TextLines.Config) -> tuple[list[str], list[str] | None, Sequence[int]]:
    """Return the texts, their labels, and the number of the line of each."""
    texts: list[str] = []
    labels: list[str] = []
    numbers = array("q")
    blank: list[str] = []
    without: list[str] = []
    shared: dict[str, str] = {}
    count = 0
    for number, line in enumerate(_lines(config.path, config.encoding), 1):
        count = number
        text, label = _parts(line, config.layout)
        if config.empty != "keep" and not text.strip():
            blank.append(f"{config.path}, line {number}")
            continue
        if label is None:
            without.append(f"{config.path}, line {number} has no tab between label and text")
        texts.append(text)
        numbers.append(number)
        label = (label or "").strip()
        labels.append(shared.setdefault(label, label))
    refuse(without, 'separate them by a tab, or set "layout": "text" with the labels in "labels"')
    if config.labels is not None:
        labels = _labels_of_lines(config, config.labels, numbers, count)
    if config.empty == "error":
        refuse_empty(blank, "lines", KEEP_EMPTY)
    if not texts:
        raise DataError(f"{config.path} has no text{' that is not empty' if count else ''}")
    has_labels = config.labels is not None or config.layout != "text"
    return texts, labels if has_labels else None, numbers


def _lines(path: str, encoding: str) -> Iterator[str]:
    """Yield the lines of a file that fits into memory."""
    if os.path.isfile(path):
        size = _BYTES_HELD * os.path.getsize(path)
        require_memory(path, size, "texts are read as a whole; use a part of them")
    yield from read_lines(path, encoding)


def _parts(line: str, layout: str) -> tuple[str, str | None]:
    """Return the text and the label of a line; None for a line without the tab of its layout."""
    if layout == "text":
        return line, ""
    if "\t" not in line:
        return line, None
    if layout == "label_text":
        label, _, text = line.partition("\t")
    else:
        text, _, label = line.rpartition("\t")
    return text, label


def _labels_of_lines(
    config: TextLines.Config, path: str, numbers: Sequence[int], count: int
) -> list[str]:
    """Return the labels of some lines, by their numbers, of a file with ``count`` labels."""
    lines = list(_lines(path, config.encoding))
    if len(lines) != count:
        raise DataError(
            f"{config.path} has {count:,} lines and {path} has {len(lines):,}; a label belongs to"
            " each text, so both need the same number"
        )
    return [lines[number - 1].strip() for number in numbers]


def _target(
    config: TextLines.Config,
    texts: Sequence[str],
    labels: Sequence[str],
    where: Callable[[int], str],
    where_label: Callable[[int], str],
) -> Target:
    if config.target == "tags":
        return tag_target(texts, labels, where, where_label)
    refuse(
        (f"{where_label(row)} has no label" for row, label in enumerate(labels) if not label),
        "give each text a label, or remove it",
    )
    if config.target == "number":
        return number_target(labels, where_label)
    return class_target(labels, config.classes, config.labels or config.path, where_label)


def _rows_of_file(config: TextLines.Config, path: str) -> Iterator[Row]:
    """Yield the texts of a file, without labels if all its lines have some."""
    labeled: bool | None = None
    for number, line in enumerate(read_lines(path, config.encoding), 1):
        text, label = _parts(line, config.layout)
        if config.layout != "text" and line.strip():
            labeled = label is not None if labeled is None else labeled
            if labeled != (label is not None):
                raise DataError(
                    f"{path}, line {number} has {'no' if labeled else 'a'} tab, unlike the lines"
                    " before it; give all lines a label and a tab, or none of them"
                )
        yield Row(number - 1, text, f"{path}, line {number}", {"text": text})
