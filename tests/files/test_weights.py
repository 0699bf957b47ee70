"""Files of weights for other tools: exact copies, and safe to read from a stranger."""

import io
import json
import os
import sys
import tracemalloc
import zipfile

import numpy as np
import pytest

from tinynet.errors import CheckpointIOError, DataError
from tinynet.files.weights import open_weights

NOTE = {"tinynet": "0.1.0", "spec": {"name": "é", "layers": [1, None]}}
KINDS = ("npz", "safetensors")


@pytest.fixture(params=KINDS)
def path(request, tmp_path):
    if request.param == "safetensors":
        pytest.importorskip("safetensors")
    return tmp_path / f"weights.{request.param}"


@pytest.fixture
def arrays():
    return {
        "conv2d_1/weight": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
        "dense_1/bias": np.array([1.5, -2.5]),
        "half/gamma": np.array([0.5], np.float16),
        "scalar/temperature": np.array(0.25, np.float32),
        "empty/rows": np.empty((0, 3), np.float32),
        "counts/seen": np.array([7, 8], np.int64),
        "flags/on": np.array([True, False]),
        "fortran/weight": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    }


def save_npz(path, **members):
    """Write an .npz file with arbitrary bytes as members."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(f"{name}.npy", data)


def npy(array=None, *, header=None, data=b""):
    """Return the bytes of an .npy file with any header."""
    file = io.BytesIO()
    if header is None:
        np.lib.format.write_array(file, array, allow_pickle=True)
    else:
        np.lib.format.write_array_header_1_0(file, header)
        file.write(data)
    return file.getvalue()


def test_scalars_empty_arrays_and_every_dtype_come_back_unchanged(path, arrays):
    open_weights(path).write(arrays, NOTE)
    loaded = open_weights(path).read(arrays)
    assert list(loaded) == list(arrays)
    for name, array in arrays.items():
        assert loaded[name].dtype == array.dtype
        assert loaded[name].shape == array.shape
        np.testing.assert_array_equal(loaded[name], array)


def test_headers_have_shape_and_dtype_but_not_the_note(path, arrays):
    open_weights(path).write(arrays, NOTE)
    headers = open_weights(path).headers()
    expected = {name: (array.shape, array.dtype.name) for name, array in arrays.items()}
    assert {name: (a.shape, a.dtype) for name, a in headers.items()} == expected


def test_equal_weights_make_equal_files(path, arrays):
    open_weights(path).write(arrays, NOTE)
    first = path.read_bytes()
    open_weights(path).write(arrays, NOTE)
    assert path.read_bytes() == first


def test_numpy_alone_reads_an_npz_and_its_note(tmp_path, arrays):
    path = tmp_path / "weights.npz"
    open_weights(path).write(arrays, NOTE)
    with np.load(path, allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["conv2d_1/weight"], arrays["conv2d_1/weight"])
        assert json.loads(bytes(archive["__tinynet__"])) == NOTE


def test_safetensors_alone_reads_its_file_and_the_note(tmp_path, arrays):
    safetensors = pytest.importorskip("safetensors")
    path = tmp_path / "weights.safetensors"
    open_weights(path).write(arrays, NOTE)
    with safetensors.safe_open(path, "numpy") as archive:
        weight = archive.get_tensor("conv2d_1/weight")
        np.testing.assert_array_equal(weight, arrays["conv2d_1/weight"])
        assert json.loads(archive.metadata()["tinynet"]) == NOTE


def test_a_missing_folder_is_an_error_and_leaves_no_file(path, arrays):
    target = path.parent / "nowhere" / path.name
    with pytest.raises(CheckpointIOError, match="nowhere"):
        open_weights(target).write(arrays, NOTE)


def test_a_write_that_fails_leaves_the_old_file_and_no_temporary(path, arrays, monkeypatch):
    open_weights(path).write(arrays, NOTE)
    before = path.read_bytes()

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tinynet.files.atomic.os.pwrite", full)
    with pytest.raises(CheckpointIOError, match="No space left"):
        open_weights(path).write({"a/b": np.zeros(3)}, NOTE)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_another_ending_is_an_error_that_lists_the_valid_ones(tmp_path):
    with pytest.raises(DataError, match=r"\.npz or \.safetensors"):
        open_weights(tmp_path / "weights.pt")


def test_a_missing_package_is_reported_with_its_install_command(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(DataError, match=r"pip install safetensors$"):
        open_weights(tmp_path / "weights.safetensors")


def test_a_missing_file_is_an_error(path):
    with pytest.raises(DataError, match="no such file"):
        open_weights(path).headers()


def test_a_folder_or_a_pipe_in_its_place_is_refused(path):
    os.mkfifo(path)
    with pytest.raises(DataError, match="pipe"):
        open_weights(path).headers()


@pytest.mark.parametrize("keep", [0, 1, 40, -1])
def test_a_truncated_file_is_refused(path, arrays, keep):
    open_weights(path).write(arrays, NOTE)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match="weights"):
        open_weights(path).headers()


def test_a_pickle_in_an_npz_is_refused_unopened(tmp_path):
    path = tmp_path / "weights.npz"
    save_npz(path, evil=npy(np.array([print], dtype=object)))
    assert open_weights(path).headers()["evil"].dtype == "object"
    with pytest.raises(DataError, match="runs code"):
        open_weights(path).read(["evil"])


@pytest.mark.parametrize("shape", [(-1,), (2**62, 2**62), (1,) * 40, (0, 2**62, 2**62)])
def test_an_impossible_shape_is_refused(tmp_path, shape):
    path = tmp_path / "weights.npz"
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    save_npz(path, a=npy(header=header))
    with pytest.raises(DataError, match="shape"):
        open_weights(path).headers()


def test_a_bomb_takes_no_memory(tmp_path):
    """A header may promise a terabyte, which must not be allocated."""
    path = tmp_path / "weights.npz"
    header = {"descr": "<f4", "fortran_order": False, "shape": (2**38,)}
    save_npz(path, a=npy(header=header, data=bytes(2**20)))
    tracemalloc.start()
    try:
        assert open_weights(path).headers()["a"].shape == (2**38,)
        with pytest.raises(DataError, match="compressed bytes can hold"):
            open_weights(path).read(["a"])
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


def test_bfloat16_is_read_as_float32(tmp_path):
    """Published models have it; each number is one of float32, too."""
    pytest.importorskip("safetensors")
    path = tmp_path / "weights.safetensors"
    entries = {
        "c": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
        "a/b": {"dtype": "BF16", "shape": [2, 1], "data_offsets": [4, 8]},
    }
    header = json.dumps(entries).encode()
    data = np.float32([7]).tobytes() + np.uint16([0x3FC0, 0xC2F7]).tobytes()
    path.write_bytes(len(header).to_bytes(8, "little") + header + data)
    assert open_weights(path).headers()["a/b"].dtype == "bfloat16"
    arrays = open_weights(path).read(["a/b", "c"])
    np.testing.assert_array_equal(arrays["a/b"], np.float32([[1.5], [-123.5]]))
    np.testing.assert_array_equal(arrays["c"], [7])
    assert arrays["a/b"].dtype == np.float32


def test_a_dtype_that_numpy_lacks_is_named(tmp_path):
    pytest.importorskip("safetensors")
    path = tmp_path / "weights.safetensors"
    entry = {"dtype": "F8_E5M2", "shape": [4], "data_offsets": [0, 4]}
    header = json.dumps({"a/b": entry}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    assert open_weights(path).headers()["a/b"].dtype == "F8_E5M2"
    with pytest.raises(DataError, match=r"a/b.*F8_E5M2"):
        open_weights(path).read(["a/b"])


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [1], "data_offsets": [0, 2**40]},
        {"dtype": "F32", "shape": [2**62, 2**62], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]},
        {"dtype": "O", "shape": [1], "data_offsets": [0, 4]},
    ],
)
def test_a_safetensors_header_that_lies_is_refused(tmp_path, entry):
    pytest.importorskip("safetensors")
    path = tmp_path / "weights.safetensors"
    header = json.dumps({"a/b": entry}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    with pytest.raises(DataError, match="weights"):
        open_weights(path).headers()
