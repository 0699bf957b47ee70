"""Saved content comes back: same bytes, dtypes and shapes, in memory that training can use."""

import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinynet import archive
from tinynet.archive import layout
from tinynet.archive.header import DTYPES
from tinynet.errors import CheckpointFormatError, CheckpointLimitError

NAMES = st.from_regex(
    r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,9}(/[A-Za-z0-9_-][a-z.]{0,9}){0,2}", fullmatch=True
)
ARRAYS = st.sampled_from(sorted(DTYPES)).flatmap(
    lambda name: hnp.arrays(
        DTYPES[name], hnp.array_shapes(min_dims=0, max_dims=8, min_side=0, max_side=3)
    )
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda values: st.lists(values, max_size=4) | st.dictionaries(TEXT, values, max_size=4),
    max_leaves=12,
)
Same = Callable[[Any, Any], bool]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    sections=st.dictionaries(TEXT, JSON, max_size=3),
    tensors=st.dictionaries(NAMES, ARRAYS, max_size=5),
    run_id=NAMES,
    step=st.integers(0, 2**63 - 1),
)
def test_any_content_comes_back_from_both_readers(
    tmp_path: Path,
    independent_reader: ModuleType,
    same: Same,
    sections: dict[str, Any],
    tensors: dict[str, Any],
    run_id: str,
    step: int,
) -> None:
    path = tmp_path / "any.msgpack"
    archive.write(path, sections, tensors, run_id=run_id, step=step)
    for copy in (True, False):
        content = archive.read(path, copy=copy)
        assert (content.run_id, content.step, content.sections) == (run_id, step, sections)
        assert same(content.tensors, tensors)
    other = independent_reader.read(path.read_bytes())
    assert other[:3] == (run_id, step, sections)
    assert same(other[3], tensors)


def test_equal_content_is_equal_bytes(tmp_path: Path, small: SimpleNamespace) -> None:
    """Two runs can be compared by comparing their files."""
    archive.write(tmp_path / "a", **vars(small))
    small.tensors = dict(reversed(small.tensors.items()))
    small.sections = dict(reversed(small.sections.items()))
    archive.write(tmp_path / "b", **vars(small))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_copied_arrays_are_owned_writable_and_aligned(small_file: Path) -> None:
    """Training changes them in place, and kernels need aligned memory."""
    tensors = archive.read(small_file).tensors
    small_file.unlink()
    for array in tensors.values():
        assert array.flags.writeable
        assert array.flags.c_contiguous
        assert array.size == 0 or array.ctypes.data % 64 == 0
        array[...] = 0


def test_mapped_arrays_are_read_only_aligned_and_outlive_the_name(
    small_file: Path, small: SimpleNamespace, same: Same
) -> None:
    tensors = archive.read(small_file, copy=False).tensors
    small_file.unlink()
    assert same(tensors, small.tensors)
    for array in tensors.values():
        assert array.size == 0 or array.ctypes.data % 64 == 0
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=">f4"),
        np.arange(12, dtype=">u8").reshape(3, 4).T,
        np.arange(24.0).reshape(2, 3, 4)[:, ::-1, ::2],
        np.broadcast_to(np.float32(3), (2, 5)),
        np.array(5, ">i2"),
    ],
)
def test_other_byte_orders_and_layouts_are_converted(tmp_path: Path, array: Any) -> None:
    archive.write(tmp_path / "a", {}, {"x": array}, run_id="r", step=0)
    result = archive.read(tmp_path / "a").tensors["x"]
    assert result.dtype == array.dtype.newbyteorder("<")
    assert np.array_equal(result, array)


def test_nan_and_infinity_are_kept_bit_for_bit(tmp_path: Path) -> None:
    """The checkpoint decides if NaN may be saved; the archive changes no bit."""
    bits = np.array([0x7FC00001, 0xFFC12345, 0x7F800000, 0x80000000], np.uint32)
    archive.write(tmp_path / "a", {}, {"x": bits.view(np.float32)}, run_id="r", step=0)
    assert np.array_equal(archive.read(tmp_path / "a").tensors["x"].view(np.uint32), bits)


@pytest.mark.parametrize("elements", [0, 1, 63, 64, 65, 127, 128, 129, 1000])
def test_tensors_of_several_chunks_come_back(
    tmp_path: Path,
    independent_reader: ModuleType,
    same: Same,
    monkeypatch: pytest.MonkeyPatch,
    elements: int,
) -> None:
    """Tensors above 1 GiB have several chunks; here a chunk has 128 bytes."""
    monkeypatch.setattr(layout, "MAX_CHUNK", 128)
    monkeypatch.setattr(layout, "PIECE", 50)
    tensors = {"a": np.arange(elements, dtype=np.uint8), "b": np.arange(40, dtype=np.float64)}
    archive.write(tmp_path / "a", {}, tensors, run_id="r", step=0)
    assert same(archive.read(tmp_path / "a").tensors, tensors)
    assert same(archive.read(tmp_path / "a", copy=False).tensors, tensors)
    assert same(independent_reader.read((tmp_path / "a").read_bytes(), 128)[3], tensors)


