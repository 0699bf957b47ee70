r"""Named arrays and JSON sections <-> one msgpack file. This text is the format's specification.

A file is a stream of msgpack objects, so any msgpack library reads it, one object after another:

    prefix      bin   64 bytes with its tag
    directory   map   what the file holds, and a digest of each part
    padding     bin   zeros
    document    bin   all JSON sections as one JSON object, {section name: value}
    padding     bin   zeros                                      } again for each chunk
    chunk       bin   a tensor's bytes, or 2^30 of them          } of each tensor

and ends with its last chunk. A *digest* is XXH3-128 with seed 0: 16 bytes, most significant first.
A *name* is 1 to 256 of ``A-Z a-z 0-9 _ . - /``: parts between slashes, each of which is not empty
and does not start with a dot.

The prefix. Integers are unsigned, least significant byte first. Later versions keep its layout, so
that a reader can tell a newer file from a damaged one:

    offset  size
         0     2   C4 3E, which is msgpack's tag of a bin of 62 bytes
         2    12   the ASCII text "tinynet-ckpt"
        14     2   version of the format, 1
        16     8   length of the file in bytes
        24     8   length of the directory in bytes
        32    16   digest of the directory
        48    16   digest of the 48 bytes before

The directory, in msgpack's shortest spelling. It has these keys, in this order:

    "run_id"    str: a name that all files of one run share
    "step"      int, 0 to 2^63 - 1: orders the files of one run
    "sections"  [length of the document in bytes, its digest]
    "tensors"   {name: [dtype, shape, digest of its bytes]}, ascending by the names' ASCII codes

A dtype is one of bool, float16, float32, float64, int8, int16, int32, int64, uint8, uint16, uint32
and uint64. A shape is an array of at most 8 integers from 0 on; their product, zeros left out,
times the size of an element is at most 2^63 - 1.

The parts behind it follow one another in the directory's order. The document, and each chunk, is
a bin 32 (C6, then its length in four bytes, even where a shorter tag would do). Before it stands a
bin 8 (C4, then its length in one byte) of 0 to 63 zeros: as many as make the contents of the bin
32 start at a multiple of 64. So no offset is stored, and nothing can overlap.

The document is JSON in one canonical form, in ASCII: section names are any strings; keys ascending
by code point and never twice; no white space; escaped only what must be, as
``\" \\ \b \f \n \r \t`` or else ``\u`` and four lower-case hexadecimal digits (two surrogates,
always as a pair, beyond U+FFFF); integers in at most 4,300 digits, no ``-0`` and no leading zero;
other numbers in the fewest digits that read back as the same float64, as Python's ``repr`` writes
them (``1.0``, ``0.0001``, ``1e-05``, ``1e+16``); no NaN and no infinity.

A tensor's bytes are its elements, last axis fastest, each least significant byte first: integers
in two's complement, floats in IEEE 754, a bool as 0 or 1. They are cut into chunks of 2^30 bytes;
the last chunk is the rest. A tensor without elements has no chunk.

A reader refuses a file that breaks any sentence above. It believes no length before it fits the
true length of the file, and checks these limits before it allocates: directory 24 MiB; 65,536
tensors; document 4 MiB, 128 arrays and objects deep, with at most 2^18 commas, colons and opening
brackets outside of strings. All of them can be reached together.
"""

import errno
import mmap
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeAlias, TypeVar

import numpy as np
from pydantic import JsonValue
from xxhash import xxh3_128, xxh3_128_digest

from tinynet.archive.header import (
    DIGEST_SIZE,
    DTYPES,
    PREFIX_SIZE,
    Directory,
    TensorEntry,
    pack_prefix,
    unpack_prefix,
)
from tinynet.errors import (
    CheckpointCorruptError,
    CheckpointError,
    CheckpointFormatError,
    CheckpointIOError,
    CheckpointLimitError,
    explaining_io,
)
from tinynet.files import canonical_json
from tinynet.files.atomic import WriteAt, replacing
from tinynet.kernels.memory import ALIGNMENT, aligned_empty
from tinynet.types import Array

MAX_CHUNK = 2**30
"""Bytes of a tensor in one msgpack object: what every language can hold in one."""

_PIECE = 2**22
"""Bytes that are hashed while the processor's cache still holds them."""

FilePath: TypeAlias = str | os.PathLike[str]
Tensor = TypeVar("Tensor")


@dataclass(frozen=True, eq=False)
class Archive(Generic[Tensor]):
    """What a file holds.

    Attributes:
        run_id: The run that wrote it.
        step: Orders the files of one run.
        sections: JSON values by name.
        tensors: Arrays, or what the directory says of them, by name in ascending order.
    """

    run_id: str
    step: int
    sections: dict[str, JsonValue]
    tensors: dict[str, Tensor]


