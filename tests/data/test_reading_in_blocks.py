"""Data in blocks: their order and splits; and data that are too large to read for a check."""

import tracemalloc

import numpy as np
import pytest

import tinynet
from tinynet.data import data as data_module
from tinynet.data import indices as indices_module
from tinynet.data import split as split_module
from tinynet.data.data import Data
from tinynet.data.indices import ComputedIndices, index_range
from tinynet.data.splits import split_indices
from tinynet.dataset import Batch, DatasetConfig, Field
from tinynet.errors import DataError, SpecError
from tinynet.spec.data_spec import DataSpec
from tinynet.spec.reading import load_spec

from .conftest import SPLITS, Labelled, open_data, spec

BLOCKS = {"type": "blocks", "block": 5, "window": 3}


def sizes(**data):
    return DataSpec.model_validate({"type": "x", **data})


class Counting(Labelled):
    """The dataset with the samples' numbers as inputs, which counts what is read."""

    reads: list

    class Config(DatasetConfig):
        labels: list[int]
        order: str = "own"

    def __init__(self, config):
        super().__init__(config)
        self.order, self.reads = config.order, []

    def gather(self, indices):
        self.reads.append(len(indices))
        return super().gather(indices)

    def gather_targets(self, indices):
        return Batch({}, {"target": self.labels[indices]})


@pytest.fixture
def counting(register):
    register("datasets", "counting", Counting)


def test_the_order_of_an_epoch_is_by_blocks(labelled, tmp_path):
    data = Data(spec([0, 1] * 50, order=BLOCKS), tmp_path, 1)
    first, second = data.order(0), data.order(1)
    np.testing.assert_array_equal(np.sort(first), np.arange(80))
    assert (first != second).any()
    assert len(np.unique(first[:15] // 5)) == 3, "a window of three blocks"
    np.testing.assert_array_equal(data.epoch_order(0).positions(7, 30), first[7:30])


def test_the_default_order_stays_the_same(labelled, tmp_path):
    plain, named = (
        Data(spec([0, 1] * 50, **order), tmp_path, 1) for order in ({}, {"order": "shuffle"})
    )
    np.testing.assert_array_equal(plain.order(3), named.order(3))
    for name in SPLITS:
        np.testing.assert_array_equal(plain.splits[name].indices, named.splits[name].indices)


def test_a_random_split_consists_of_blocks(labelled, tmp_path):
    data = Data(spec([0, 1] * 50, order=BLOCKS, split={"test": 20}), tmp_path, 1)
    parts = [np.asarray(data.splits[name].indices) for name in SPLITS]
    assert [len(part) for part in parts] == [70, 10, 20]
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(100))
    for part in parts:
        blocks = part.reshape(-1, 5)
        np.testing.assert_array_equal(blocks, blocks[:, :1] // 5 * 5 + np.arange(5))
    other = Data(spec([0, 1] * 50, order=BLOCKS, split={"seed": 5}), tmp_path, 1)
    assert (np.asarray(other.splits["val"].indices) != parts[1]).any()


@pytest.mark.parametrize("split", [{"stratify": True}, {"order": "as_is", "gap": 2}])
def test_other_splits_are_those_without_blocks(labelled, tmp_path, split):
    plain = Data(spec([0, 1] * 50, split=split), tmp_path, 1)
    blocks = Data(spec([0, 1] * 50, split=split, order=BLOCKS), tmp_path, 1)
    for name in SPLITS:
        np.testing.assert_array_equal(plain.splits[name].indices, blocks.splits[name].indices)


class Endless:
    """As many samples as there may be."""

    def __len__(self):
        return 10**12


@pytest.mark.parametrize("data", [{"order": "blocks"}, {"split": {"order": "as_is"}}])
def test_splits_of_many_samples_take_no_memory(data):
    tracemalloc.start()
    parts = split_indices(Endless(), sizes(**data), 0)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()
    assert {name: len(part) for name, part in parts.items()} == {
        "train": 8 * 10**11, "val": 10**11, "test": 10**11,
    }  # fmt: skip
    chosen = [part[np.arange(1000)] for part in parts.values()]
    assert len(np.unique(np.concatenate(chosen))) == 3000


def test_computed_indices_are_those_of_an_array(monkeypatch):
    array = index_range(5, 20)
    monkeypatch.setattr(indices_module, "MANY", 1)
    computed = index_range(5, 20)
    assert isinstance(array, np.ndarray)
    assert isinstance(computed, ComputedIndices)
    for key in (np.array([0, 14, -1]), slice(2, 9, 3), 3, -1):
        np.testing.assert_array_equal(computed[key], array[key])
    np.testing.assert_array_equal(np.asarray(computed), array)
    with pytest.raises(IndexError, match="15 indices"):
        computed[15]


def test_targets_are_read_without_inputs(counting, tmp_path):
    """A check of 4 GB of inputs would take minutes."""
    data = open_data(
        tmp_path, {"type": "counting", "labels": [0, 1] * 50, "split": {"stratify": True}}
    )
    dataset = data.splits["train"].dataset
    assert len(list(data.target_batches({"loss": "target"}))) == 3
    assert dataset.reads == []
    (batch,) = data.target_batches({"loss": "input:input"}, "val")
    np.testing.assert_array_equal(batch.targets["loss"][:, 0], data.splits["val"].indices)
    assert dataset.reads == [10]


@pytest.fixture
def document():
    return {
        "tinynet": 1,
        "name": "x",
        "network": {"layers": [{"type": "dense", "units": 2}]},
        "training": {"steps": 1, "loss": "softmax_cross_entropy", "optimizer": "sgd"},
    }


def test_an_option_of_a_plugin_keeps_its_meaning(counting, document, tmp_path):
    """Such a plugin is older than the key of the grammar."""
    read = load_spec({**document, "data": {"type": "counting", "labels": [0, 1], "order": "mine"}})
    assert read.data.options["order"] == "mine"
    assert read.data.order is None
    assert read.data.model_dump()["order"] == "mine"
    data = Data(read.data, tmp_path, 0)
    assert data.splits["train"].dataset.order == "mine"


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ("sorted", "'shuffle' or 'blocks'"),
        ({"type": "blocks", "size": 3}, "unknown key 'size'"),
        ({"type": "blocks", "block": 0}, "at least 1"),
        ({"type": "shuffle", "block": 4}, "unknown key 'block'"),
        (3, "object"),
    ],
)
def test_a_wrong_order_is_explained(document, order, message):
    data = {"type": "digits", "order": order}
    with pytest.raises(SpecError, match=message) as raised:
        load_spec({**document, "data": data})
    assert raised.value.problems[0].pointer.startswith("/data/order")


