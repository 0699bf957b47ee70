"""Reads mutants of archives: each must be refused with one of our errors, or be whole.

    python tests/archive/fuzz.py --count 1000000

Half of the mutants are damaged bytes. The other half are sealed: their structure is changed, then
lengths and digests are made to fit, so that what lies behind the digests is tested. Limits aside,
a mutant is refused if and only if the independent reader refuses it, and read as the same content;
and it is, byte for byte, what writing that content gives: nothing has two spellings. The process
may take 64 MiB more memory than it starts with, and 30 seconds a mutant. A mutant that breaks a
rule is kept as a file, and the exit status is 1.
"""

import argparse
import collections
import json
import random
import resource
import signal
import struct
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import forge
import independent_reader
import msgpack
import numpy as np

from tinynet import archive
from tinynet.archive.header import DTYPES
from tinynet.errors import (
    CheckpointCorruptError,
    CheckpointFormatError,
    CheckpointLimitError,
    CheckpointVersionError,
)

REFUSALS = (
    CheckpointCorruptError,
    CheckpointFormatError,
    CheckpointLimitError,
    CheckpointVersionError,
)
NUMBERS = [0, 1, 2, 7, 63, 64, 127, 128, 255, 256, 2**15, 2**16, 2**31 - 1, 2**31, 2**32 - 1]
NUMBERS += [2**32, 2**40, 2**62, 2**63 - 1, 2**63, 2**64 - 1, -1, -(2**63)]
TEXTS = ["", "x", "a/b", "../../x", "a//b", "é", "O", "V4", ">f4", "n" * 256, "n" * 257, *DTYPES]
SNIPPETS = b'NaN 1e999 -0 1.0 [] {} {"a":1,"a":2} "\\ud800" "\\ud83d\\ude00" true , : \\ "'.split()

Content = tuple[dict[str, Any], list[bytes]]
"""A directory, and the document and the tensors' bytes behind it."""


def corpus() -> list[Content]:
    """Return small valid contents of every kind."""
    tensors: list[dict[str, Any]] = [
        {},
        {"w": np.arange(6, dtype=np.float32).reshape(2, 3)},
        {f"t/{name}": np.ones(3, dtype) for name, dtype in sorted(DTYPES.items())},
        {"many": np.arange(200), "none": np.empty((0, 4)), "one": np.array(2.0)},
    ]
    documents = [b"{}", b'{"loop":{"loss":0.5,"step":3},"name":"\\u00e9\\ud83d\\ude00"}']
    contents = []
    for arrays in tensors:
        for document in documents:
            entries = {
                name: forge.entry(array.dtype.name, list(array.shape), array.tobytes())
                for name, array in arrays.items()
            }
            parts = [document, *(array.tobytes() for array in arrays.values() if array.size)]
            contents.append((forge.directory(entries, document=document), parts))
    return contents


