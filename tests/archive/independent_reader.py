"""A second reader, written from the specification in tinynet/archive.py alone: the tests' oracle.

It knows msgpack, JSON and XXH3, and nothing of tinynet. It is as strict, and neither careful with
memory nor made to explain: a bad file is a ValueError, or whatever else Python makes of it.
"""

import json
import math
import re
import struct
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
from xxhash import xxh3_128_digest as digest_of

KEYS = ["run_id", "step", "sections", "tensors"]
DTYPES = {"bool", *(f"float{16 << n}" for n in range(3)), *(f"{u}int{8 << n}" for u in ("", "u") for n in range(4))}  # fmt: skip # noqa: E501
NAME = re.compile(r"(?!.{257})[\w-][\w.-]*(/[\w-][\w.-]*)*", re.ASCII)


def check(*facts: Any) -> None:
    if not all(facts):
        raise ValueError


def read(path: Path, chunk_size: int = 2**30) -> tuple[str, int, Any, dict[str, Any]]:
    """Run id, step, sections and tensors of a file."""
    data = path.read_bytes()
    magic, version, length, size, digest, own = struct.unpack("<14sHQQ16s16s", data[:64])
    check(magic == b"\xc4\x3etinynet-ckpt", version == 1, length == len(data), size <= 24 * 2**20)
    check(own == digest_of(data[:48]), digest == digest_of(data[64 : 64 + size]))
    stream = msgpack.Unpacker(max_buffer_size=len(data))
    stream.feed(data)
    prefix, directory = stream.unpack(), stream.unpack()
    run_id, step, (length, digest), tensors = directory.values()
    check(prefix == data[2:64], msgpack.packb(directory) == data[64 : 64 + size])
    check(list(directory) == KEYS, list(tensors) == sorted(tensors), len(tensors) <= 2**16)
    check(type(step) is int, 0 <= step < 2**63, *map(NAME.fullmatch, [run_id, *tensors]))

    def part(length: int, digest: bytes) -> bytes:
        found = b""
        while len(found) < length:
            start, padding, chunk = stream.tell(), stream.unpack(), stream.unpack()
            frame = data[start : stream.tell() - len(chunk)]
            zeros = -(start + 7) % 64
            check(frame == b"\xc4%c" % zeros + bytes(zeros) + b"\xc6" + struct.pack(">I", len(chunk)))  # fmt: skip # noqa: E501
            check(len(padding) == zeros, len(chunk) == min(chunk_size, length - len(found)))
            found += chunk
        check(digest_of(found) == digest)
        return found

    document = part(length, digest)
    sections, arrays = json.loads(document), {}
    check(json.dumps(sections, sort_keys=True, separators=(",", ":")).encode() == document)
    for name, (dtype, shape, digest) in tensors.items():
        check(dtype in DTYPES, len(shape) <= 8, *(type(axis) is int for axis in shape))
        kind = np.dtype(dtype).newbyteorder("<")
        arrays[name] = np.frombuffer(part(math.prod(shape) * kind.itemsize, digest), kind).reshape(shape)  # fmt: skip # noqa: E501
        check(dtype != "bool" or max(arrays[name].tobytes(), default=0) <= 1)
    check(stream.tell() == len(data), type(sections) is dict)
    return run_id, step, sections, arrays