class Wide:
    """Numbers that float32 does not hold, at a place that the options choose."""

    class Config(DatasetConfig):
        wrong: int = -1

    def __init__(self, config):
        self.inputs, self.targets = (
            {"input": Field((2,), "float64")},
            {"target": Field((1,), "float64")},
        )
        self.fingerprint, self.wrong, self.read = str(config.wrong), config.wrong, []

    def __len__(self):
        return 40

    def gather(self, indices):
        self.read.extend(indices)
        x = np.ones((len(indices), 2))
        x[indices == self.wrong, 1] = 1e300
        return Batch({"input": x}, {"target": np.ones((len(indices), 1))})


def test_large_data_are_checked_batch_by_batch(register, tmp_path, monkeypatch):
    """Nothing is read only to look for numbers that the network's dtype does not hold."""
    register("datasets", "wide", Wide)
    wrong = 17
    data = open_data(tmp_path, {"type": "wide", "wrong": wrong, "split": {"order": "as_is"}})
    with pytest.raises(DataError, match="sample 17: the value at"):
        data.require_finite(np.dtype(np.float32))
    monkeypatch.setattr(split_module, "LARGE", 40 * 24)
    data = open_data(tmp_path, {"type": "wide", "wrong": wrong, "split": {"order": "as_is"}})
    data.require_finite(np.dtype(np.float32))
    assert data.splits["train"].dataset.read == []
    data.batch("train", np.arange(16))
    with pytest.raises(
        DataError, match=r"sample 17: the value at \[1\] of 'input' is 1e\+300, but"
    ):
        data.batch("train", np.arange(16, 18), epoch=0)
    data.require_finite(np.dtype(np.float64))
    data.batch("train", np.arange(16, 18), epoch=0)


class Ahead(Wide):
    """The same numbers, and what was announced."""

    def __init__(self, config):
        super().__init__(config)
        self.ahead = []

    def read_ahead(self, indices):
        self.ahead.append(indices.tolist())


@pytest.mark.parametrize(
    ("large", "most", "announced"), [(1, 1, 0), (10**9, 10**9, 0), (1, 400, 5)]
)
def test_windows_are_read_ahead_if_they_are_small(
    register, tmp_path, monkeypatch, large, most, announced
):
    """Otherwise they would be dropped from the cache before they are used, and be read twice."""
    register("datasets", "ahead", Ahead)
    monkeypatch.setattr(split_module, "LARGE", large)
    monkeypatch.setattr(data_module, "_MOST_AHEAD", most)
    data = open_data(tmp_path, {"type": "ahead", "order": BLOCKS, "split": {"test": 0}})
    order = data.epoch_order(0)
    data.read_ahead(order, 5, 10)
    data.read_ahead(data.epoch_order(0), 35, 40)
    calls = data.splits["train"].dataset.ahead
    assert sum(map(len, calls)) == announced
    if announced:
        rows = np.asarray(data.splits["train"].indices)
        assert calls[0] == rows[order.upcoming(5, 10)].tolist()
        assert (np.diff(calls[0]) != 1).sum() <= 2, "few runs: the split begins within a block"


def test_the_public_face_has_the_abilities():
    assert {"ReadsAhead", "TargetReader"}.issubset(tinynet.dataset.__all__)
