"""Text files in any encoding, as texts or as lines; they may be gzipped."""

import codecs
import io
from collections.abc import Iterator
from typing import Any, cast

from tinynet.errors import DataError
from tinynet.files.packed import open_unpacked
from tinynet.files.utf8 import line_and_column, read_bytes

MAX_CHARACTERS = 1 << 24
"""Characters of one text; a longer one could fill the memory once it is cut into tokens."""

_UTF8 = "utf-8"
_BYTE_ORDER_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_EIGHT_BIT = ("cp1252", "latin-1")
"""Encodings that a message suggests for bytes that are not UTF-8, in this order."""

_SNIFFED = 1 << 16
"""Bytes by which a message suggests an encoding."""


def read_text(path: str, encoding: str = _UTF8) -> str:
    """Return the text of a file, without a byte order mark.

    Raises:
        DataError: for a file that cannot be read, is in another encoding, holds a NUL character or
            is longer than `MAX_CHARACTERS`.
    """
    content = read_bytes(path)
    try:
        text = content.decode(encoding)
        text.encode()
    except UnicodeError as error:
        start = error.start if isinstance(error, UnicodeDecodeError) else 0
        place = line_and_column(content, start)
        raise DataError(f"{path}, {place}: {_not_in(content, start, encoding)}") from error
    if (position := text.find("\0")) >= 0:
        line = text.count("\n", 0, position) + 1
        raise DataError(f"{path}, line {line} {_nul(content[:_SNIFFED])}")
    if len(text) > MAX_CHARACTERS:
        raise DataError(f"{path} {_too_long(len(text))}")
    return text


def read_lines(path: str, encoding: str = _UTF8) -> Iterator[str]:
    """Yield the lines of a file, without their ends and without a byte order mark.

    A line ends in LF, CR LF or CR. The file is never held as a whole.

    Raises:
        DataError: as `read_text`, with the line.
    """
    codec = "utf-8-sig" if encoding == _UTF8 else encoding
    with open_unpacked(path) as file:
        start = file.file.peek(_SNIFFED)[:_SNIFFED] if not file.packed else b""
        # Its type lacks that any buffered stream will do.
        lines = io.TextIOWrapper(cast(Any, file.stream), codec)
        number = 0
        try:
            while line := lines.readline(MAX_CHARACTERS + 1):
                number += 1
                line = line.removesuffix("\n")
                if len(line) > MAX_CHARACTERS:
                    raise DataError(f"{path}, line {number} {_too_long(len(line), 'more than ')}")
                if "\0" in line:
                    raise DataError(f"{path}, line {number} {_nul(start)}")
                line.encode()
                yield line
        except UnicodeError as error:
            ahead, position = start, 0
            if isinstance(error, UnicodeDecodeError) and not start.startswith(_BYTE_ORDER_MARKS):
                ahead, position = error.object, error.start
            line_number = number + 1 + ahead.count(b"\n", 0, position)
            why = _not_in(ahead, position, encoding)
            raise DataError(f"{path}, line {line_number}: {why}") from error
        finally:
            lines.detach()


def _not_in(content: bytes, position: int, encoding: str) -> str:
    """Describe the byte of a content that is not in an encoding, and what to do."""
    if content.startswith(_BYTE_ORDER_MARKS) and encoding == _UTF8:
        return 'the file is UTF-16, by its first bytes; set "encoding": "utf-16"'
    byte = content[position : position + 1]
    what = f"the byte 0x{byte.hex()}" if byte else "the end of the file"
    if encoding != _UTF8:
        return f'{what} is not {encoding}; set "encoding" to that of the file'
    other = next(name for name in _EIGHT_BIT if _decodes(content, name))
    return (
        f'{what} is not UTF-8; save the file as UTF-8, or set "encoding" to the one that it is in,'
        f' such as "{other}"'
    )


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _nul(content: bytes) -> str:
    """Describe a NUL character in the text of a content, and what to do."""
    for encoding, high in (("utf-16-le", content[1::2]), ("utf-16-be", content[::2])):
        even = content[: len(content) // 2 * 2]
        if high.count(0) * 2 > len(high) and _decodes(even, encoding):
            return f'holds NUL characters, as in UTF-16; set "encoding": "{encoding}"'
    return "holds a NUL character, so the file is not text; remove it, or give a text file"


def _too_long(length: int, more: str = "") -> str:
    return (
        f"has {more}{min(length, MAX_CHARACTERS) if more else length:,} characters; a text has at"
        f" most {MAX_CHARACTERS:,}: divide it into several"
    )
