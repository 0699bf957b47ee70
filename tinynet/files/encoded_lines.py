"""Lines of a text file in any encoding, in blocks of UTF-8 bytes."""

import codecs
from collections.abc import Iterator
from io import BufferedIOBase

from tinynet.errors import DataError

MAX_LINE = 1 << 24
"""Bytes of one line; a longer one could fill the memory."""

_BLOCK = 1 << 18
_BOM = b"\xef\xbb\xbf"
_WIDE_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Encodings by the byte order mark; UTF-32 first, since its mark begins with that of UTF-16."""


def whole_lines(path: str, stream: BufferedIOBase, encoding: str) -> Iterator[bytes]:
    """Yield blocks of whole lines, converted to UTF-8, without a byte order mark.

    Bytes of a UTF-8 file are not validated here; see `decode_block`.

    Raises:
        DataError: for bytes that are not text of the encoding, and for a line that is too long.
    """
    is_utf8 = codecs.lookup(encoding).name in ("utf-8", "utf-8-sig")
    parts = _utf8(path, stream) if is_utf8 else _converted(path, stream, encoding)
    rest, line = b"", 1
    for part in parts:
        end = part.rfind(b"\n") + 1
        if end:
            block, rest = rest + part[:end], part[end:]
            yield block
            line += block.count(b"\n")
        else:
            rest += part
        if len(rest) > MAX_LINE:
            raise DataError(f"{path}, line {line} is longer than {MAX_LINE:,} bytes")
    if rest:
        yield rest


def decode_block(path: str, raw: bytes, line: int) -> str:
    """Return the text of a block of UTF-8 that begins at a line.

    Raises:
        DataError: with the line of a NUL byte, or of a byte that is not UTF-8.
    """
    if b"\0" in raw:
        raise _nul_byte(path, raw, line)
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        line += raw.count(b"\n", 0, error.start)
        column = error.start - raw.rfind(b"\n", 0, error.start)
        raise DataError(
            f"{path}, line {line}: byte {column} is not UTF-8; save it as UTF-8, or set"
            f' "encoding": "{_likely_encoding(raw)}"'
        ) from error


def _utf8(path: str, stream: BufferedIOBase) -> Iterator[bytes]:
    first = True
    while part := stream.read(_BLOCK):
        if first:
            for mark, encoding in _WIDE_MARKS.items():
                if part.startswith(mark):
                    raise DataError(
                        f'{path}, line 1: the file is not UTF-8; set "encoding": "{encoding}"'
                    )
            if wide := _without_mark(part):
                raise DataError(
                    f'{path}, line 1 holds NUL bytes; set "encoding": "{wide}", or check'
                    " that it is a text file"
                )
            part = part.removeprefix(_BOM)
            if b"\0" in part:  # of a file that is not text, whose first line may be
                raise _nul_byte(path, part, 1)
        first = False
        yield part


def _nul_byte(path: str, raw: bytes, line: int) -> DataError:
    line += raw.count(b"\n", 0, raw.index(b"\0"))
    return DataError(f"{path}, line {line} holds a NUL byte; is it a text file?")


def _without_mark(part: bytes) -> str | None:
    """Return the variant of UTF-16 of ASCII text without a mark; None for anything else."""
    for encoding, zeros in (("utf-16-le", part[1:64:2]), ("utf-16-be", part[0:64:2])):
        if len(zeros) > 2 and not any(zeros) and any(part[:64]):
            return encoding
    return None


def _converted(path: str, stream: BufferedIOBase, encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    line, raw, first = 1, b"-", True
    while raw:
        raw = stream.read(_BLOCK)
        try:
            text = decoder.decode(raw, final=not raw)
        except UnicodeError as error:
            if isinstance(error, UnicodeDecodeError):
                before = error.object[: error.start].decode(encoding, errors="ignore")
                line += before.count("\n")
            raise DataError(
                f'{path}, line {line}: the text is not {encoding}; set "encoding" to that of the'
                ' file, such as "utf-8"'
            ) from error
        if first and text:
            text, first = text.removeprefix("\ufeff"), False
        line += text.count("\n")
        if text:
            yield text.encode(errors="surrogatepass")


def _likely_encoding(raw: bytes) -> str:
    """Return the likely encoding of text that is not UTF-8: Windows', unless it lacks a byte."""
    try:
        raw.decode("cp1252")
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1252"
