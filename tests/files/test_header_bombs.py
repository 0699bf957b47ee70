"""Headers that promise more than the file holds must not cost memory."""

import io
import struct
import tracemalloc
import zipfile
from contextlib import contextmanager

import numpy as np
import pytest

from tinynet.builtin.datasets.numpy_files import NPY, NPZ
from tinynet.errors import DataError
from tinynet.files.weights import open_weights

BLANKS = 256 << 20


@contextmanager
def little_memory():
    """Fail if more than a few megabytes are allocated."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def bomb(stream):
    """Write a version 2 header of blanks in small pieces."""
    stream.write(b"\x93NUMPY\x02\x00" + struct.pack("<I", BLANKS))
    for _ in range(BLANKS >> 20):
        stream.write(b" " * (1 << 20))


def save_bomb(path):
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file,
        file.open("x.npy", "w") as stream,
    ):
        bomb(stream)


def test_a_header_of_blanks_in_an_npz_is_not_read(tmp_path):
    path = tmp_path / "x.npz"
    save_bomb(path)
    with (
        little_memory(),
        pytest.raises(DataError, match=r"array 'x' announces a header of 268,435,456 bytes"),
    ):
        NPZ(NPZ.Config(path=str(path), targets="x"))


def test_a_header_of_blanks_in_weights_is_not_read(tmp_path):
    path = tmp_path / "x.npz"
    save_bomb(path)
    with little_memory(), pytest.raises(DataError, match="announces a header"):
        open_weights(path).headers()


def test_a_header_of_blanks_in_an_npy_is_not_read(tmp_path):
    path = tmp_path / "x.npy"
    with path.open("wb") as file:
        bomb(file)
    with little_memory(), pytest.raises(DataError, match="announces a header"):
        NPY(NPY.Config(inputs=str(path), targets=str(path)))


def test_a_long_header_of_safetensors_is_not_read(tmp_path):
    pytest.importorskip("safetensors")
    path = tmp_path / "x.safetensors"
    length = 90_000_000
    path.write_bytes(struct.pack("<Q", length) + b'{"__metadata__":{}}' + b" " * length)
    with little_memory(), pytest.raises(DataError, match="announces a header of 90,000,000 bytes"):
        open_weights(path).headers()


@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
def test_headers_of_both_versions_are_read(tmp_path, version):
    for name in "xy":
        file = io.BytesIO()
        np.lib.format.write_array(file, np.ones(3), version=version)
        (tmp_path / f"{name}.npy").write_bytes(file.getvalue())
    config = NPY.Config(inputs=str(tmp_path / "x.npy"), targets=str(tmp_path / "y.npy"))
    assert len(NPY(config)) == 3


def test_counts_are_compared_before_anything_is_unpacked(tmp_path):
    """Zeros compress well, so that a small valid file can need much memory."""
    path = tmp_path / "x.npz"
    np.savez_compressed(path, x=np.zeros((64 << 20,), np.uint8), y=np.zeros(3))
    with (
        little_memory(),
        pytest.raises(DataError, match=r"array 'x' has 67,108,864 samples and .*array 'y' has 3;"),
    ):
        NPZ(NPZ.Config(path=str(path)))


def test_a_missing_array_is_reported_before_another_is_unpacked(tmp_path):
    path = tmp_path / "x.npz"
    np.savez_compressed(path, x=np.zeros((64 << 20,), np.uint8))
    with little_memory(), pytest.raises(DataError, match="no array 'y'"):
        NPZ(NPZ.Config(path=str(path)))