def write(
    path: FilePath,
    sections: Mapping[str, JsonValue],
    tensors: Mapping[str, Array],
    *,
    run_id: str,
    step: int,
) -> None:
    """Write a file, atomically and durably: see `tinynet.files.atomic.replacing`.

    Equal content gives equal bytes. Arrays that are not C-contiguous and little-endian are
    converted, one at a time; no other memory is taken. No array may change meanwhile.

    Raises:
        CheckpointFormatError: for a name, a dtype or a JSON value that the format does not have.
        CheckpointLimitError: for more than the format allows.
        CheckpointIOError: if the disk or the file system refuses; no temporary file is left.
    """
    path = Path(path)
    with _explaining(path):
        document, directory = _parts(sections, tensors, run_id, step)
        entries = directory.tensors
        # All digests have one length, so every part has its place before they are known.
        start = PREFIX_SIZE + sum(map(len, directory.pack()))
        with replacing(path, _length(start, directory)) as write_at:
            sink = _Sink(write_at, start)
            digest = sink.write_part(memoryview(document))
            for name, entry in entries.items():
                array = np.ascontiguousarray(tensors[name], DTYPES[entry.dtype])
                entries[name] = entry._replace(digest=sink.write_part(_bytes_of(array)))
            packed = b"".join(directory._replace(document=(len(document), digest)).pack())
            write_at(PREFIX_SIZE, packed)
            write_at(0, pack_prefix(sink.position, packed))


def check(
    sections: Mapping[str, JsonValue], tensors: Mapping[str, Array], *, run_id: str, step: int
) -> dict[str, JsonValue]:
    """Return the sections as `read` would after `write`; nothing is written.

    Raises:
        CheckpointFormatError: as `write` does.
        CheckpointLimitError: as `write` does.
    """
    document, _ = _parts(sections, tensors, run_id, step)
    found = canonical_json.decode(document)
    assert isinstance(found, dict)
    return found


def _parts(
    sections: Mapping[str, JsonValue], tensors: Mapping[str, Array], run_id: str, step: int
) -> tuple[bytes, Directory]:
    """Return the document, and the directory without any digest."""
    document = _encode(sections)
    entries = {name: TensorEntry.of(name, tensors[name]) for name in sorted(tensors, key=str)}
    directory = Directory(run_id, step, (len(document), bytes(DIGEST_SIZE)), entries)
    directory.check()
    return document, directory


def read(path: FilePath, *, copy: bool = True) -> Archive[Array]:
    """Read a file, and verify every byte of it.

    Args:
        path: A regular file: no symbolic link, pipe or device.
        copy: True gives owned, writable, 64-byte-aligned arrays. False gives read-only arrays that
            map the file (but for tensors of several chunks) and take no memory of their own. Use
            it only where nobody changes or truncates the file as long as they live; renaming and
            removing it is safe.

    Raises:
        CheckpointFormatError: if it is no such file, or breaks a rule of the format.
        CheckpointCorruptError: if it is truncated, or a digest does not match.
        CheckpointVersionError: if a newer tinynet wrote it.
        CheckpointLimitError: if it asks for more than the format allows.
        CheckpointIOError: if the operating system refuses to read it or to give the memory.
    """
    path = Path(path)
    with _explaining(path), _opened(path) as source:
        directory = _read_directory(source)
        sections = _read_sections(source, *directory.document)
        mapped = None if copy else source.map()
        tensors = {
            name: _read_tensor(source, name, entry, mapped)
            for name, entry in directory.tensors.items()
        }
        return Archive(directory.run_id, directory.step, sections, tensors)


def read_outline(path: FilePath) -> Archive[TensorEntry]:
    """Read, and verify, all of a file but its tensors' bytes.

    Raises:
        CheckpointError: as `read` does.
    """
    path = Path(path)
    with _explaining(path), _opened(path) as source:
        directory = _read_directory(source)
        sections = _read_sections(source, *directory.document)
        return Archive(directory.run_id, directory.step, sections, directory.tensors)


@contextmanager
def _explaining(path: Path) -> Iterator[None]:
    """Let nothing but checkpoint errors out, and name the file in each."""
    try:
        with explaining_io(path):
            yield
    except CheckpointIOError:
        raise
    except CheckpointError as error:
        raise type(error)(f"{path}: {error}") from error.__cause__
    except MemoryError as error:
        raise CheckpointIOError(f"{path}: not enough memory") from error


# Parts: the document, and the bytes of a tensor


def _frame(position: int, length: int) -> bytes:
    """What stands between ``position`` and the contents of the next bin 32."""
    zeros = -(position + 7) % ALIGNMENT
    return b"\xc4" + bytes([zeros]) + bytes(zeros) + b"\xc6" + length.to_bytes(4, "big")