def test_the_outline_has_everything_but_the_values(
    small_file: Path, small: SimpleNamespace
) -> None:
    outline = archive.read_outline(small_file)
    assert (outline.run_id, outline.step) == (small.run_id, small.step)
    assert outline.sections == small.sections
    assert {n: (e.dtype, e.shape, e.nbytes) for n, e in outline.tensors.items()} == {
        name: (array.dtype.name, array.shape, array.nbytes) for name, array in small.tensors.items()
    }


def test_the_outline_does_not_read_the_tensors(small_file: Path) -> None:
    """Listing a folder of large checkpoints must not read all of their bytes."""
    data = bytearray(small_file.read_bytes())
    data[-1] ^= 1
    small_file.write_bytes(data)
    assert archive.read_outline(small_file).step == 12


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"tensors": {"x": np.array([object()])}}, CheckpointFormatError, "'x' has dtype object"),
        ({"tensors": {"x": np.zeros(2, "c8")}}, CheckpointFormatError, "dtype complex64"),
        ({"tensors": {"x": np.zeros(2, "V4")}}, CheckpointFormatError, "dtype"),
        ({"tensors": {"x": np.zeros(2, "f4,i4")}}, CheckpointFormatError, "dtype"),
        ({"tensors": {"x": np.array(["a"])}}, CheckpointFormatError, "dtype <U1"),
        ({"tensors": {"x": np.array(["2024-01-01"], "M8[D]")}}, CheckpointFormatError, "datetime"),
        ({"tensors": {"../../x": np.zeros(2)}}, CheckpointFormatError, "'../../x'"),
        ({"tensors": {"a//b": np.zeros(2)}}, CheckpointFormatError, "'a//b'"),
        ({"tensors": {"a\n": np.zeros(2)}}, CheckpointFormatError, "a name has"),
        ({"tensors": {"": np.zeros(2)}}, CheckpointFormatError, "a name has"),
        ({"tensors": {3: np.zeros(2)}}, CheckpointFormatError, "a name has"),
        ({"tensors": {"x": np.zeros((1,) * 9)}}, CheckpointLimitError, "9 axes of tensor 'x'"),
        ({"run_id": "a b"}, CheckpointFormatError, "the run id is 'a b'"),
        ({"step": -1}, CheckpointFormatError, "step -1"),
        ({"step": True}, CheckpointFormatError, "step True"),
        ({"step": 2**63}, CheckpointFormatError, "step 9223372036854775808"),
        ({"sections": {"a": math.nan}}, CheckpointFormatError, "JSON sections: Out of range float"),
        ({"sections": {"a": {1: 2}}}, CheckpointFormatError, "keys that are not strings"),
        ({"sections": {"a": (1, 2)}}, CheckpointFormatError, "tuples"),
        ({"sections": {"a": b"x"}}, CheckpointFormatError, "bytes"),
        ({"sections": {"a": "\ud800"}}, CheckpointFormatError, "half a surrogate"),
        ({"sections": {"a": "x" * 2**22}}, CheckpointLimitError, "at most 4,194,304"),
    ],
)
def test_invalid_content_is_refused_before_a_file_is_created(
    tmp_path: Path, changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    content: dict[str, Any] = {"sections": {}, "tensors": {}, "run_id": "r", "step": 0}
    with pytest.raises(error, match=message) as caught:
        archive.write(tmp_path / "a", **(content | changes))
    assert str(tmp_path / "a") in str(caught.value)
    assert not os.listdir(tmp_path)


def test_values_nested_too_deep_are_refused_without_a_recursion_error(tmp_path: Path) -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(CheckpointLimitError, match="nested more than 128 deep"):
        archive.write(tmp_path / "a", {"a": deep}, {}, run_id="r", step=0)
    with pytest.raises(CheckpointFormatError, match="Circular"):
        archive.write(tmp_path / "a", {"a": endless}, {}, run_id="r", step=0)


def test_it_works_where_msgpack_is_not_compiled(small_file: Path) -> None:
    program = (
        "import sys, msgpack\n"
        "from tinynet import archive\n"
        "assert msgpack.Unpacker.__module__ == 'msgpack.fallback'\n"
        "content = archive.read(sys.argv[1])\n"
        "archive.write(sys.argv[2], content.sections, content.tensors, run_id=content.run_id,"
        " step=content.step)\n"
    )
    again = small_file.with_name("again.msgpack")
    subprocess.run(
        [sys.executable, "-c", program, str(small_file), str(again)],
        check=True,
        env=os.environ | {"MSGPACK_PUREPYTHON": "1"},
    )
    assert again.read_bytes() == small_file.read_bytes()
