"""Unlabeled inputs are read by the rules of the dataset that the model was trained on."""

import gzip
import struct

import numpy as np
import pytest

from tinynet.builtin.datasets.csv import CSV
from tinynet.builtin.datasets.digits import Digits
from tinynet.builtin.datasets.idx import IDX
from tinynet.builtin.datasets.numpy_files import NPY, NPZ
from tinynet.dataset import Field, InputReader
from tinynet.errors import DataError


@pytest.fixture
def read_csv(tmp_path):
    """Train on one text, then read the inputs of another with the same options."""

    def read_csv(trained, text, target="y", **options):
        path = tmp_path / "train.csv"
        path.write_text(trained)
        config = CSV.Config(path=str(path), target=target, **options)
        fields = CSV(config).inputs
        path.unlink()
        new = tmp_path / "new.csv"
        new.write_text(text)
        return CSV.read_inputs(config, str(new), fields)["input"].tolist()

    return read_csv


@pytest.mark.parametrize("cls", [CSV, NPZ, NPY, IDX])
def test_datasets_of_files_can_read_inputs(cls):
    assert isinstance(cls, InputReader)


def test_a_dataset_without_files_need_not_be_able_to():
    assert not isinstance(Digits, InputReader)


def test_the_delimiter_is_that_of_the_spec(read_csv):
    assert read_csv("a;b;y\n1;2;cat\n", "a;b\n3;4,5\n".replace(",", "."), delimiter=";") == [
        [3, 4.5]
    ]
    assert read_csv("a\tb\ty\n1\t2\tcat\n", "a\tb\n3\t4\n", delimiter="\t") == [[3, 4]]


def test_columns_go_by_name_and_others_are_not_read(read_csv):
    """Among them the target, which the very file trained on still has."""
    assert read_csv("a,b,y\n1,2,cat\n", "b,y,id,a\n2,NA,x7,1\n") == [[1, 2]]


def test_a_header_of_numbers_is_a_header(read_csv):
    """Else it would be predicted as a sample."""
    trained = "2019,2020,y\n1,2,0.5\n"
    assert read_csv(trained, "2020,2019\n4,3\n") == [[3, 4]]


def test_another_delimiter_than_in_training_is_named(read_csv):
    with pytest.raises(DataError, match="separate the cells by ';', as in the file"):
        read_csv("a;b;y\n1;2;cat\n", "a,b\n1,2\n", delimiter=";")


def test_a_header_that_the_training_file_lacked(read_csv):
    trained = "1,2,cat\n"
    with pytest.raises(DataError, match="remove this line: the file that was trained on has no"):
        read_csv(trained, "a,b\n3,4\n", target=-1, header=False)
    assert read_csv(trained, "3,4\n", target=-1, header=False) == [[3, 4]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2\n3,4\n", r"the header lacks 'a', 'b'; it names '1', '2'"),
        ("1,2\n3,4\n", "put a line with the names of the columns before it"),
        ("a,a,b\n1,2,3\n", "two columns are named 'a'"),
        ("a,b\n1,x\n", r"column 'b' holds text \('x'; line 2\)"),
        ("a,b\n1,\n", r"column 'b' has a missing cell \(''; line 2\)"),
        ("a,b\n1,inf\n", r"column 'b' has a number that is not finite \('inf'; line 2\)"),
        ("a,b\n1,2,3\n", "line 2: 3 cells"),
        ("a,b\n", "no rows"),
        ("", "is empty"),
    ],
)
def test_a_table_that_training_would_refuse_is_refused(read_csv, text, message):
    with pytest.raises(DataError, match=message):
        read_csv("a,b,y\n1,2,cat\n", text)


@pytest.mark.parametrize(
    ("target", "options", "text", "rows"),
    [
        (-1, {}, "5,6,dog\n", [[5, 6]]),
        (-1, {}, "5,6\n7,8\n", [[5, 6], [7, 8]]),
        (0, {"features": (2, 1)}, "dog,5,6\n", [[6, 5]]),
    ],
)
def test_without_a_header_columns_go_by_position(read_csv, target, options, text, rows):
    trained = "1,2,cat\n" if target else "cat,1,2\n"
    assert read_csv(trained, text, target, header=False, **options) == rows


def test_without_a_header_another_number_of_columns_is_refused(read_csv):
    with pytest.raises(
        DataError,
        match=r"has 4 columns; give it all 3 columns of the training file, or only its 2 features",
    ):
        read_csv("1,2,cat\n", "1,2,3,4\n", -1, header=False)


def test_arrays_of_an_npz_file_have_the_names_of_the_spec(tmp_path):
    """The file that was trained on can be predicted."""
    path = str(tmp_path / "x.npz")
    np.savez(path, pictures=np.ones((3, 2)), age=np.ones(3), y=np.zeros(3, np.int64))
    config = NPZ.Config(path=path, inputs={"image": "pictures", "meta": "age"})
    read = NPZ.read_inputs(config, path, NPZ(config).inputs)
    assert {name: array.shape for name, array in read.items()} == {"image": (3, 2), "meta": (3,)}


def test_inputs_of_different_lengths_are_refused(tmp_path):
    path = str(tmp_path / "x.npz")
    np.savez(path, a=np.ones((3, 2)), b=np.ones(2))
    config = NPZ.Config(path=path, inputs={"a": "a", "b": "b"})
    with pytest.raises(DataError, match=r"has 3 samples and .* has 2"):
        NPZ.read_inputs(config, path, {"a": Field((2,), "float64"), "b": Field((), "float64")})


def test_an_npy_file_holds_samples_or_one(tmp_path):
    config = NPY.Config(inputs="x", targets="y")
    fields = {"input": Field((2,), "float32")}
    for array in (np.ones((1, 2), np.float32), np.ones(2, np.float32)):
        path = str(tmp_path / "x.npy")
        np.save(path, array)
        assert NPY.read_inputs(config, path, fields)["input"].shape == (1, 2)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_value_that_is_not_finite_is_refused_by_the_words_of_training(tmp_path, bad):
    np.save(tmp_path / "x.npy", np.array([[1, 2], [3, bad]]))
    np.save(tmp_path / "y.npy", np.zeros(2))
    path = str(tmp_path / "x.npy")
    config = NPY.Config(inputs=path, targets=str(tmp_path / "y.npy"))
    with pytest.raises(DataError) as training:
        NPY(config)
    with pytest.raises(DataError) as prediction:
        NPY.read_inputs(config, path, {"input": Field((2,), "float64")})
    assert str(training.value) == str(prediction.value)


def test_another_shape_is_refused(tmp_path):
    path = str(tmp_path / "x.npy")
    np.save(path, np.ones((4, 3)))
    with pytest.raises(DataError, match=r"has shape \(4, 3\), but the model expects \(N, 2\)"):
        NPY.read_inputs(
            NPY.Config(inputs=path, targets=path), path, {"input": Field((2,), "float64")}
        )


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_file_of_images_is_read_as_in_training(tmp_path, pack):
    path = tmp_path / "images"
    path.write_bytes(pack(b"\0\0\x08\x03" + struct.pack(">III", 2, 3, 1) + bytes(range(6))))
    config = IDX.Config(images="gone", labels="gone")
    read = IDX.read_inputs(config, str(path), {"input": Field((3, 1, 1), "uint8")})
    assert read["input"].reshape(-1).tolist() == list(range(6))
