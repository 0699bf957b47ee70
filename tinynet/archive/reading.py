"""Reading and verification of archives."""

import errno
import mmap
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from pydantic import JsonValue
from xxhash import xxh3_128, xxh3_128_digest

from tinynet.archive import layout
from tinynet.archive.errors import naming_file, naming_sections
from tinynet.archive.header import DTYPES, PREFIX_SIZE, Directory, TensorEntry, unpack_prefix
from tinynet.archive.layout import bytes_of, cut, file_size, frame
from tinynet.errors import CheckpointCorruptError, CheckpointFormatError
from tinynet.files import canonical_json
from tinynet.kernels.memory import aligned_empty
from tinynet.types import Array

Tensor = TypeVar("Tensor")


@dataclass(frozen=True, eq=False)
class Archive(Generic[Tensor]):
    """The content of a file; ``tensors`` are arrays or their entries, by ascending names."""

    run_id: str
    step: int
    sections: dict[str, JsonValue]
    tensors: dict[str, Tensor]


def read(path: str | Path, *, copy: bool = True) -> Archive[Array]:
    """Read a file, and verify every byte of it.

    Args:
        path: A regular file: not a symbolic link, pipe or device.
        copy: True gives owned, writable, 64-byte-aligned arrays. False gives read-only arrays that
            map the file (but for tensors of several chunks) and take no memory of their own. Use
            it only if no process changes or truncates the file while they exist; renaming and
            removing it is safe.

    Raises:
        CheckpointFormatError: if it is not such a file, or breaks a rule of the format.
        CheckpointCorruptError: if it is truncated, or a digest does not match.
        CheckpointVersionError: if a newer tinynet wrote it.
        CheckpointLimitError: if it asks for more than the format allows.
        CheckpointIOError: if the operating system refuses to read it or to allocate memory.
    """
    with _opened(Path(path)) as source:
        directory = _read_directory(source)
        sections = _read_sections(source, *directory.document)
        mapped = None if copy else source.map()
        tensors = {
            name: _read_tensor(source, name, entry, mapped)
            for name, entry in directory.tensors.items()
        }
        return Archive(directory.run_id, directory.step, sections, tensors)


def read_outline(path: str | Path) -> Archive[TensorEntry]:
    """Read and verify a file except for the bytes of its tensors; raise the errors of `read`."""
    with _opened(Path(path)) as source:
        directory = _read_directory(source)
        sections = _read_sections(source, *directory.document)
        return Archive(directory.run_id, directory.step, sections, directory.tensors)


@dataclass
class _Source:
    """An open file, read from its start to its end."""

    descriptor: int
    size: int
    position: int = 0

    def read_into(self, view: memoryview) -> None:
        while view:
            count = os.preadv(self.descriptor, [view], self.position)
            if not count:
                raise CheckpointCorruptError(f"it became shorter, at byte {self.position:,}")
            view, self.position = view[count:], self.position + count

    def read(self, length: int) -> bytearray:
        data = bytearray(length)
        self.read_into(memoryview(data))
        return data

    def read_part(
        self, what: str, part: memoryview, digest: bytes, *, mapped: bool = False
    ) -> None:
        """Read a part into the buffer ``part``, which may map the file, and verify it."""
        start = self.position
        hasher = xxh3_128()
        for chunk in cut(part, layout.MAX_CHUNK):
            expected = frame(self.position, len(chunk))
            if self.read(len(expected)) != expected:
                raise CheckpointCorruptError(
                    f"the padding of {what}, before byte {self.position:,}, is malformed"
                )
            for piece in cut(chunk, layout.PIECE):
                if mapped:
                    self.position += len(piece)
                else:
                    self.read_into(piece)
                hasher.update(piece)
        if hasher.digest() != digest:
            raise CheckpointCorruptError(
                f"{what}, at bytes {start:,} to {self.position - 1:,}, does not match its digest"
            )

    def map(self) -> mmap.mmap:
        try:
            return mmap.mmap(self.descriptor, self.size, prot=mmap.PROT_READ)
        except ValueError as error:
            raise CheckpointCorruptError("it became shorter while it was read") from error


@contextmanager
def _opened(path: Path) -> Iterator[_Source]:
    """Open a file; every error names it."""
    with naming_file(path):
        try:
            # Opening a pipe without O_NONBLOCK waits for its writer.
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            if error.errno == errno.ELOOP:
                message = "it is a symbolic link; name the file itself"
                raise CheckpointFormatError(message) from error
            raise
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise CheckpointFormatError("it is not a regular file")
            yield _Source(descriptor, status.st_size)
        finally:
            os.close(descriptor)


def _read_directory(source: _Source) -> Directory:
    prefix = source.read(min(source.size, PREFIX_SIZE))
    length, digest = unpack_prefix(prefix, source.size)
    packed = source.read(length)
    if xxh3_128_digest(packed) != digest:
        raise CheckpointCorruptError(
            f"its directory, at bytes {PREFIX_SIZE} to {source.position - 1:,}, does not match its"
            " digest"
        )
    directory = Directory.unpack(packed)
    described = file_size(source.position, directory)
    if described != source.size:
        raise CheckpointFormatError(
            f"its directory describes a file of {described:,} bytes; it has {source.size:,}"
        )
    return directory


def _read_sections(source: _Source, length: int, digest: bytes) -> dict[str, JsonValue]:
    document = bytearray(length)
    source.read_part("the document", memoryview(document), digest)
    with naming_sections():
        sections = canonical_json.decode(document)
    if not isinstance(sections, dict):
        raise CheckpointFormatError("the JSON sections are not an object")
    return sections


def _read_tensor(source: _Source, name: str, entry: TensorEntry, file: mmap.mmap | None) -> Array:
    dtype = DTYPES[entry.dtype]
    mapped = file is not None and 0 < entry.nbytes <= layout.MAX_CHUNK
    if mapped:
        start = source.position + len(frame(source.position, 0))
        array = np.ndarray(entry.shape, dtype, file, start)
    else:
        array = aligned_empty(entry.shape, dtype)
    source.read_part(f"tensor {name!r}", bytes_of(array), entry.digest, mapped=mapped)
    if entry.dtype == "bool" and array.view(np.uint8).max(initial=0) > 1:
        raise CheckpointFormatError(f"tensor {name!r} has a bool that is neither 0 nor 1")
    if file is not None:
        array.flags.writeable = False
    return array
