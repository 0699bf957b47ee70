"""Text tables (RFC 4180) read in blocks of whole rows, with checks that Python's `csv` omits."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import StringIO

import numpy as np

from tinynet.errors import DataError
from tinynet.files import csv_faults
from tinynet.files.csv_dialect import Dialect
from tinynet.files.encoded_lines import decode_block, whole_lines
from tinynet.files.packed import open_unpacked
from tinynet.types import Array

_SPACES = b" \t\x0b\x0c\x1c\x1d\x1e\x1f"
_LINE_FEED = 10


@dataclass(frozen=True)
class Block:
    """Consecutive rows of a table.

    Attributes:
        width: Cells of a row.
        cells: The cells, row by row, without white space around them.
        lines: Number (from 1) of the first line of each row, (rows,).
        underscores: False if no cell contains one.
    """

    width: int
    cells: list[str]
    lines: Array
    underscores: bool

    def __len__(self) -> int:
        return len(self.lines)

    def column(self, position: int) -> list[str]:
        """Return the cells of one column."""
        return self.cells[position :: self.width]


def read_blocks(
    path: str, dialect: Dialect, progress: Callable[[float], None] | None = None
) -> Iterator[Block]:
    """Yield the rows that are neither blank nor comments, some hundred kilobytes at a time.

    The file may be gzipped. The first block is the first row alone. ``progress`` is called after
    each block with the part of the file that has been read.

    Raises:
        DataError: with file and line, for text of another encoding, for text that breaks RFC 4180,
            and for rows with another number of cells than the first.
    """
    with open_unpacked(path) as file:
        rows = _Rows(path, dialect, whole_lines(path, file.stream, dialect.encoding))
        try:
            while (block := rows.read()) is not None:
                if block.lines.size:
                    yield block
                if progress is not None:
                    progress(file.fraction)
        except csv.Error as error:
            raise DataError(csv_faults.syntax(path, rows.line, error)) from error


@dataclass
class _Rows:
    """The rows of a file, whose blocks of lines are split here where they are plain."""

    path: str
    dialect: Dialect
    blocks: Iterator[bytes]
    line: int = 0  # the last one that was read
    _width: int = 0
    _header: list[str] = field(default_factory=list)  # the first row
    _rest: bytes = b""  # lines that were not read
    _record: int = 0  # the first line of a row; 0 before it is read
    _queue: StringIO = field(default_factory=StringIO)
    _last: int = 0  # the last line in `_queue`

    def __post_init__(self) -> None:
        self._reader = csv.reader(self._lines(), delimiter=self.dialect.delimiter, strict=True)
        self._spaces = _SPACES.replace(self.dialect.delimiter.encode(), b"")
        self._prefix = (self.dialect.comment_prefix or "").encode()

    def read(self) -> Block | None:
        """Return the rows of the next lines, which may be none; None at the end of the file."""
        if not self._width:
            return self._first()
        raw, self._rest = self._rest or next(self.blocks, b""), b""
        if not raw:
            return None
        plain = self._split(raw)
        return self._parse(raw) if plain is None else plain

    def _first(self) -> Block | None:
        for _ in range(self.dialect.skip_rows):
            if not self._next_line():
                return None
        while line := self._next_line():
            self.line -= 1  # the parser counts it as well
            block = self._parse(line)
            if block.lines.size:
                self._width, self._header = block.width, block.cells[: block.width]
                if note := csv_faults.spreadsheet_note(
                    self.path, self._record, self._header, self.dialect
                ):
                    raise DataError(note)
                return block
        return None

    def _next_line(self) -> bytes:
        """Take one line; the other lines of its block stay."""
        raw = self._rest or next(self.blocks, b"")
        end = raw.find(b"\n") + 1 or len(raw)
        self._rest = raw[end:]
        self.line += bool(raw)
        return raw[:end]

    def _split(self, raw: bytes) -> Block | None:
        """Return the rows of lines that need no parser; None if they may need one."""
        delimiter = self.dialect.delimiter
        if b'"' in raw or not delimiter.isascii() or self._may_have_comments(raw):
            return None
        if b"\r" in raw:
            raw = raw.replace(b"\r\n", b"\n")
        if not raw.endswith(b"\n"):
            raw += b"\n"
        if b"\r" in raw or b"\n\n" in raw or raw.startswith(b"\n"):
            return None
        symbols = np.frombuffer(raw, np.uint8)
        ends = np.flatnonzero((symbols == ord(delimiter)) | (symbols == _LINE_FEED))
        breaks = symbols[ends] == _LINE_FEED
        rows = np.count_nonzero(breaks)
        if len(ends) != rows * self._width or not breaks[self._width - 1 :: self._width].all():
            return None
        last_cells = ends[self._width - 1 :: self._width]
        if np.diff(last_cells, prepend=-1).max() > csv.field_size_limit():
            return None
        text = decode_block(self.path, raw, self.line + 1)
        cells = text.replace("\n", delimiter).split(delimiter)
        cells.pop()  # after the last line feed
        if not text.isascii() or any(space in raw for space in self._spaces):
            cells = [cell.strip() for cell in cells]
        lines = np.arange(self.line + 1, self.line + 1 + rows)
        self.line += int(rows)
        return Block(self._width, cells, lines, b"_" in raw)

    def _may_have_comments(self, raw: bytes) -> bool:
        prefix = self._prefix
        return bool(prefix) and (raw.startswith(prefix) or b"\n" + prefix in raw)

    def _parse(self, raw: bytes) -> Block:
        """Return the rows that begin in some lines; the last may end in a later block."""
        self._enqueue(raw)
        width, cells = self._width, list[str]()
        lines, ragged = list[int](), dict[int, list[str]]()
        while self.line < self._last:
            self._record = 0
            row = next(self._reader, None)
            if row is None:
                break
            if not row or (len(row) == 1 != width and not row[0].strip()):
                continue
            width = width or len(row)
            if len(row) == width:
                lines.append(self._record)
                cells += row
            else:
                ragged[self._record] = row
        if ragged:
            sound = len(lines) - (not self._header)
            first = self._header or cells[:width]
            faults = csv_faults.Ragged(first, sound, ragged)
            raise DataError(faults.message(self.path, self.dialect))
        stripped = [cell.strip() for cell in cells]
        return Block(width, stripped, np.array(lines, np.int64), True)

    def _lines(self) -> Iterator[str]:
        """Yield the lines for the parser, which reads past a block only inside of a cell."""
        prefix = self.dialect.comment_prefix
        while True:
            while text := self._queue.readline():  # `_parse` may have replaced the queue
                self.line += 1
                if not self._record:
                    if prefix and text.startswith(prefix):
                        continue
                    self._record = self.line
                yield text
            raw, self._rest = self._rest or next(self.blocks, b""), b""
            if not raw:
                return
            self._enqueue(raw)

    def _enqueue(self, raw: bytes) -> None:
        text = decode_block(self.path, raw, self.line + 1)
        self._queue = StringIO(text, newline="\n")
        self._last = self.line + text.count("\n") + (not text.endswith("\n"))
