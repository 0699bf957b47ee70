"""UTF-8 text: files read as a whole, as bytes or as code points."""

from collections.abc import Iterator

import numpy as np

from tinynet.errors import DataError
from tinynet.files.available_memory import require_memory
from tinynet.files.packed import open_unpacked
from tinynet.types import Array

BLOCK = 1 << 22
"""Bytes that are decoded at a time."""

_BOM = b"\xef\xbb\xbf"
_REMEDY = "a text is read as a whole; use a part of it"
_BYTES_DECODED = 5
"""Bytes of memory for each byte of a file that is decoded: itself, and its code points twice."""

_LARGEST_UINT16 = 0xFFFF


def read_bytes(path: str) -> bytes:
    """Return the bytes of a file that may be gzipped, without a byte order mark.

    Raises:
        DataError: for a file that cannot be read, or does not fit into memory.
    """
    with open_unpacked(path) as file:
        require_memory(path, file.size, _REMEDY)
        if not file.packed:
            return file.stream.read(file.size).removeprefix(_BOM)
        blocks, held = [], 0
        while block := file.stream.read(BLOCK):
            blocks.append(block)
            held += len(block)
            # The blocks are joined in the end, which holds them twice.
            require_memory(path, int(2 * held / max(file.fraction, 1e-9)), _REMEDY, held)
    return b"".join(blocks).removeprefix(_BOM)


def code_points(path: str, content: bytes) -> Array:
    """Return the code points of a file's text, (characters,), in the smallest unsigned dtype.

    Raises:
        DataError: with line and column of the first byte that is not UTF-8.
    """
    if content.isascii():
        return np.frombuffer(content, np.uint8)
    require_memory(path, _BYTES_DECODED * len(content), _REMEDY, len(content))
    parts = []
    for text in decoded_blocks(path, content):
        points = np.frombuffer(text.encode("utf-32-le"), "<u4")
        fits = points.max() <= _LARGEST_UINT16
        parts.append(points.astype(np.uint16 if fits else np.uint32))
    return np.concatenate(parts)


def decoded_blocks(path: str, content: bytes) -> Iterator[str]:
    """Yield the text of a file in parts.

    Raises:
        DataError: with line and column of the first byte that is not UTF-8.
    """
    start = 0
    while start < len(content):
        stop = _character_end(content, start + BLOCK)
        try:
            yield content[start:stop].decode()
        except UnicodeDecodeError as error:
            place = line_and_column(content, start + error.start)
            byte = content[start + error.start]
            raise DataError(
                f"{path}, {place}: the byte 0x{byte:02x} is not UTF-8; save the file as UTF-8"
            ) from error
        start = stop


def line_and_column(content: bytes, position: int) -> str:
    """Describe the place of a byte of valid text, both counted from 1: ``line 3, column 7``."""
    line = content.count(b"\n", 0, position) + 1
    before = content[content.rfind(b"\n", 0, position) + 1 : position]
    return f"line {line}, column {len(before.decode(errors='replace')) + 1}"


def _character_end(content: bytes, stop: int) -> int:
    """Return the end of the character that a block of bytes would cut at ``stop``."""
    limit = min(stop + 3, len(content))  # a character has up to three continuation bytes
    while stop < limit and content[stop] & 0xC0 == 0x80:
        stop += 1
    return min(stop, len(content))
