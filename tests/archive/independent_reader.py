"""A second reader, written only from the specification in tinynet/archive: a test oracle."""

import json
import math
import re
import struct

import msgpack
import numpy as np
from xxhash import xxh3_128_digest as digest_of

DTYPES = "bool float16 float32 float64 int16 int32 int64 int8 uint16 uint32 uint64 uint8".split()
NAME = re.compile(r"(?!.{257})[\w-][\w.-]*(/[\w-][\w.-]*)*", re.ASCII)


def check(*facts: object) -> None:
    if not all(facts):
        raise ValueError


def read(data: bytes, chunk_size: int = 2**30) -> tuple[str, int, dict, dict]:
    """Return run id, step, sections and tensors; refuse invalid files, limits aside."""
    magic, version, length, size, digest, own = struct.unpack("<14sHQQ16s16s", data[:64])
    check(magic == b"\xc4\x3etinynet-ckpt", version == 1, length == len(data))
    check(own == digest_of(data[:48]), digest == digest_of(data[64 : 64 + size]))
    stream = msgpack.Unpacker(max_buffer_size=len(data))
    stream.feed(data)
    prefix, directory = stream.unpack(), stream.unpack()
    check(prefix == data[2:64], msgpack.packb(directory) == data[64 : 64 + size])
    run_id, step, (length, digest), tensors = directory.values()
    keys = ["run_id", "step", "sections", "tensors"]
    check(list(directory) == keys, list(tensors) == sorted(tensors))
    check(type(step) is int, 0 <= step < 2**63, *map(NAME.fullmatch, [run_id, *tensors]))

    def part(length: int, digest: bytes) -> bytes:
        content = b""
        while len(content) < length:
            start, padding, chunk = stream.tell(), stream.unpack(), stream.unpack()
            tags = b"\xc4%c%b\xc6%b" % (len(padding), padding, struct.pack(">I", len(chunk)))
            check(len(padding) == -(start + 7) % 64, data.startswith(tags + chunk, start))
            check(not any(padding), len(chunk) == min(chunk_size, length - len(content)))
            content += chunk
        check(digest_of(content) == digest)
        return content

    document = part(length, digest)
    sections, arrays = json.loads(document), {}
    text = json.dumps(sections, sort_keys=True, separators=(",", ":"), allow_nan=False)
    check(text.encode() == document, type(sections) is dict)
    check(json.dumps(sections, ensure_ascii=False).encode())
    for name, (dtype, shape, digest) in tensors.items():
        check(dtype in DTYPES, type(shape) is list, len(shape) <= 8)
        check(all(type(axis) is int and axis >= 0 for axis in shape))
        kind = np.dtype(dtype).newbyteorder("<")
        values = part(math.prod(shape) * kind.itemsize, digest)
        check(dtype != "bool" or max(values, default=0) <= 1)
        arrays[name] = np.frombuffer(values, kind).reshape(shape)
    check(stream.tell() == len(data))
    return run_id, step, sections, arrays
