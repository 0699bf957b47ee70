"""Errors of datasets for paths that they cannot read."""

import os

import numpy as np
import pytest

from tinynet.builtin.datasets.csv import CSV
from tinynet.builtin.datasets.idx import IDX
from tinynet.builtin.datasets.numpy_files import NPY, NPZ
from tinynet.errors import DataError

OPENERS = {
    "csv": lambda path: CSV(CSV.Config(path=path, target="y")),
    "idx": lambda path: IDX(IDX.Config(images=path, labels=path)),
    "npy": lambda path: NPY(NPY.Config(inputs=path, targets=path)),
    "npz": lambda path: NPZ(NPZ.Config(path=path)),
}


@pytest.fixture(params=OPENERS)
def open_dataset(request):
    return OPENERS[request.param]


def test_a_missing_file_is_named_with_where_relative_paths_start(open_dataset, tmp_path):
    path = str(tmp_path / "nowhere.bin")
    with pytest.raises(DataError, match=r"no such file: .*nowhere.bin .*--data-root"):
        open_dataset(path)


def test_a_similar_name_is_suggested(open_dataset, tmp_path):
    (tmp_path / "penguins.csv").write_text("")
    with pytest.raises(DataError, match=r"no such file: .*; did you mean 'penguins.csv'\?"):
        open_dataset(str(tmp_path / "pengiuns.csv"))


def test_a_file_in_the_place_of_a_folder_is_a_missing_file(open_dataset, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="no such file"):
        open_dataset(str(tmp_path / "file" / "x"))


def test_a_folder_is_refused(open_dataset, tmp_path):
    with pytest.raises(DataError, match="is a folder"):
        open_dataset(str(tmp_path))


def test_a_pipe_is_refused_and_does_not_hang(open_dataset, tmp_path):
    path = str(tmp_path / "pipe")
    os.mkfifo(path)
    with pytest.raises(DataError, match="pipe or a device"):
        open_dataset(path)


def test_an_endless_device_is_refused(open_dataset):
    with pytest.raises(DataError, match="pipe or a device"):
        open_dataset("/dev/zero")


def test_an_empty_file_is_refused(open_dataset, tmp_path):
    path = tmp_path / "empty"
    path.write_bytes(b"")
    with pytest.raises(DataError, match="empty"):
        open_dataset(str(path))


@pytest.mark.parametrize("path", ["a\0b", "\ud800", ""])
def test_an_impossible_name_is_a_data_error(open_dataset, path):
    with pytest.raises(DataError):
        open_dataset(path)


def test_a_file_without_permission_is_refused(open_dataset, tmp_path, monkeypatch):
    path = tmp_path / "secret"
    path.write_bytes(b"x")

    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("builtins.open", refuse)  # root may read everything, and tests run as root
    with pytest.raises(DataError, match="cannot be read: Permission denied"):
        open_dataset(str(path))


def test_a_file_larger_than_memory_is_a_data_error(tmp_path, monkeypatch):
    path = tmp_path / "x.npz"
    np.savez(path, x=np.zeros((4, 2)), y=np.zeros(4))

    def refuse(*args, **kwargs):
        raise MemoryError

    monkeypatch.setattr(np, "empty", refuse)
    with pytest.raises(DataError, match="does not fit into memory"):
        OPENERS["npz"](str(path))
