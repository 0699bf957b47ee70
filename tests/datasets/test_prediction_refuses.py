"""Datasets raise the same errors in prediction as in training."""

import gzip
import io
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tinynet.builtin.datasets.csv import CSV
from tinynet.builtin.datasets.idx import IDX
from tinynet.builtin.datasets.numpy_files import NPY, NPZ
from tinynet.dataset import Field
from tinynet.errors import DataError

CELLS = ["1", " 2.5 ", "-3e2", "", "NA", "nan", "inf", "1e999", "x", "1_0", '"a,b"', "?", "0x1"]

FEW = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def refusal(function, *args):
    """Return the problem that a function reports, without its remedy; None if it accepts."""
    try:
        function(*args)
    except DataError as error:
        return str(error).partition("; ")[0].partition("\n  leave")[0]
    return None


@FEW
@given(
    st.lists(st.lists(st.sampled_from(CELLS), min_size=2, max_size=2), min_size=1, max_size=4),
    st.booleans(),
    st.sampled_from([",", ";"]),
)
def test_cells_of_a_table(tmp_path, rows, header, delimiter):
    lines = [*([["a", "b"]] if header else []), *rows]
    path = str(tmp_path / "t.csv")
    with open(path, "w") as file:
        for number, cells in enumerate(lines):
            file.write(delimiter.join([*cells, "y" if header and not number else "0"]) + "\n")
    names = ("a", "b") if header else ("0", "1")
    columns = {name: {"kind": "number"} for name in names}
    config = CSV.Config(path=path, target=-1, header=header, delimiter=delimiter, columns=columns)
    fields = {"input": Field((2,), "float64", names=names)}
    training, prediction = refusal(CSV, config), refusal(CSV.read_inputs, config, path, fields)
    if training and "\n" in training:
        training, prediction = training.splitlines()[:3], str(prediction).splitlines()[:3]
    assert training == prediction


BAD_BYTES = [b"", b"a", b"a,b,y\n", b"a,b,y\n1,2\n", b"a,a,y\n1,2,3\n", b'a,b,y\n"1,2,3\n']
BAD_BYTES += [b"a,b,y\n1,2,\xff\n", b"a,b,y\n1,2,\0\n", b"BZh9", b"\x1f\x8b\x08", b"PK\x03\x04"]


@pytest.mark.parametrize("content", BAD_BYTES)
def test_a_damaged_table(tmp_path, content):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    config = CSV.Config(path=str(path), target="y")
    fields = {"input": Field((2,), "float64", names=("a", "b"))}
    expected = refusal(CSV, config)
    assert expected is not None
    if content != b"a":  # training misses its target, prediction its features
        assert refusal(CSV.read_inputs, config, str(path), fields) == expected


ARRAYS = {
    "nan": np.array([[1, np.nan], [2, 3]]),
    "inf in float16": np.array([[1, 2], [np.inf, 3]], np.float16),
    "text": np.array([["a", "b"]]),
    "objects": np.array([[{}, 1]], object),
    "complex": np.ones((2, 2), complex),
    "times": np.ones((2, 2), "M8[s]"),
    "no samples": np.ones((0, 2)),
    "no features": np.ones((2, 0)),
    "good": np.ones((2, 2)),
}


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("kind", ["npy", "npz"])
def test_arrays(tmp_path, kind, name):
    array = ARRAYS[name]
    path = str(tmp_path / f"x.{kind}")
    fields = {"input": Field((2,), "float64")}
    targets = np.zeros(len(array), np.int64)
    if kind == "npy":
        np.save(path, array)
        np.save(tmp_path / "y.npy", targets)
        config = NPY.Config(inputs=path, targets=str(tmp_path / "y.npy"))
        cls = NPY
    else:
        np.savez(path, x=array, y=targets)
        config = NPZ.Config(path=path)
        cls = NPZ
    expected = refusal(cls, config)
    assert (expected is None) == (name == "good")
    assert refusal(cls.read_inputs, config, path, fields) == expected


@FEW
@given(
    st.binary(max_size=60)
    | st.binary(max_size=30).map(lambda tail: b"\0\0\x0d\2\0\0\0\1\0\0\0\2" + tail)
)
def test_bytes_of_a_file_of_images(tmp_path, content):
    labels = tmp_path / "labels"
    labels.write_bytes(b"\0\0\x08\1" + struct.pack(">I", 1) + b"\0")
    path = tmp_path / "images"
    for packed in (content, gzip.compress(content)):
        path.write_bytes(packed)
        config = IDX.Config(images=str(path), labels=str(labels))
        expected = refusal(IDX, config)
        message = refusal(IDX.read_inputs, config, str(path), {"input": Field((2,), "float32")})
        if expected is not None and "belong together" not in expected:
            assert message is not None


@FEW
@given(st.binary(max_size=80))
def test_bytes_of_an_npy_file(tmp_path, tail):
    good = io.BytesIO()
    np.save(good, np.ones((1, 2)))
    (tmp_path / "y.npy").write_bytes(good.getvalue())
    path = tmp_path / "x.npy"
    for content in (tail, b"\x93NUMPY" + tail, good.getvalue()[: 64 + len(tail)] + tail):
        path.write_bytes(content)
        config = NPY.Config(inputs=str(path), targets=str(tmp_path / "y.npy"))
        expected = refusal(NPY, config)
        message = refusal(NPY.read_inputs, config, str(path), {"input": Field((2,), "float64")})
        assert message == expected
