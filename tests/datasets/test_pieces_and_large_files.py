"""Datasets in NumPy's files that are large, or consist of pieces: the same samples, few reads."""

import os
import resource

import numpy as np
import pytest

from tinynet.builtin.datasets import _arrays, numpy_files
from tinynet.builtin.datasets.numpy_files import NPY, NPZ
from tinynet.errors import DataError
from tinynet.files import available_memory, file_rows, npy
from tinynet.files.scan_cache import verifying

X = np.arange(40 * 3, dtype=np.float32).reshape(40, 3)
Y = np.arange(40) % 4
CUTS = [7, 8, 30]


@pytest.fixture
def large(tmp_path, monkeypatch):
    """Treat every file as a large one; return the list of its reads, as numbers of bytes."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for module in (npy, _arrays):
        monkeypatch.setattr(module, "LARGE", 1)
    reads, read = [], os.preadv

    def counting(descriptor, buffers, offset):
        reads.append(sum(map(len, buffers)))
        return read(descriptor, buffers, offset)

    monkeypatch.setattr(file_rows.os, "preadv", counting)
    return reads


@pytest.fixture
def saved(tmp_path):
    """Save the arrays whole and in pieces, and return the folder."""
    for name, array in (("x", X), ("y", Y)):
        np.save(tmp_path / f"{name}.npy", array)
        (tmp_path / name).mkdir()
        for number, part in enumerate(np.split(array, CUTS)):
            np.save(tmp_path / name / f"{name}-{number}.npy", part)
    (tmp_path / "packed").mkdir()
    for number, (x, y) in enumerate(zip(np.split(X, CUTS), np.split(Y, CUTS), strict=True)):
        np.savez(tmp_path / "packed" / f"part-{number}.npz", x=x, y=y)
    return tmp_path


def open_npy(saved, inputs="x.npy", targets="y.npy", **options):
    paths = {"inputs": str(saved / inputs), "targets": str(saved / targets)}
    return NPY(NPY.Config(**paths, **options))


def open_npz(saved, path):
    return NPZ(NPZ.Config(path=str(saved / path)))


@pytest.mark.parametrize(
    "open_data",
    [
        lambda saved: open_npy(saved, "x", "y"),
        lambda saved: open_npy(saved, "x/x-?.npy", "y/y-*.npy"),
        lambda saved: open_npy(saved, "x", "y.npy"),
        lambda saved: open_npz(saved, "packed"),
        lambda saved: open_npz(saved, "packed/part-*.npz"),
    ],
)
def test_pieces_are_the_same_data_as_the_whole(saved, open_data):
    """Cutting a file into pieces must not make a resumed run complain."""
    data, whole = open_data(saved), open_npy(saved)
    assert data.fingerprint == whole.fingerprint
    assert (data.inputs, data.targets) == (whole.inputs, whole.targets)
    indices = np.array([39, 0, 7, 8, 7, 29])
    np.testing.assert_array_equal(data.gather(indices).inputs["input"], X[indices])
    np.testing.assert_array_equal(data.gather(indices).targets["target"], Y[indices])


def test_a_large_file_is_the_same_data(saved, large):
    """A checkpoint of an older version must still fit the data."""
    data = open_npy(saved)
    assert large, "the files were read without a memory map"
    assert data.fingerprint == open_npz(saved, "packed").fingerprint, "that of arrays in memory"
    large.clear()
    np.testing.assert_array_equal(data.gather(np.array([3, 1])).inputs["input"], X[[3, 1]])
    assert sum(large) == 2 * (12 + 8)


def test_messages_name_the_piece_and_its_row(saved):
    data = open_npy(saved, "x", "y")
    assert data.where(7).endswith("x/x-1.npy, row 0 (counted from 0)")
    assert data.where_in("target", 29).endswith("y/y-2.npy, row 21 (counted from 0)")
    assert (
        open_npz(saved, "packed")
        .where(39)
        .endswith("part-3.npz, array 'x', row 9 (counted from 0)")
    )
    np.save(saved / "x" / "x-2.npy", np.where(X[8:30] == 40, np.nan, X[8:30]))
    with pytest.raises(DataError, match=r"x-2\.npy, row 5 \(counted from 0\), at \[1\]: nan"):
        open_npy(saved, "x", "y")
    np.save(saved / "x" / "x-2.npy", X[8:30].astype(np.float64))
    with pytest.raises(DataError, match=r"1 of 4 differ: .*x-2\.npy \(N, 3; float64\)"):
        open_npy(saved, "x", "y")


def test_a_piece_without_an_array_is_named(saved):
    np.savez(saved / "packed" / "part-1.npz", x=X[:1])
    with pytest.raises(DataError, match=r"part-1\.npz has no array 'y'"):
        open_npz(saved, "packed")


def test_small_pieces_of_large_data_are_read_by_row(saved, large, monkeypatch):
    """Mapped, they would be read ahead as a mapped large file is."""
    monkeypatch.setattr(npy, "LARGE", X.nbytes)
    data = open_npy(saved, "x", "y.npy")
    large.clear()
    data.gather(np.array([3, 20]))
    assert sum(large) == 2 * 12, "the inputs; the targets are small"


def test_there_may_be_more_pieces_than_open_files(tmp_path):
    for number in range(80):
        np.save(tmp_path / f"{number:02}.npy", X[:2] + number)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = os.dup(0)
    os.close(highest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 40, hard))
    try:
        data = NPY(NPY.Config(inputs=str(tmp_path)))
        rows = data.gather(np.arange(159, -1, -40)).inputs["input"]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    np.testing.assert_array_equal(rows[:, 0], [3 + 79, 3 + 59, 3 + 39, 3 + 19])


def test_columns_of_pieces_are_joined(saved):
    np.testing.assert_array_equal(open_npz(saved, "packed").column_values("y"), Y)


def test_pieces_that_do_not_fit_into_memory_together_are_refused(saved, monkeypatch):
    """Each piece fits, and loading them one by one would end in the kernel's hands."""
    refused = []

    def require(place, size, remedy):
        refused.append((place, size))
        raise DataError("too large")

    monkeypatch.setattr(npy, "require_memory", require)
    with pytest.raises(DataError, match="too large"):
        open_npz(saved, "packed")
    assert refused == [(str(saved / "packed"), X.nbytes + Y.nbytes)]


