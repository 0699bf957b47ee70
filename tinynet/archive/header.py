"""The prefix and the directory of an archive; see `tinynet.archive` for the format.

A file may come from a stranger, so the directory is parsed one scalar at a time: no object is built
that the format does not have.
"""

import math
import re
import struct
import sys
from collections.abc import Iterator
from typing import NamedTuple, TypeVar

import msgpack
import numpy as np
from xxhash import xxh3_128_digest

from tinynet.errors import (
    CheckpointCorruptError,
    CheckpointFormatError,
    CheckpointLimitError,
    CheckpointVersionError,
)
from tinynet.files.canonical_json import MAX_BYTES as MAX_DOCUMENT
from tinynet.types import Array, Shape

VERSION = 1
"""The version of the format that is written, and the newest that is read."""

DTYPES = {
    name: np.dtype(name).newbyteorder("<")
    for name in (
        "bool float16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64".split()
    )
}
"""Every dtype that a tensor may have, by its name in the directory."""

MAX_DIRECTORY = 24 * 2**20
"""Bytes; enough for `MAX_TENSORS` tensors with the longest names and shapes."""

MAX_TENSORS = 2**16
MAX_AXES = 8
MAX_NAME = 256
MAX_INT = 2**63 - 1
DIGEST_SIZE = 16
PREFIX_SIZE = 64

_MAGIC = b"\xc4\x3etinynet-ckpt"
_PREFIX = struct.Struct("<14sHQQ16s")
_DTYPE_NAMES = {dtype: name for name, dtype in DTYPES.items()}
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*")

_TAGS: dict[type, bytes] = {
    str: bytes([*range(0xA0, 0xC0), 0xD9, 0xDA]),
    int: bytes([*range(0x80), 0xCC, 0xCD, 0xCE, 0xCF]),
    bytes: b"\xc4",
}
"""The first bytes of msgpack scalars, by type."""

Scalar = TypeVar("Scalar", str, int, bytes)


def pack_prefix(length: int, packed: bytes) -> bytes:
    """Return the prefix of a file of ``length`` bytes with the packed directory."""
    prefix = _PREFIX.pack(_MAGIC, VERSION, length, len(packed), xxh3_128_digest(packed))
    return prefix + xxh3_128_digest(prefix)


def unpack_prefix(prefix: bytes | bytearray, size: int) -> tuple[int, bytes]:
    """Return length and digest of the directory from the first 64 bytes of a file of ``size``.

    Raises:
        CheckpointFormatError: if the file is not an archive.
        CheckpointCorruptError: if it is truncated, or the prefix does not match its digest.
        CheckpointVersionError: if its version is newer than this code.
        CheckpointLimitError: if its directory is too large.
    """
    if not _MAGIC.startswith(prefix[: len(_MAGIC)]):
        raise CheckpointFormatError("it is not a tinynet checkpoint")
    if len(prefix) < PREFIX_SIZE:
        raise CheckpointCorruptError(f"it is truncated at byte {size}, in its prefix")
    if xxh3_128_digest(prefix[: _PREFIX.size]) != prefix[_PREFIX.size :]:
        raise CheckpointCorruptError("its prefix, at bytes 0 to 63, does not match its digest")
    _, version, length, packed_length, digest = _PREFIX.unpack_from(prefix)
    if version > VERSION:
        raise CheckpointVersionError(
            f"it has version {version} of the format; this tinynet reads up to version {VERSION}:"
            " upgrade tinynet-core"
        )
    if version < 1:
        raise CheckpointFormatError("it has version 0 of the format; the first is 1")
    if length != size:
        raise CheckpointCorruptError(f"its size is {size:,} bytes instead of {length:,}")
    _bounded(packed_length, MAX_DIRECTORY, "bytes of directory")
    if packed_length > length - PREFIX_SIZE:
        raise CheckpointFormatError(
            f"its directory has {packed_length:,} bytes, and the whole file {length:,}"
        )
    return packed_length, digest


class TensorEntry(NamedTuple):
    """The directory's entry of one tensor: a name of `DTYPES`, the shape, XXH3-128 of its bytes."""

    dtype: str
    shape: Shape
    digest: bytes = bytes(DIGEST_SIZE)

    @classmethod
    def of(cls, name: str, array: Array) -> "TensorEntry":
        """Return the entry without digest; CheckpointFormatError for a mask or another dtype."""
        dtype = _DTYPE_NAMES.get(array.dtype.newbyteorder("<"))
        # NumPy imports `ma` when it is first named.
        if type(array) is not np.ndarray and isinstance(array, np.ma.MaskedArray):
            raise CheckpointFormatError(f"tensor {name!r} is masked, and a mask cannot be saved")
        if dtype is None:
            raise CheckpointFormatError(
                f"tensor {name!r} has dtype {array.dtype}; a tensor has one of {', '.join(DTYPES)}"
            )
        return cls(dtype, array.shape)

    @property
    def nbytes(self) -> int:
        """The size of the tensor in bytes."""
        return math.prod(self.shape) * DTYPES[self.dtype].itemsize