def _length(start: int, directory: Directory) -> int:
    """Length of the file, if the parts start behind ``start`` bytes."""
    end = start
    for size in (directory.document[0], *(entry.nbytes for entry in directory.tensors.values())):
        if size:
            # A full chunk ends at a multiple of 64, so the frame behind it takes 64 bytes.
            between = ALIGNMENT * ((size - 1) // MAX_CHUNK)
            end += len(_frame(end, 0)) + size + between
    return end


def _pieces(view: memoryview, size: int) -> Iterator[memoryview]:
    for start in range(0, len(view), size):
        yield view[start : start + size]


class _Sink:
    """Writes parts one behind the other.

    Attributes:
        position: Where the last one ended.
    """

    def __init__(self, write_at: WriteAt, position: int) -> None:
        self._write_at = write_at
        self.position = position

    def _write(self, data: bytes | memoryview) -> None:
        self._write_at(self.position, data)
        self.position += len(data)

    def write_part(self, part: memoryview) -> bytes:
        """Write the frames and chunks of a part; return its digest."""
        hasher = xxh3_128()
        for chunk in _pieces(part, MAX_CHUNK):
            self._write(_frame(self.position, len(chunk)))
            for piece in _pieces(chunk, _PIECE):
                hasher.update(piece)
                self._write(piece)
        return hasher.digest()


class _Source:
    """An open file, read from its start to its end.

    Attributes:
        size: Its length.
        position: The next byte to be read.
    """

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self.size = size
        self.position = 0

    def read_into(self, view: memoryview) -> None:
        while view:
            count = os.preadv(self._descriptor, [view], self.position)
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
        """Read and verify a part.

        Args:
            what: Its name, for messages.
            part: Where its bytes go, or, if they are mapped, where they already are.
            digest: Its digest as the directory has it.
            mapped: Whether ``part`` is the file itself.
        """
        start = self.position
        hasher = xxh3_128()
        for chunk in _pieces(part, MAX_CHUNK):
            frame = _frame(self.position, len(chunk))
            if self.read(len(frame)) != frame:
                raise CheckpointCorruptError(
                    f"the padding before byte {self.position:,}, of {what}, is not as it should be"
                )
            for piece in _pieces(chunk, _PIECE):
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
            return mmap.mmap(self._descriptor, self.size, prot=mmap.PROT_READ)
        except ValueError as error:
            raise CheckpointCorruptError("it became shorter while it was read") from error


@contextmanager
def _opened(path: Path) -> Iterator[_Source]:
    try:
        # Opening a pipe without O_NONBLOCK waits for its writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise CheckpointFormatError("it is a symbolic link; name the file itself") from error
        raise
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise CheckpointFormatError("it is not a regular file")
        yield _Source(descriptor, status.st_size)
    finally:
        os.close(descriptor)


# Reading the parts


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
    described = _length(source.position, directory)
    if described != source.size:
        raise CheckpointFormatError(
            f"its directory describes a file of {described:,} bytes; it has {source.size:,}"
        )
    return directory


def _encode(sections: Mapping[str, JsonValue]) -> bytes:
    with _explaining_json():
        return canonical_json.encode(dict(sections))


def _read_sections(source: _Source, length: int, digest: bytes) -> dict[str, JsonValue]:
    document = bytearray(length)
    source.read_part("the document", memoryview(document), digest)
    with _explaining_json():
        sections = canonical_json.decode(document)
    if not isinstance(sections, dict):
        raise CheckpointFormatError("the JSON sections are not an object")
    return sections


@contextmanager
def _explaining_json() -> Iterator[None]:
    try:
        yield
    except canonical_json.NotCanonicalError as error:
        raise CheckpointFormatError(f"the JSON sections: {error}") from error
    except canonical_json.TooLargeError as error:
        raise CheckpointLimitError(f"the JSON sections: {error}") from error


def _bytes_of(array: Array) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def _read_tensor(source: _Source, name: str, entry: TensorEntry, file: mmap.mmap | None) -> Array:
    dtype = DTYPES[entry.dtype]
    mapped = file is not None and 0 < entry.nbytes <= MAX_CHUNK
    if mapped:
        start = source.position + len(_frame(source.position, 0))
        array = np.ndarray(entry.shape, dtype, file, start)
    else:
        array = aligned_empty(entry.shape, dtype)
    source.read_part(f"tensor {name!r}", _bytes_of(array), entry.digest, mapped=mapped)
    if entry.dtype == "bool" and array.view(np.uint8).max(initial=0) > 1:
        raise CheckpointFormatError(f"tensor {name!r} has a bool that is neither 0 nor 1")
    if file is not None:
        array.flags.writeable = False
    return array
