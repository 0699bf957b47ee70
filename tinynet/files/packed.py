"""Compressed files: gzip is unpacked while it is read, other kinds are refused by name."""

import gzip
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase, BufferedReader

from tinynet.errors import DataError
from tinynet.files.regular import open_file
from tinynet.text.shell import shell_path

_GZIP = b"\x1f\x8b"

_KINDS = {
    b"BZh": ("is compressed with bzip2", "bunzip2 -k"),
    b"\xfd7zXZ\x00": ("is compressed with xz", "unxz -k"),
    b"\x28\xb5\x2f\xfd": ("is compressed with zstd", "unzstd"),
    b"7z\xbc\xaf\x27\x1c": ("is a 7z archive", "7z x"),
    b"PK\x03\x04": ("is a zip archive", "unzip"),
}
"""The kind of a file, and the command that unpacks it, by the first bytes."""

_WORKBOOKS = (".xlsx", ".xls", ".ods")


@dataclass(frozen=True)
class Unpacked:
    """An open file, unpacked if it is compressed."""

    stream: BufferedIOBase
    packed: bool
    file: BufferedReader
    size: int

    @property
    def fraction(self) -> float:
        """The part of the file that has been read."""
        return self.file.tell() / self.size if self.size else 1.0


@contextmanager
def open_unpacked(path: str) -> Iterator[Unpacked]:
    """Open a file that may be gzipped, by its content; `DataError` for another compression."""
    with open_file(path) as file:
        size = os.fstat(file.fileno()).st_size
        start = file.peek(8)[:8]
        if start.startswith(_GZIP):
            with gzip.GzipFile(fileobj=file) as stream:
                yield Unpacked(stream, True, file, size)
        else:
            refuse_packed(path, start)
            yield Unpacked(file, False, file, size)


def refuse_packed(path: str, start: bytes, *, gzipped: bool = False) -> None:
    """Refuse other kinds of compression, by a file's first bytes; gzip, too, if ``gzipped``.

    The `DataError` names the command that unpacks the file.
    """
    suffix = os.path.splitext(path)[1].lower()
    if start.startswith(b"PAR1"):
        raise DataError(f'{path} is a Parquet file; read it with "type": "parquet"')
    if suffix in _WORKBOOKS:
        raise DataError(
            f"{path} is not a text file; open it in the program that made it, and save it as CSV"
        )
    kinds = {**_KINDS, _GZIP: ("is compressed with gzip", "gunzip -k")} if gzipped else _KINDS
    for magic, (kind, command) in kinds.items():
        if start.startswith(magic):
            raise DataError(f"{path} {kind}; unpack it: {command} {shell_path(path)}")
