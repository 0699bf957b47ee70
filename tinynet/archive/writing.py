"""Writing of archives."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from pydantic import JsonValue
from xxhash import xxh3_128

from tinynet.archive import layout
from tinynet.archive.errors import naming_file, naming_sections
from tinynet.archive.header import (
    DIGEST_SIZE,
    DTYPES,
    PREFIX_SIZE,
    Directory,
    TensorEntry,
    pack_prefix,
)
from tinynet.archive.layout import bytes_of, cut, file_size, frame
from tinynet.files import canonical_json
from tinynet.files.atomic import WriteAt, replacing
from tinynet.files.canonical_json import Encoded
from tinynet.types import Array

_SMALL = 2**16
"""Most bytes that are collected before they are written."""


def write(
    path: str | Path,
    sections: Mapping[str, JsonValue | Encoded],
    tensors: Mapping[str, Array],
    *,
    run_id: str,
    step: int,
) -> None:
    """Write a file, atomically and durably: see `tinynet.files.atomic.replacing`.

    Equal content gives equal bytes. Arrays that are not C-contiguous and little-endian are
    converted, one at a time; no other memory is allocated. No array may change meanwhile. A section
    may be encoded already.

    Raises:
        CheckpointFormatError: for a name, a dtype or a JSON value that the format does not have.
        CheckpointLimitError: for more than the format allows.
        CheckpointIOError: if the disk or the file system refuses; no temporary file is left.
    """
    path = Path(path)
    with naming_file(path):
        document, directory = _parts(sections, tensors, run_id, step)
        entries = directory.tensors
        # All digests have one length, so every part has its place before they are computed.
        start = PREFIX_SIZE + sum(map(len, directory.pack()))
        with replacing(path, file_size(start, directory)) as write_at:
            sink = _Sink(write_at, start)
            digest = sink.write_part(memoryview(document))
            for name, entry in entries.items():
                array = np.ascontiguousarray(tensors[name], DTYPES[entry.dtype])
                entries[name] = entry._replace(digest=sink.write_part(bytes_of(array)))
            sink.flush()
            packed = b"".join(directory._replace(document=(len(document), digest)).pack())
            write_at(0, pack_prefix(sink.position, packed) + packed)


def check(
    sections: Mapping[str, JsonValue], tensors: Mapping[str, Array], *, run_id: str, step: int
) -> dict[str, JsonValue]:
    """Return the sections as `read` would after `write`, whose errors it raises; write nothing."""
    document, _ = _parts(sections, tensors, run_id, step)
    decoded = canonical_json.decode(document)
    assert isinstance(decoded, dict)
    return decoded


def _parts(
    sections: Mapping[str, JsonValue | Encoded],
    tensors: Mapping[str, Array],
    run_id: str,
    step: int,
) -> tuple[bytes, Directory]:
    """Return the document, and the directory without any digest."""
    with naming_sections():
        document = canonical_json.encode_members(sections)
    entries = {name: TensorEntry.of(name, tensors[name]) for name in sorted(tensors, key=str)}
    directory = Directory(run_id, step, (len(document), bytes(DIGEST_SIZE)), entries)
    directory.check()
    return document, directory


class _Sink:
    """A file that is written part after part; small parts are written together."""

    def __init__(self, write_at: WriteAt, position: int) -> None:
        self._write_at = write_at
        self._written = position
        self._waiting = bytearray()

    @property
    def position(self) -> int:
        """The end of all parts so far."""
        return self._written + len(self._waiting)

    def _write(self, data: bytes | memoryview) -> None:
        if len(self._waiting) + len(data) <= _SMALL:
            self._waiting += data
            return
        self.flush()
        self._write_at(self._written, data)
        self._written += len(data)

    def flush(self) -> None:
        """Write the parts that wait for others."""
        if self._waiting:
            self._write_at(self._written, bytes(self._waiting))
            self._written += len(self._waiting)
            self._waiting = bytearray()

    def write_part(self, part: memoryview) -> bytes:
        """Write the frames and chunks of a part; return its digest."""
        hasher = xxh3_128()
        for chunk in cut(part, layout.MAX_CHUNK):
            self._write(frame(self.position, len(chunk)))
            for piece in cut(chunk, layout.PIECE):
                hasher.update(piece)
                self._write(piece)
        return hasher.digest()