class Directory(NamedTuple):
    """The directory of a file; ``document`` is the document's length in bytes, and its digest."""

    run_id: str
    step: int
    document: tuple[int, bytes]
    tensors: dict[str, TensorEntry]

    def check(self) -> None:
        """Validate the values; raise CheckpointFormatError or CheckpointLimitError."""
        _check_name("the run id", self.run_id)
        if type(self.step) is not int or not 0 <= self.step <= MAX_INT:
            raise CheckpointFormatError(f"step {self.step!r} is not an integer from 0 to 2^63 - 1")
        _bounded(self.document[0], MAX_DOCUMENT, "bytes of JSON")
        _bounded(len(self.tensors), MAX_TENSORS, "tensors")
        for name, entry in self.tensors.items():
            _check_tensor(name, entry)

    def pack(self) -> Iterator[bytes]:
        """Yield the canonical msgpack bytes, in pieces."""
        packer = msgpack.Packer()
        pack, map_header = packer.pack, packer.pack_map_header
        yield map_header(4)
        yield pack("run_id") + pack(self.run_id)
        yield pack("step") + pack(self.step)
        yield pack("sections") + pack(self.document)
        yield pack("tensors") + map_header(len(self.tensors))
        for name in sorted(self.tensors):
            yield pack(name) + pack(self.tensors[name])

    @classmethod
    def unpack(cls, packed: bytes | bytearray) -> "Directory":
        """Parse and validate a directory, as `check` does; only the bytes of `pack` are valid."""
        parser = _Parser(packed)
        try:
            directory = cls(*parser.directory())
        except (ValueError, msgpack.UnpackException) as error:
            raise CheckpointFormatError(
                f"the directory is malformed at its byte {parser.position:,}: {error}"
            ) from error
        directory.check()
        position = 0
        for piece in directory.pack():
            if not packed.startswith(piece, position):
                raise CheckpointFormatError(
                    f"the directory is not in msgpack's shortest spelling, or not in order, at its"
                    f" byte {position:,}"
                )
            position += len(piece)
        if position != len(packed):
            raise CheckpointFormatError(
                f"the directory has bytes after its end, at its byte {position:,}"
            )
        return directory


class _Parser:
    """A parser of directories; raises ValueError or msgpack's errors."""

    def __init__(self, packed: bytes | bytearray) -> None:
        self._packed = packed
        self._unpacker = msgpack.Unpacker(max_buffer_size=MAX_DIRECTORY)
        self._unpacker.feed(packed)

    @property
    def position(self) -> int:
        return int(self._unpacker.tell())

    def directory(self) -> tuple[str, int, tuple[int, bytes], dict[str, TensorEntry]]:
        if self._unpacker.read_map_header() != 4:
            raise ValueError("a map of 4 is expected")
        self._key("run_id")
        run_id = self._scalar(str)
        self._key("step")
        step = self._scalar(int)
        self._key("sections")
        self._array(2)
        document = (self._scalar(int), self._digest())
        self._key("tensors")
        count = _bounded(self._unpacker.read_map_header(), MAX_TENSORS, "tensors")
        return run_id, step, document, {self._scalar(str): self._tensor() for _ in range(count)}

    def _tensor(self) -> TensorEntry:
        self._array(3)
        dtype = sys.intern(self._scalar(str))  # one object for all tensors that share it
        axes = _bounded(self._unpacker.read_array_header(), MAX_AXES, "axes of a tensor")
        return TensorEntry(dtype, tuple(self._scalar(int) for _ in range(axes)), self._digest())

    def _scalar(self, kind: type[Scalar]) -> Scalar:
        # The tag is checked first, so that no value of another type is built.
        tag = self._packed[self.position : self.position + 1]
        if tag not in _TAGS[kind]:
            raise ValueError(f"{kind.__name__} is expected")
        value: Scalar = self._unpacker.unpack()
        return value

    def _digest(self) -> bytes:
        digest = self._scalar(bytes)
        if len(digest) != DIGEST_SIZE:
            raise ValueError(f"{DIGEST_SIZE} bytes are expected")
        return digest

    def _key(self, key: str) -> None:
        if self._scalar(str) != key:
            raise ValueError(f"key {key!r} is expected")

    def _array(self, length: int) -> None:
        if self._unpacker.read_array_header() != length:
            raise ValueError(f"an array of {length} is expected")


def tensor_problem(name: str, array: Array) -> str | None:
    """Return why a file cannot hold an array under a name; None if it can."""
    try:
        _check_tensor(name, TensorEntry.of(name, array))
    except (CheckpointFormatError, CheckpointLimitError) as error:
        return str(error)
    return None


def _check_tensor(name: str, entry: TensorEntry) -> None:
    _check_name("the tensor's name", name)
    dtype, shape, _ = entry
    if dtype not in DTYPES:
        raise CheckpointFormatError(
            f"tensor {name!r} has dtype {dtype!r}; there are {', '.join(DTYPES)}"
        )
    _bounded(len(shape), MAX_AXES, f"axes of tensor {name!r}")
    size = math.prod(axis for axis in shape if axis) * DTYPES[dtype].itemsize
    _bounded(size, MAX_INT, f"bytes of tensor {name!r}")


def _bounded(count: int, limit: int, what: str) -> int:
    if count > limit:
        raise CheckpointLimitError(f"{count:,} {what}; at most {limit:,} are allowed")
    return count


def is_name(name: object) -> bool:
    """Return True if a tensor may have the name."""
    return isinstance(name, str) and len(name) <= MAX_NAME and bool(_NAME.fullmatch(name))


def _check_name(what: str, name: str) -> None:
    if not is_name(name):
        raise CheckpointFormatError(
            f"{what} is {str(name)[:MAX_NAME]!r}; a name has at most {MAX_NAME} ASCII letters,"
            " digits, _ . - / and no part between slashes that is empty or starts with a dot"
        )
