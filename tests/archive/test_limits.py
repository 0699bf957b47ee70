"""Everything within the limits can be written and read; refusing a file takes little memory."""

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import msgpack
import numpy as np
import pytest

from tinynet import archive
from tinynet.archive.header import MAX_DIRECTORY, MAX_TENSORS
from tinynet.errors import CheckpointLimitError
from tinynet.files import canonical_json


def longest_name(number: int) -> str:
    return f"{number:0256d}"


def largest_sections() -> dict[str, Any]:
    """Return a document with the most values and depth, filled up with text.

    The one character beyond U+FFFF makes Python keep the text at four bytes a character.
    """
    depth: Any = 0
    for _ in range(canonical_json.MAX_DEPTH - 1):
        depth = [depth]
    sections: dict[str, Any] = {"depth": depth, "text": "\U0001f600", "values": []}
    marks = canonical_json.MAX_MARKS - _marks(sections)
    sections["values"] = [{"": 0}] * (marks // 3) + [0] * (marks % 3)
    marks = canonical_json.MAX_MARKS - _marks(sections)
    sections["values"] += [0] * marks
    sections["text"] += "x" * (canonical_json.MAX_BYTES - len(_text(sections)))
    return sections


def _text(sections: dict[str, Any]) -> str:
    return json.dumps(sections, separators=(",", ":"))


def _marks(sections: dict[str, Any]) -> int:
    return sum(_text(sections).count(mark) for mark in "[{,:")


def test_the_largest_legal_file_comes_back(tmp_path: Path) -> None:
    """All limits at once, to show that they are consistent."""
    path = tmp_path / "largest"
    empty = np.empty((0, *[2**31] * 1, *[2] * 6), np.float32)
    assert empty.ndim == 8
    tensors = {longest_name(number): empty for number in range(MAX_TENSORS)}
    sections = largest_sections()
    archive.write(path, sections, tensors, run_id="r" * 256, step=2**63 - 1)
    outline = archive.read_outline(path)
    assert (outline.run_id, outline.step) == ("r" * 256, 2**63 - 1)
    assert outline.sections == sections
    assert list(outline.tensors) == list(tensors)
    assert {entry.shape for entry in outline.tensors.values()} == {empty.shape}


def test_the_directory_limit_fits_the_other_limits() -> None:
    axes = [2**63 - 1] * 8
    longest = msgpack.packb("n" * 256) + msgpack.packb(["float64", axes, bytes(16)])
    assert MAX_TENSORS * len(longest) + 1024 <= MAX_DIRECTORY


@pytest.mark.parametrize("axes", [[2**63 - 1], [2**63 - 1, 0], [2**31, 2**31, 0], [0] * 8])
def test_tensors_without_elements_may_have_any_other_axes(
    tmp_path: Path, forge: ModuleType, axes: list[int]
) -> None:
    axes = axes if 0 in axes else [*axes, 0]
    tree = forge.directory({"x": forge.entry("uint8", axes, b"")})
    (tmp_path / "a").write_bytes(forge.build(tree, forge.DOCUMENT))
    assert archive.read(tmp_path / "a").tensors["x"].shape == tuple(axes)


@pytest.mark.parametrize("spoil", ["depth", "text", "values"])
def test_one_step_beyond_a_limit_of_the_document_is_refused(tmp_path: Path, spoil: str) -> None:
    sections = largest_sections()
    beyond = {
        "depth": {"depth": [sections["depth"]]},
        "text": {"text": sections["text"] + "x"},
        "values": {"values": [*sections["values"], 0], "text": ""},
    }[spoil]
    with pytest.raises(CheckpointLimitError):
        archive.write(tmp_path / "a", sections | beyond, {}, run_id="r", step=0)


def test_one_tensor_too_many_is_refused(tmp_path: Path) -> None:
    tensors = {str(number): np.empty(0) for number in range(MAX_TENSORS + 1)}
    with pytest.raises(CheckpointLimitError, match="65,537 tensors; at most 65,536"):
        archive.write(tmp_path / "a", {}, tensors, run_id="r", step=0)


MEASURE = """
import re, sys
from pathlib import Path
from tinynet import archive
from tinynet.errors import CheckpointError

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024

Path("/proc/self/clear_refs").write_text("5")
before = peak()
try:
    archive.read(sys.argv[1])
except CheckpointError as error:
    print(type(error).__name__, peak() - before)
"""


def _costly(forge: ModuleType, kind: str) -> bytes:
    """Return a file whose reader needs much memory before it can refuse it."""
    if kind == "nested directory":
        return forge.build(b"\x84\xa6run_id" + b"\x91" * (MAX_DIRECTORY - 100))
    if kind == "flat directory":
        head = msgpack.packb(forge.directory())[:-1] + b"\xde\xff\xff"
        pairs = b"".join(b"\xa3" + b"%03x" % n + b"\xc0" for n in range(2**12))
        return forge.build(head + pairs * 1000)
    if kind == "nested document":
        text = b'{"a":[' + b",".join([b"[]"] * 1_300_000) + b"]}"
        return forge.build(forge.directory(document=text), text)
    name = "{:04x}" if kind == "largest, short names" else "{:0256d}"
    entry = forge.entry("uint8", [0, *[300] * 7], b"")
    text = _text(dict(sorted(largest_sections().items()))).encode()[:-1] + b" "
    entries = {name.format(n): entry for n in range(MAX_TENSORS)}
    return forge.build(forge.directory(entries, document=text), text)


@pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="peak memory is measured through /proc"
)
@pytest.mark.parametrize(
    "kind",
    [
        "nested directory",
        "flat directory",
        "nested document",
        "largest, short names",
        "largest, long names",
    ],
)
def test_refusing_a_file_takes_at_most_twice_its_size_and_64_mib(
    tmp_path: Path, forge: ModuleType, kind: str
) -> None:
    path = tmp_path / "costly"
    data = _costly(forge, kind)
    path.write_bytes(data)
    printed = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)], check=True, capture_output=True, text=True
    ).stdout
    name, peak = printed.split()
    print(kind, name, f"{len(data) / 2**20:.1f} MiB, peak {int(peak) / 2**20:.1f} MiB")
    assert name in ("CheckpointFormatError", "CheckpointLimitError")
    assert int(peak) <= 2 * len(data) + 64 * 2**20


def test_the_largest_sections_are_the_largest() -> None:
    sections = largest_sections()
    assert len(_text(sections)) == canonical_json.MAX_BYTES
    assert _marks(sections) == canonical_json.MAX_MARKS
