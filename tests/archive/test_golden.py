"""Checkpoints of the first release load in every later one; see golden/README.md."""

import json
from pathlib import Path
from types import ModuleType

import pytest

from tinynet import archive

GOLDEN = Path(__file__).parent / "golden"
FILES = sorted(GOLDEN.glob("v*.msgpack"))


def test_the_golden_files_are_there() -> None:
    assert [path.name for path in FILES] == ["v1-empty.msgpack", "v1-everything.msgpack"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_golden_files_hold_what_they_held(
    path: Path, independent_reader: ModuleType, golden_maker: ModuleType
) -> None:
    described = golden_maker.described
    expected = json.loads(path.with_suffix(".json").read_text())
    for copy in (True, False):
        saved = archive.read(path, copy=copy)
        assert saved.run_id == expected["run_id"]
        assert saved.step == expected["step"]
        assert saved.sections == expected["sections"]
        assert described(saved.tensors) == expected["tensors"]
    run_id, step, sections, tensors = independent_reader.read(path.read_bytes())
    assert {
        "run_id": run_id,
        "step": step,
        "sections": sections,
        "tensors": described(tensors),
    } == expected


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_version_1_is_still_written_as_it_was(path: Path, tmp_path: Path) -> None:
    """Other bytes for the same content would be another format."""
    saved = archive.read(path)
    again = tmp_path / path.name
    archive.write(again, saved.sections, saved.tensors, run_id=saved.run_id, step=saved.step)
    assert again.read_bytes() == path.read_bytes()
