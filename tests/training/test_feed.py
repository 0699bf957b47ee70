"""Samples are gathered ahead of their step; nobody may be able to tell."""

import threading
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import pytest

from tinynet.data.data import Data
from tinynet.errors import DataError
from tinynet.spec.reading import load_spec
from tinynet.training.feed import Feed

SPEC = {
    "tinynet": 1,
    "name": "feed",
    "data": {"type": "digits", "split": {"validation": 0, "test": 0.9}},
    "network": {"layers": ["flatten", {"type": "dense", "units": 10}]},
    "training": {
        "epochs": 2,
        "batch_size": 50,
        "loss": "softmax_cross_entropy",
        "optimizer": "sgd",
        "class_weights": {"3": 2.0},
    },
}


@pytest.fixture
def data():
    spec = load_spec(SPEC)
    return Data(spec.data, Path(), 0)


def feed(data):
    return Feed(data, load_spec(SPEC).training, {"output": "target"})


def same(found, expected):
    return (
        np.array_equal(found.x["input"], expected.x["input"])
        and np.array_equal(found.y["output"], expected.y["output"])
        and np.array_equal(found.weights, expected.weights)
    )


PLACES = [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (1, 1), (0, 2), (0, 2), (1, 3)]


def test_they_are_the_same_whatever_was_asked_before(data):
    """In order, after a seek, and twice: a resumed run begins anywhere."""
    one = feed(data)
    for place in PLACES:
        assert same(one.samples(*place), feed(data).first(*place)), place


def test_the_next_ones_are_gathered_meanwhile(data, monkeypatch):
    """And nothing beyond the epoch, whose order nobody may ever need."""
    asked, began = [], SimpleQueue()
    original = Data.batch

    def batch(self, split, positions, **keys):
        asked.append(threading.current_thread() is threading.main_thread())
        began.put(None)
        return original(self, split, positions, **keys)

    monkeypatch.setattr(Data, "batch", batch)
    one = feed(data)
    for position in range(one.steps_per_epoch):
        if position:
            began.get()  # Samples that are needed before they begin are gathered by the caller.
        one.samples(0, position)
        if not position:
            began.get()
    one.stop()
    assert asked == [True] + [False] * (one.steps_per_epoch - 1)


def test_what_fails_ahead_is_told_at_its_step(data, monkeypatch):
    one = feed(data)
    one.samples(0, 0)
    one.stop()

    def broken(self, split, positions, **keys):
        raise DataError("the disk is gone")

    original = Data.batch
    one.samples(0, 1)
    one.stop()
    monkeypatch.setattr(Data, "batch", broken)
    with pytest.raises(DataError, match="the disk is gone"):
        one.samples(0, 2)
    monkeypatch.setattr(Data, "batch", original)
    assert same(one.samples(0, 2), feed(data).first(0, 2))


def test_a_failure_ahead_that_nobody_asks_for_is_none(data, monkeypatch):
    """A run that ends, or is resumed elsewhere, has no use for what was gathered ahead."""
    one = feed(data)
    original = Data.batch

    def broken(self, split, positions, **keys):
        if threading.current_thread() is not threading.main_thread():
            raise DataError("the disk is gone")
        return original(self, split, positions, **keys)

    monkeypatch.setattr(Data, "batch", broken)
    one.samples(0, 0)
    assert same(one.samples(1, 1), feed(data).first(1, 1))
    one.stop()
