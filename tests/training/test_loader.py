"""The loader: prefetched samples equal those gathered at once."""

import threading
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import pytest

from tinynet.data.data import Data
from tinynet.errors import DataError
from tinynet.spec.reading import load_spec
from tinynet.training.class_weights import ClassWeights
from tinynet.training.loader import Loader

SPEC = {
    "tinynet": 1,
    "name": "loader",
    "data": {"type": "digits", "split": {"validation": 0, "test": 0.9}},
    "network": {"layers": ["flatten", {"type": "dense", "units": 10}]},
    "training": {
        "epochs": 2,
        "batch_size": 50,
        "loss": "softmax_cross_entropy",
        "optimizer": "sgd",
    },
}


@pytest.fixture
def data():
    spec = load_spec(SPEC)
    return Data(spec.data, Path(), 0)


def loader(data):
    weights = ClassWeights("output", np.where(np.arange(10) == 3, 2.0, 1.0), labels=True)
    return Loader(data, load_spec(SPEC).training, {"output": "target"}, weights)


def same(actual, expected):
    return (
        np.array_equal(actual.x["input"], expected.x["input"])
        and np.array_equal(actual.y["output"], expected.y["output"])
        and np.array_equal(actual.weights, expected.weights)
    )


PLACES = [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (1, 1), (0, 2), (0, 2), (1, 3)]


def test_samples_do_not_depend_on_earlier_loads(data):
    """In order, after a seek, and twice: a resumed run starts anywhere."""
    one = loader(data)
    for place in PLACES:
        assert same(one.load(*place), loader(data).gather(*place)), place


def test_next_samples_are_prefetched(data, monkeypatch):
    """Nothing beyond the epoch is gathered."""
    in_main_thread, began = [], SimpleQueue()
    original = Data.batch

    def batch(self, split, positions, **keys):
        in_main_thread.append(threading.current_thread() is threading.main_thread())
        began.put(None)
        return original(self, split, positions, **keys)

    monkeypatch.setattr(Data, "batch", batch)
    one = loader(data)
    for position in range(one.steps_per_epoch):
        if position:
            began.get()  # Samples that are needed before they begin are gathered by the caller.
        one.load(0, position)
        if not position:
            began.get()
    one.stop()
    assert in_main_thread == [True] + [False] * (one.steps_per_epoch - 1)


def test_prefetch_error_is_raised_at_its_step(data, monkeypatch):
    one = loader(data)
    one.load(0, 0)
    one.stop()

    def broken(self, split, positions, **keys):
        raise DataError("the disk is gone")

    original = Data.batch
    one.load(0, 1)
    one.stop()
    monkeypatch.setattr(Data, "batch", broken)
    with pytest.raises(DataError, match="the disk is gone"):
        one.load(0, 2)
    monkeypatch.setattr(Data, "batch", original)
    assert same(one.load(0, 2), loader(data).gather(0, 2))


def test_prefetch_error_of_unused_samples_is_ignored(data, monkeypatch):
    """A run that ends, or is resumed elsewhere, does not use prefetched samples."""
    one = loader(data)
    original = Data.batch

    def broken(self, split, positions, **keys):
        if threading.current_thread() is not threading.main_thread():
            raise DataError("the disk is gone")
        return original(self, split, positions, **keys)

    monkeypatch.setattr(Data, "batch", broken)
    one.load(0, 0)
    assert same(one.load(1, 1), loader(data).gather(1, 1))
    one.stop()
