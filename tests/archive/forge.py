"""Builder of valid and invalid files: lengths and checksums are right, the rest is
up to the test. Written from the specification, without tinynet's writer.
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
    """Return a directory as an object."""
    return {
        "run_id": run_id,
        "step": step,
        "sections": [len(document), digest(document)],
        "tensors": {} if tensors is None else tensors,
    }


def entry(dtype: Any, shape: Any, data: bytes) -> list[Any]:
    """Return the entry of a tensor in the directory."""
    return [dtype, shape, digest(data)]


def frame(position: int, data: bytes) -> bytes:
    """Return a part of one chunk with the padding before it."""
    zeros = -(position + 7) % 64
    return bytes([0xC4, zeros]) + bytes(zeros) + struct.pack(">BI", 0xC6, len(data)) + data


def parts(position: int, contents: Sequence[bytes]) -> bytes:
    """Return the parts one after the other; the first one's padding is at ``position``."""
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
    """Return a file of a directory and its parts, with fitting lengths and digests."""
    total = 64 + len(packed) + len(body) if length is None else length
    size = len(packed) if directory_length is None else directory_length
    prefix = struct.pack("<14sHQQ16s", magic, version, total, size, digest(packed))
    return prefix + digest(prefix) + packed + body


def build(tree: Any, *contents: bytes) -> bytes:
    """Return a sealed file of a directory, as an object or raw bytes, and parts."""
    packed = tree if isinstance(tree, bytes) else msgpack.packb(tree, strict_types=False)
    return seal(packed, parts(64 + len(packed), contents))
