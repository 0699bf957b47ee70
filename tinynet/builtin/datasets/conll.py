"""Files with a token and its tag on each line."""

import os
from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from tinynet import dataset
from tinynet.builtin.datasets._text_options import EncodedConfig
from tinynet.builtin.datasets._texts import (
    Row,
    TextDataset,
    input_rows,
    refuse,
    rows_of_objects,
    tag_target,
)
from tinynet.dataset import FilePath, InputRows, State
from tinynet.errors import DataError
from tinynet.files.text_files import read_lines
from tinynet.text.mistakes import AlsoCalled

_DOCUMENT = "-DOCSTART-"
"""The token of lines that only mark the start of a document."""


def _character(text: str | None) -> str | None:
    if text is not None and (len(text) != 1 or text in "\r\n\0"):
        raise PydanticCustomError("delimiter", "set one character, such as '\\t', or null")
    return text


class CoNLL(TextDataset):
    """A tag for each token of a sentence, in columns: input () and target (), text.

    Each line has the columns of one token, and a blank line ends a sentence, as in the files of the
    CoNLL shared tasks (E. Tjong Kim Sang and F. De Meulder, "Introduction to the CoNLL-2003 Shared
    Task", 2003). Sentences are the tokens, and targets the tags, between spaces: `vocabulary` has
    ``"unit": "whitespace"`` for both. Lines that start with ``-DOCSTART-`` are skipped, and the
    file may be gzipped.

    Raises:
        DataError: naming the lines with another number of columns.
    """

    example: ClassVar = {"path": "train.conll"}

    class Config(EncodedConfig):
        """Parameters of `conll`."""

        path: FilePath = Field(description="The file, with a token on each line.")
        token: Annotated[int, AlsoCalled(("word", "text", "token_column"))] = Field(
            default=0, description="The column of tokens, counted from 0; -1 is the last."
        )
        tag: Annotated[int, AlsoCalled(("label", "target", "tag_column"))] = Field(
            default=-1, description="The column of tags, counted from 0; -1 is the last."
        )
        delimiter: Annotated[
            str | None, AfterValidator(_character), AlsoCalled(("sep", "separator"))
        ] = Field(
            default=None, description="The character between two columns; null: any white space."
        )
        comment_prefix: str | None = Field(
            default=None, min_length=1, description="The start of lines that are skipped."
        )

    def __init__(self, config: Config) -> None:
        texts: list[str] = []
        tags: list[str] = []
        starts = array("q")
        for start, rows in _sentences(config, config.path):
            texts.append(" ".join(row[config.token] for row in rows))
            tags.append(" ".join(row[config.tag] for row in rows))
            starts.append(start)
        if not texts:
            raise DataError(f"{config.path} has no sentences")

        def where(row: int) -> str:
            return f"{config.path}, line {starts[row]}"

        super().__init__(texts, where, tag_target(texts, tags, where, where))

    input_endings = (".conll", ".bio", ".iob", ".txt")
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
        """Read the sentences of a file, whose tags may be missing, or a list of sentences.

        ``keep`` may name ``text``.
        """
        if isinstance(source, str | os.PathLike):
            rows = _rows_of_file(config, os.fspath(source))
        else:
            rows = rows_of_objects(source)
        yield from input_rows(rows, keep, "error", "sentences")


def _rows_of_file(config: CoNLL.Config, path: str) -> Iterator[Row]:
    for number, (start, rows) in enumerate(_sentences(config, path, tagged=False)):
        text = " ".join(row[config.token] for row in rows)
        yield Row(number, text, f"{path}, line {start}", {"text": text})


def _sentences(
    config: CoNLL.Config, path: str, *, tagged: bool = True
) -> Iterator[tuple[int, list[list[str]]]]:
    """Yield the number of the first line of each sentence, and the columns of its tokens.

    Raises:
        DataError: after the last sentence, for lines that lack a column, or have another number of
            them than the first line.
    """
    rows: list[list[str]] = []
    faults: list[str] = []
    start = width = 0
    for number, line in enumerate(read_lines(path, config.encoding), 1):
        columns = line.split(config.delimiter)
        if not line.strip():
            if rows:
                yield start, rows
            rows = []
            continue
        if columns[0] == _DOCUMENT or (
            config.comment_prefix and line.startswith(config.comment_prefix)
        ):
            continue
        width = width or len(columns)
        if fault := _fault(config, columns, width, tagged):
            faults.append(f"{path}, line {number} {fault}")
            continue
        start = start if rows else number
        rows.append(columns)
    refuse(
        faults,
        'correct these lines, or set "token", "tag" and "delimiter" to the columns of the file',
    )
    if rows:
        yield start, rows


def _fault(config: CoNLL.Config, columns: Sequence[str], width: int, tagged: bool) -> str:
    """Describe what is wrong with the columns of a line; empty if nothing is."""
    if len(columns) != width:
        return f"has {len(columns)} columns, but the first line has {width}"
    named = {"token": config.token, "tag": config.tag} if tagged else {"token": config.token}
    for name, column in named.items():
        if not -width <= column < width:
            return f"has {width} columns, and no column {column} of the {name}"
        if len(columns[column].split()) != 1:
            return f"has the {name} {columns[column]!r}, but white space separates tokens"
    if tagged and config.token % width == config.tag % width:
        return f"has one column, {columns[0]!r}, which cannot be both token and tag"
    return ""
