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


@pytest.fixture
def slow(monkeypatch):
    """Every dataset counts as one whose samples are worth a thread."""
    monkeypatch.setattr("tinynet.training.loader._HANDOVER", 0.0)


def gathering_threads(data, monkeypatch):
    """Return True for each step of an epoch whose samples the main thread gathers."""
    in_main_thread = []
    original = Data.batch

    def batch(self, split, positions, **keys):
        in_main_thread.append(threading.current_thread() is threading.main_thread())
        return original(self, split, positions, **keys)

    monkeypatch.setattr(Data, "batch", batch)
    one = loader(data)
    for position in range(one.steps_per_epoch):
        one.load(0, position)
    one.stop()
    return in_main_thread


def test_samples_that_are_gathered_fast_need_no_thread(data, monkeypatch):
    """A handover for each step would take longer than the step's samples."""
    monkeypatch.setattr("tinynet.training.loader._HANDOVER", 1e9)
    assert all(gathering_threads(data, monkeypatch))


def test_samples_of_a_large_dataset_are_prefetched_at_any_speed(data, monkeypatch):
    """The next ones may come from the disk, where the last ones were in the system's cache."""
    monkeypatch.setattr("tinynet.training.loader._HANDOVER", 1e9)
    monkeypatch.setattr("tinynet.data.split.LARGE", 1)
    started = []
    monkeypatch.setattr("tinynet.training.loader.Background.start", lambda _, t: started.append(t))
    gathering_threads(data, monkeypatch)
    assert len(started) == loader(data).steps_per_epoch - 1


def test_next_samples_are_prefetched(data, monkeypatch, slow):
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


def test_prefetch_error_is_raised_at_its_step(data, monkeypatch, slow):
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


def test_prefetch_error_of_unused_samples_is_ignored(data, monkeypatch, slow):
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