class Mutator:
    """A generator of mutants; equal seeds give equal mutants."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.contents = corpus()
        self.files = [forge.build(tree, *parts) for tree, parts in self.contents]

    def damaged(self) -> bytes:
        """Return a file with changed bytes."""
        return self.damage(self.draw.choice(self.files))

    def sealed(self) -> bytes:
        """Return a file with another structure, and fitting lengths and digests."""
        tree, parts = self.draw.choice(self.contents)
        tree, parts = msgpack.unpackb(msgpack.packb(tree)), list(parts)
        kind: Callable[[dict[str, Any], list[bytes]], bytes] = self.draw.choice(
            (self.tree, self.packed, self.document, self.body, self.tensor, self.contents_of_part)
        )
        return kind(tree, parts)

    def damage(self, data: bytes) -> bytes:
        """``data`` with one to four changes."""
        changed = bytearray(data)
        for _ in range(self.draw.choice((1, 1, 2, 4))):
            start = self.draw.randrange(len(changed) + 1)
            end = min(len(changed), start + self.draw.choice((1, 1, 2, 4, 8, 64)))
            change = self.draw.randrange(7)
            if change == 0 and start < len(changed):
                changed[start] ^= 1 << self.draw.randrange(8)
            elif change == 1:
                changed[start:end] = self.draw.randbytes(end - start)
            elif change == 2:
                del changed[start:end]
            elif change == 3:
                changed[start:start] = changed[start:end]
            elif change == 4:
                del changed[start:]
            elif change == 5:
                number = self.draw.choice(NUMBERS) % 2**64
                changed[start : start + 8] = struct.pack(self.draw.choice("<>") + "Q", number)
            else:
                other = self.draw.choice(self.files)
                changed[start:end] = other[start:end]
        return bytes(changed)

    def value(self, depth: int = 0) -> Any:
        """Return any value that msgpack can hold."""
        make = self.draw.randrange(9 if depth < 3 else 7)
        if make < 2:
            return self.draw.choice(NUMBERS)
        if make < 4:
            return self.draw.choice(TEXTS)
        if make == 4:
            return self.draw.randbytes(self.draw.choice((0, 1, 15, 16, 17, 64)))
        if make == 5:
            return self.draw.choice((None, True, False, 1.0, float("nan"), msgpack.Timestamp(1)))
        if make == 6:
            return msgpack.ExtType(self.draw.randrange(128), self.draw.randbytes(4))
        values = [self.value(depth + 1) for _ in range(self.draw.randrange(10))]
        return values if make == 7 else {self.draw.choice(TEXTS): value for value in values}

    def tree(self, tree: dict[str, Any], parts: list[bytes]) -> bytes:
        """Return a directory with one value changed, removed or duplicated."""
        node: Any = tree
        key: Any = self.draw.choice(list(node))
        while isinstance(node[key], dict | list) and node[key] and self.draw.random() < 0.8:
            node = node[key]
            key = self.draw.choice(list(node) if isinstance(node, dict) else range(len(node)))
        change = self.draw.randrange(5)
        if change == 0:
            del node[key]
        elif change == 1 and isinstance(node, list):
            node.insert(key, node[key])
        elif change == 1:
            node[self.draw.choice(TEXTS)] = node[key]
        else:
            node[key] = self.value()
        return forge.build(tree, *parts)

    def packed(self, tree: dict[str, Any], parts: list[bytes]) -> bytes:
        """Return a packed directory with changed bytes."""
        return forge.build(self.damage(msgpack.packb(tree)), *parts)

    def document(self, tree: dict[str, Any], parts: list[bytes]) -> bytes:
        """Return another document."""
        text = self.damage(parts[0])
        if self.draw.random() < 0.5:
            start = self.draw.randrange(len(parts[0]))
            text = parts[0][:start] + self.draw.choice(SNIPPETS) + parts[0][start:]
        tree["sections"] = [len(text), forge.digest(text)]
        return forge.build(tree, text, *parts[1:])

    def body(self, tree: dict[str, Any], parts: list[bytes]) -> bytes:
        """Return other bytes after the directory: padding, tags, contents, order."""
        packed = msgpack.packb(tree)
        body = forge.parts(64 + len(packed), parts)
        if self.draw.random() < 0.2:
            self.draw.shuffle(parts)
            return forge.build(tree, *parts)
        return forge.seal(packed, self.damage(body))

    def tensor(self, tree: dict[str, Any], parts: list[bytes]) -> bytes:
        """Add a tensor of any dtype, shape and bytes."""
        dtype = self.draw.choice([*DTYPES])
        shape = [self.draw.choice((0, 1, 2, 3)) for _ in range(self.draw.randrange(10))]
        size = int(np.prod(shape)) * DTYPES[dtype].itemsize
        data = self.draw.randbytes(size) if self.draw.random() < 0.7 else bytes(size)
        tree["tensors"]["~zzz" if self.draw.random() < 0.2 else "zzz"] = forge.entry(
            dtype, shape, data
        )
        return forge.build(tree, *parts, *([data] if data else []))

    def contents_of_part(self, tree: dict[str, Any], parts: list[bytes]) -> bytes:
        """Change values of tensors that are not empty."""
        changed = [parts[0]]
        rest = iter(parts[1:])
        for entry in tree["tensors"].values():
            if 0 not in entry[1]:
                data = next(rest)
                changed.append(self.draw.randbytes(len(data)))
                entry[2] = forge.digest(changed[-1])
        return forge.build(tree, *changed)


def verdict(path: Path, again: Path, copy: bool) -> str:
    """Return the result of reading a mutant; unexpected exceptions propagate."""
    data = path.read_bytes()
    try:
        saved = archive.read(path, copy=copy)
    except REFUSALS as error:
        require(str(error).startswith(f"{path}: "), "the message does not name the file")
        require(isinstance(error, CheckpointLimitError) or not is_good(data), "it is refused")
        return type(error).__name__
    run_id, step, sections, tensors = independent_reader.read(data)
    require((run_id, step) == (saved.run_id, saved.step), "other run id or step")
    require(json.dumps(sections) == json.dumps(saved.sections), "other sections")
    require(described(tensors) == described(saved.tensors), "other tensors")
    archive.write(again, saved.sections, saved.tensors, run_id=saved.run_id, step=saved.step)
    require(again.read_bytes() == data, "its content is written differently")
    return "read"


def require(fact: bool, otherwise: str) -> None:
    if not fact:
        raise AssertionError(otherwise)


def is_good(data: bytes) -> bool:
    """Return True if the independent reader accepts a file."""
    try:
        independent_reader.read(data)
    except Exception:
        return False
    return True


def described(tensors: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [(name, a.dtype, a.shape, a.tobytes()) for name, a in tensors.items()]


def limit_memory() -> None:
    """Limit reads to 64 MiB; only Linux enforces it."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        used = int(statm.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + 64 * 2**20,) * 2)


def give_up(signum: int, frame: Any) -> None:
    raise TimeoutError("no verdict within 30 seconds")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000, help="how many mutants")
    parser.add_argument("--seed", type=int, default=0, help="of the random choices")
    options = parser.parse_args()
    mutator = Mutator(options.seed)
    tally = {kind: collections.Counter[str]() for kind in ("damaged", "sealed")}
    findings = 0
    slowest = 0.0
    memory = Path("/dev/shm")
    signal.signal(signal.SIGALRM, give_up)
    limit_memory()
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        path, again = Path(folder, "mutant"), Path(folder, "again")
        for number in range(options.count):
            kind = ("damaged", "sealed")[number % 2]
            mutant = mutator.sealed() if number % 2 else mutator.damaged()
            path.write_bytes(mutant)
            start = time.perf_counter()
            signal.alarm(30)
            try:
                tally[kind][verdict(path, again, copy=number % 4 < 2)] += 1
            except Exception:
                findings += 1
                kept = Path(tempfile.gettempdir(), f"finding-{options.seed}-{number}.msgpack")
                kept.write_bytes(mutant)
                traceback.print_exc()
                print(f"kept as {kept}", file=sys.stderr)
            signal.alarm(0)
            slowest = max(slowest, time.perf_counter() - start)
    for kind, verdicts in tally.items():
        print(kind, ", ".join(f"{name} {count:,}" for name, count in verdicts.most_common()))
    print(f"{options.count:,} mutants, {findings} findings; slowest {slowest * 1000:.1f} ms")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
