"""A second reader, written from the specification in tinynet/archive.py alone: the tests' oracle.

It knows msgpack, JSON and XXH3, and nothing of tinynet. It is as strict, and neither careful with
memory nor made to explain: what breaks a rule is an AssertionError, or whatever Python makes of it.
"""

import json
import math
import re
import struct
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
from xxhash import xxh3_128_digest

DTYPES = ["bool", "float16", "float32", "float64", *(f"{u}int{8 << n}" for u in ("", "u") for n in range(4))]  # fmt: skip  # noqa: E501
NAME = re.compile(r"(?!.{257})[\w-][\w.-]*(/[\w-][\w.-]*)*", re.ASCII)


def read(path: Path, chunk_size: int = 2**30) -> tuple[str, int, Any, dict[str, Any]]:
    """Run id, step, sections and tensors of a file."""
    data = path.read_bytes()
    magic, version, length, size, digest, own = struct.unpack("<14sHQQ16s16s", data[:64])
    assert (magic, version, length) == (b"\xc4\x3etinynet-ckpt", 1, len(data))
    assert own == xxh3_128_digest(data[:48]) and digest == xxh3_128_digest(data[64 : 64 + size])
    stream = msgpack.Unpacker(max_buffer_size=len(data))
    stream.feed(data)
    assert stream.unpack() == data[2:64]
    directory = stream.unpack()
    assert data[64 : stream.tell()] == msgpack.packb(directory) and stream.tell() == 64 + size
    assert list(directory) == ["run_id", "step", "sections", "tensors"]
    tensors = directory["tensors"]
    assert list(tensors) == sorted(tensors) and len(tensors) <= 2**16 and size <= 24 * 2**20
    assert all(NAME.fullmatch(name) for name in [directory["run_id"], *tensors])
    assert type(directory["step"]) is int and 0 <= directory["step"] < 2**63

    def part(length: int, digest: bytes) -> bytes:
        found = b""
        while len(found) < length:
            start = stream.tell()
            padding, chunk = stream.unpack(), stream.unpack()
            end = stream.tell() - len(chunk)
            assert data[start:end] == b"\xc4%c%b\xc6" % (-(start + 7) % 64, padding) + struct.pack(">I", len(chunk))  # fmt: skip  # noqa: E501
            assert not any(padding) and len(chunk) == min(chunk_size, length - len(found))
            found += chunk
        assert xxh3_128_digest(found) == digest
        return found

    document = part(*directory["sections"])
    sections = json.loads(document)
    canonical = json.dumps(sections, sort_keys=True, separators=(",", ":"), allow_nan=False)
    assert type(sections) is dict and canonical.encode() == document
    arrays = {}
    for name, (dtype, shape, digest) in tensors.items():
        assert dtype in DTYPES and len(shape) <= 8 and all(type(axis) is int for axis in shape)
        kind = np.dtype(dtype).newbyteorder("<")
        array = np.frombuffer(part(math.prod(shape) * kind.itemsize, digest), kind)
        assert dtype != "bool" or not any(array.view("u1") > 1)
        arrays[name] = array.reshape(shape)
    assert stream.tell() == len(data)
    return directory["run_id"], directory["step"], sections, arrays
