"""Files with a token and its tag on each line."""

import os
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, JsonValue
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
        inferred: dict[str, JsonValue] | None = Field(
            default=None,
            description="The number of columns that tinynet found; written into the spec of a run.",
        )

    def __init__(self, config: Config) -> None:
        texts: list[str] = []
        tags: list[str] = []
        starts = array("q")
        columns = 0
        for start, rows in _sentences(config, config.path):
            columns = columns or len(rows[0])
            texts.append(" ".join(row[config.token] for row in rows))
            tags.append(" ".join(row[config.tag] for row in rows))
            starts.append(start)
        if not texts:
            raise DataError(f"{config.path} has no sentences")

        def where(row: int) -> str:
            return f"{config.path}, line {starts[row]}"

        super().__init__(texts, where, tag_target(texts, tags, where, where))
        self.inferred: Mapping[str, JsonValue] = config.inferred or {"columns": columns}

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
        """Read the sentences of a file, or a list of sentences.

        The file has the columns of the training file, perhaps without tags, or one word on each
        line, or one sentence on each line. ``keep`` may name ``text``.
        """
        if isinstance(source, str | os.PathLike):
            rows = _rows_of_file(config, os.fspath(source))
        else:
            rows = rows_of_objects(source)
        yield from input_rows(rows, keep, "error", "sentences")


def _rows_of_file(config: CoNLL.Config, path: str) -> Iterator[Row]:
    if _has_sentences(config, path):
        texts = ((start, " ".join(line.split())) for start, line in _lines(config, path))
    else:
        sentences = _sentences(config, path, tagged=False)
        texts = ((start, " ".join(row[config.token] for row in rows)) for start, rows in sentences)
    for number, (start, text) in enumerate(texts):
        yield Row(number, text, f"{path}, line {start}", {"text": text})


def _lines(config: CoNLL.Config, path: str) -> Iterator[tuple[int, str]]:
    """Yield number and text of each line that is not blank and not skipped."""
    for number, line in enumerate(read_lines(path, config.encoding), 1):
        if line.strip() and not _is_skipped(config, line):
            yield number, line


def _is_skipped(config: CoNLL.Config, line: str) -> bool:
    is_comment = config.comment_prefix is not None and line.startswith(config.comment_prefix)
    return is_comment or line.split(config.delimiter)[0] == _DOCUMENT


def _has_sentences(config: CoNLL.Config, path: str) -> bool:
    """Return True for a file with a sentence on each line, instead of a word.

    Raises:
        DataError: for lines that all have the same number of columns, but another than in training.
    """
    trained = (config.inferred or {}).get("columns")
    widths = Counter(len(line.split(config.delimiter)) for _, line in _lines(config, path))
    if not widths:
        return False
    if config.delimiter is not None:
        return {*widths} == {1} and any(len(line.split()) > 1 for _, line in _lines(config, path))
    lines, (width, most) = widths.total(), widths.most_common(1)[0]
    if lines == 1 or len(widths) > 1:
        # Lines of columns of which some are damaged are reported when they are read.
        return width > 1 and (lines == 1 or most <= lines / 2 or trained not in (None, width))
    without_tag = trained - 1 if isinstance(trained, int) and config.tag in (-1, trained - 1) else 1
    if trained is not None and width not in (1, trained, without_tag):
        raise DataError(
            f"{path} has {width} columns, but the model was trained on a file with {trained}; give"
            " it these columns, or one word on each line and a blank line after each sentence"
        )
    return False


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
        if _is_skipped(config, line):
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