def test_a_file_that_does_not_fit_into_memory_is_to_be_converted(saved, monkeypatch):
    """The kernel would kill the process without a word."""
    monkeypatch.setattr(available_memory, "SMALL", 0)
    monkeypatch.setattr(available_memory, "available_memory", lambda root: 100)
    path = saved / "packed" / "part-2.npz"
    with pytest.raises(DataError) as raised:
        open_npz(saved, "packed/part-2.npz")
    assert str(raised.value).partition("available); ")[2] == (
        "convert it to .npy files, which are read in parts: tinynet convert"
        f" {path} {path.with_suffix('')}"
    )
    with pytest.raises(DataError, match=r"convert each piece to .*: tinynet convert .*part-0\.npz"):
        open_npz(saved, "packed")


def test_a_large_file_is_read_from_end_to_end_once(saved, large):
    first = open_npy(saved)
    # The inputs once, the targets for their classes and for the fingerprint.
    assert sum(large) == X.nbytes + 2 * Y.nbytes
    large.clear()
    second = open_npy(saved)
    assert not large
    assert second.fingerprint == first.fingerprint
    assert second.targets == first.targets
    with verifying():
        assert open_npy(saved).fingerprint == first.fingerprint
    assert sum(large) == X.nbytes + 2 * Y.nbytes


def test_options_that_change_the_data_are_not_confused(saved, large):
    first = open_npy(saved)
    assert open_npy(saved, target_type="number").fingerprint != first.fingerprint
    named = open_npy(saved, classes=("a", "b", "c", "d"))
    assert named.fingerprint != first.fingerprint
    with pytest.raises(DataError, match="is not the index of one of the 3 classes"):
        open_npy(saved, classes=("a", "b", "c"))


def test_a_change_of_one_piece_is_noticed(saved, large):
    first = open_npy(saved, "x", "y")
    np.save(saved / "x" / "x-1.npy", X[7:8] + 1)
    assert open_npy(saved, "x", "y").fingerprint != first.fingerprint


def test_values_that_are_not_finite_are_never_remembered(saved, large):
    np.save(saved / "x.npy", np.where(X == 4, np.inf, X))
    for _ in range(2):
        with pytest.raises(DataError, match=r"x\.npy, row 1 \(counted from 0\), at \[1\]: inf"):
            open_npy(saved)


def test_verifying_names_rows_that_changed_although_the_times_did_not(saved, large, monkeypatch):
    """A damaged disk changes bytes, and not the time of the file."""
    monkeypatch.setattr(_arrays, "_CHUNK_BYTES", 10 * 12)
    versions = {
        str(saved / name): file_rows.FileVersion.read(str(saved / name))
        for name in ("x.npy", "y.npy")
    }
    monkeypatch.setattr(file_rows.FileVersion, "of", lambda path, status: versions[path])
    first = open_npy(saved)
    content = bytearray((saved / "x.npy").read_bytes())
    content[-1] ^= 1
    (saved / "x.npy").write_bytes(content)
    assert open_npy(saved).fingerprint == first.fingerprint
    with verifying(), pytest.warns(UserWarning, match="was changed") as caught:
        assert open_npy(saved).fingerprint != first.fingerprint
    assert [str(warning.message) for warning in caught] == [
        f"{saved / 'x.npy'} was changed without a change of its size and time: between"
        f" {saved / 'x.npy'}, row 30 (counted from 0) and {saved / 'x.npy'}, row 39 (counted from"
        " 0); restore it from a copy"
    ]


def test_targets_are_gathered_without_inputs(saved, large):
    data = open_npy(saved)
    large.clear()
    batch = data.gather_targets(np.array([5, 2]))
    assert batch.inputs == {}
    np.testing.assert_array_equal(batch.targets["target"], Y[[5, 2]])
    assert sum(large) == 2 * Y.itemsize


def test_unlabeled_pieces_are_read_for_prediction(saved):
    data = open_npy(saved)
    config = NPY.Config(inputs=str(saved / "x.npy"))
    np.testing.assert_array_equal(
        NPY.read_inputs(config, str(saved / "x"), data.inputs)["input"], X
    )
    np.testing.assert_array_equal(
        numpy_files.npz_sources(str(saved / "packed"), ["x"])["x"].values[:], X
    )
