"""Builds files of the format, and files that lie: every length and checksum is right, the rest is
whatever the test wants. Written from the specification, without tinynet's writer.
"""

import struct
from collections.abc import Sequence
from typing import Any

import msgpack
from xxhash import xxh3_128_digest as digest

DOCUMENT = b"{}"


def directory(
    tensors: Any = None, *, document: bytes = DOCUMENT, run_id: Any = "run", step: Any = 1
) -> dict[Any, Any]:
    """A directory as an object."""
    return {
        "run_id": run_id,
        "step": step,
        "sections": [len(document), digest(document)],
        "tensors": {} if tensors is None else tensors,
    }


def entry(dtype: Any, shape: Any, data: bytes) -> list[Any]:
    """A tensor in the directory."""
    return [dtype, shape, digest(data)]


def frame(position: int, data: bytes) -> bytes:
    """A part of one chunk with the padding before it."""
    zeros = -(position + 7) % 64
    return bytes([0xC4, zeros]) + bytes(zeros) + struct.pack(">BI", 0xC6, len(data)) + data


def parts(position: int, contents: Sequence[bytes]) -> bytes:
    """Parts one behind the other, the first one's padding at ``position``."""
    body = b""
    for data in contents:
        body += frame(position + len(body), data)
    return body


def seal(
    packed: bytes,
    body: bytes,
    *,
    magic: bytes = b"\xc4\x3etinynet-ckpt",
    version: int = 1,
    length: int | None = None,
    directory_length: int | None = None,
) -> bytes:
    """A file with this directory and what comes behind it; lengths and digests are made to fit."""
    total = 64 + len(packed) + len(body) if length is None else length
    size = len(packed) if directory_length is None else directory_length
    prefix = struct.pack("<14sHQQ16s", magic, version, total, size, digest(packed))
    return prefix + digest(prefix) + packed + body


def build(tree: Any, *contents: bytes) -> bytes:
    """A sealed file of a directory, an object or raw bytes, and the parts behind it."""
    packed = tree if isinstance(tree, bytes) else msgpack.packb(tree, strict_types=False)
    return seal(packed, parts(64 + len(packed), contents))
