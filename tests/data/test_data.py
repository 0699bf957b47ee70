"""A spec's data: splits, the order of an epoch, and separate datasets for validation and test."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.data.data import Data
from tinynet.data.splits import split_indices
from tinynet.errors import DataError, SpecError
from tinynet.spec.data_spec import DataSpec

from .conftest import SPLITS, Labelled, open_data, spec


def indices_of(data):
    return {name: data.splits[name].indices for name in SPLITS}


# Splits -------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=100)
@given(
    labels=st.lists(st.integers(0, 4), min_size=4, max_size=200),
    validation=st.sampled_from([None, 0, 0.1, 0.25, 0.5, 1, 3]),
    test=st.sampled_from([None, 0, 0.2, 0.4, 1, 2]),
    stratify=st.booleans(),
    seed=st.integers(0, 5),
)
def test_the_three_splits_are_disjoint_and_complete(labels, validation, test, stratify, seed):
    """A test sample in the training split makes every metric too good."""
    dataset = Labelled(Labelled.Config(labels=labels))
    split = {"validation": validation, "test": test, "stratify": stratify}
    split = {key: value for key, value in split.items() if value is not None}
    section = DataSpec.model_validate({"type": "digits", "split": split})
    sizes = {}
    for name, part in (("val", validation), ("test", test)):
        part = 0.1 if part is None else part
        sizes[name] = part if part >= 1 else round(part * len(labels))
    vanishes = (validation and not sizes["val"]) or (test and not sizes["test"])
    if vanishes or sum(sizes.values()) >= len(labels):
        with pytest.raises(DataError, match=r"rounds to none|left for training"):
            split_indices(dataset, section, seed)
        return
    parts = split_indices(dataset, section, seed)
    together = np.concatenate([parts[name] for name in SPLITS])
    np.testing.assert_array_equal(np.sort(together), np.arange(len(labels)))
    for name, size in sizes.items():
        assert len(parts[name]) == size
        assert (np.diff(parts[name]) > 0).all(), "in the order of the file, which reads fastest"
    again = split_indices(dataset, section, seed)
    for name in SPLITS:
        np.testing.assert_array_equal(parts[name], again[name])


@settings(deadline=None, max_examples=100)
@given(
    counts=st.lists(st.integers(1, 60), min_size=1, max_size=8),
    validation=st.sampled_from([0, 0.1, 0.3, 2]),
    test=st.sampled_from([0, 0.1, 0.2, 3]),
)
def test_a_stratified_split_has_every_class_in_proportion(counts, validation, test):
    """Each class is within one sample of its share, also with many tiny classes."""
    labels = np.repeat(np.arange(len(counts)), counts)
    dataset = Labelled(Labelled.Config(labels=labels.tolist()))
    split = {"validation": validation, "test": test, "stratify": True}
    try:
        parts = split_indices(dataset, DataSpec.model_validate({"type": "x", "split": split}), 0)
    except DataError:
        return
    left = np.array(counts)
    for name in ("val", "test"):
        in_part = np.bincount(labels[parts[name]], minlength=len(counts))
        share = left * (len(parts[name]) / left.sum())
        assert (np.abs(in_part - share) < 1 + 1e-9).all()
        left = left - in_part


def test_a_split_of_equal_classes_is_exactly_even(labelled, tmp_path):
    data = Data(
        spec([0, 1, 2, 3] * 25, split={"validation": 0.2, "test": 0.12, "stratify": True}),
        tmp_path,
        seed=4,
    )
    labels = np.array([0, 1, 2, 3] * 25)
    for name, each in (("train", 17), ("val", 5), ("test", 3)):
        assert np.bincount(labels[data.splits[name].indices]).tolist() == [each] * 4


def test_the_splits_seed_overrides_the_trainings_seed(labelled, tmp_path):
    labels = [0] * 50

    def parts(training_seed, **split):
        return indices_of(Data(spec(labels, split=split), tmp_path, training_seed))

    same, other = parts(1), parts(2)
    assert not np.array_equal(same["test"], other["test"])
    for name in SPLITS:
        np.testing.assert_array_equal(parts(1)[name], same[name])
        np.testing.assert_array_equal(parts(7, seed=1)[name], same[name])


def test_a_stratified_split_depends_on_the_seed(labelled, tmp_path):
    labels = [0, 1] * 50
    splits = {
        tuple(Data(spec(labels, split={"stratify": True}), tmp_path, seed).splits["test"].indices)
        for seed in range(4)
    }
    assert len(splits) == 4


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ({"validation": 8, "test": 2}, "no sample is left for training: of 10"),
        ({"validation": 9, "test": 0.1}, "no sample is left"),
        ({"validation": 0.01}, "validation=0.01 of 10 samples rounds to none"),
        ({"test": 0.04}, "test=0.04 of 10 samples rounds to none"),
    ],
)
def test_an_empty_split_is_refused_when_data_are_opened(labelled, tmp_path, split, message):
    with pytest.raises(DataError, match=message):
        Data(spec([0] * 10, split=split), tmp_path, 0)


def test_a_split_that_is_needed_must_not_be_empty(labelled, tmp_path):
    data = Data(spec([0] * 10, split={"validation": 0}), tmp_path, 0)
    data.require("test")
    with pytest.raises(DataError, match=r"val split is empty; set data\.split\.validation"):
        data.require("val")
    with pytest.raises(DataError, match="there is no split 'tset'; available: train, val, test"):
        data.require("tset")


def test_the_only_class_target_is_stratified(tmp_path):
    """The order of the targets in the spec does not matter."""
    kinds, sizes = np.repeat([0, 1], [30, 10]), np.arange(40.0)
    np.savez(tmp_path / "a.npz", x=sizes, kind=kinds, size=sizes, again=kinds)
    split = {"validation": 4, "test": 4, "stratify": True}
    spec = {"type": "npz", "path": "a.npz", "inputs": "x", "split": split}
    for names in (["kind", "size"], ["size", "kind"]):
        data = open_data(tmp_path, {**spec, "targets": {name: name for name in names}})
        (train,) = data.target_batches({"kind": "kind"}, "train")
        assert np.bincount(train.targets["kind"]).tolist() == [24, 8]
    with pytest.raises(DataError, match=r"there are 2 \(again, kind\)"):
        open_data(tmp_path, {**spec, "targets": {"kind": "kind", "again": "again"}})


def test_numbers_cannot_be_stratified(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n" + "1,2\n" * 20)
    with pytest.raises(DataError, match="stratify needs exactly one target"):
        open_data(
            tmp_path, {"type": "csv", "path": "a.csv", "target": "y", "split": {"stratify": True}}
        )


# Order --------------------------------------------------------------------------------------


def test_every_epoch_has_its_own_order_of_all_samples(labelled, tmp_path):
    data = Data(spec([0] * 100), tmp_path, 3)
    orders = [data.order(epoch) for epoch in range(4)]
    for order in orders:
        np.testing.assert_array_equal(np.sort(order), np.arange(80))
    assert len({tuple(order) for order in orders}) == 4
    np.testing.assert_array_equal(data.order(2), orders[2], "resume seeks, it does not replay")
    assert not np.array_equal(Data(spec([0] * 100), tmp_path, 4).order(0), orders[0])


def test_batches_iterate_over_a_split_in_order(labelled, tmp_path):
    data = Data(spec([0, 1] * 20, split={"test": 7}), tmp_path, 0)
    batches = list(data.batches("test", 3))
    assert [len(batch.targets["target"]) for batch in batches] == [3, 3, 1]
    together = np.concatenate([batch.inputs["input"][:, 0] for batch in batches])
    np.testing.assert_array_equal(together, data.splits["test"].indices)


# Datasets of their own ----------------------------------------------------------------------


def write(folder, name, text):
    (folder / name).write_text(text)
    return {"type": "csv", "path": name, "target": "kind"}


def test_validation_and_test_may_be_separate_datasets(tmp_path):
    train = write(tmp_path, "train.csv", "x,kind\n" + "1,a\n2,b\n3,c\n" * 10)
    val = write(tmp_path, "val.csv", "x,kind\n4,a\n5,c\n")
    data = open_data(tmp_path, {**train, "validation": val})
    assert [data.size(name) for name in SPLITS] == [27, 2, 3]
    test = write(tmp_path, "test.csv", "x,kind\n6,b\n")
    data = open_data(tmp_path, {**train, "validation": val, "test": test})
    assert [data.size(name) for name in SPLITS] == [30, 2, 1]
    assert set(data.fingerprints) == {"data", "data.validation", "data.test"}


def test_class_indices_of_another_file_are_translated(tmp_path):
    """In a file without class b, class c has index 1, which is b in training."""
    train = write(tmp_path, "train.csv", "x,kind\n" + "1,a\n2,b\n3,c\n" * 10)
    test = write(tmp_path, "test.csv", "x,kind\n4,c\n5,a\n6,c\n")
    data = open_data(tmp_path, {**train, "test": test})
    (batch,) = data.batches("test", 10)
    np.testing.assert_array_equal(batch.targets["target"], [2, 0, 2])
    (batch,) = data.target_batches({"target": "target"}, "test")
    assert batch.targets["target"].tolist() == [2, 0, 2]


MISMATCHES = {
    "a class of its own": (
        "x,kind\n1,d\n",
        "'target' has classes that the training data lack: d",
    ),
    "another feature": ("z,kind\n1,a\n", "test.csv has no column 'x'; available: kind, z"),
    "numbers for classes": (
        "x,kind\n1,0\n",
        "'target' has classes that the training data lack: 0",
    ),
}


@pytest.mark.parametrize(("text", "message"), MISMATCHES.values(), ids=MISMATCHES.keys())
def test_a_test_set_unlike_the_training_data_is_refused(tmp_path, text, message):
    train = write(tmp_path, "train.csv", "x,kind\n" + "1,a\n2,b\n" * 10)
    with pytest.raises(DataError, match=message):
        open_data(tmp_path, {**train, "test": write(tmp_path, "test.csv", text)})


def test_more_columns_of_a_test_set_are_not_read(tmp_path):
    train = write(tmp_path, "train.csv", "x,kind\n" + "1,a\n2,b\n" * 10)
    data = open_data(tmp_path, {**train, "test": write(tmp_path, "t.csv", "y,x,kind\n?,2,a\n")})
    (batch,) = data.batches("test", 10)
    assert batch.inputs["input"].tolist() == [[2]]


def test_a_split_cannot_be_both_a_part_and_a_dataset(tmp_path):
    train = write(tmp_path, "train.csv", "x,kind\n" + "1,a\n2,b\n" * 10)
    with pytest.raises(SpecError, match="is a separate dataset") as caught:
        open_data(tmp_path, {**train, "test": train, "split": {"test": 0.1}})
    assert caught.value.problems[0].pointer == "/data/split/test"
    open_data(tmp_path, {**train, "test": train, "split": {"test": 0}})


# Checks before training ---------------------------------------------------------------------


def test_the_origin_of_a_target_is_file_line_and_column(tmp_path):
    train = write(tmp_path, "train.csv", "x,kind\n" + "1,a\n2,b\n" * 10)
    test = write(tmp_path, "test.csv", "x,kind\n1,a\n\n2,b\n")
    data = open_data(tmp_path, {**train, "test": test})

    (batch,) = data.target_batches({"target": "target"}, "test")
    assert batch.samples.place(1, "target") == f"{tmp_path / 'test.csv'}, line 4, column 'kind'"


class Empty(Labelled):
    def __len__(self):
        return 0


def test_a_dataset_without_samples_is_refused(labelled, register, tmp_path):
    register("datasets", "empty", Empty)
    with pytest.raises(DataError, match="'empty' has no samples"):
        Data(DataSpec.model_validate({"type": "empty", "labels": [0]}), tmp_path, 0)
