"""Batches of many shards: layers that look across the batch get one merged summary.

The bits must depend on the number of shards alone, and a failure anywhere must end all processes.
"""

import random
import threading
from typing import ClassVar

import numpy as np
import pytest

from tests.engine.test_summary_tree import plain_tree
from tests.fleet_runs import ScaledCenter, cut_small_batches
from tests.testing.correct_layers import CenterInParts
from tinynet.builtin.layers.batch_norm import BatchNorm
from tinynet.engine import sharding
from tinynet.engine.process_group import ProcessGroup
from tinynet.errors import PeerFailure, PluginError
from tinynet.testing.fleets import in_threads
from tinynet.training.trainer import Trainer

SHARDS, FEATURES, CLASSES = 70, 5, 3
DRAWN = random.Random(1)
CASES = [(DRAWN.randint(65, 200), DRAWN.randint(1, 12)) for _ in range(3)]


class Traced(CenterInParts):
    """A layer whose summaries are texts that show how they were merged."""

    forwards: ClassVar[set[tuple[str, ...]]] = set()
    backwards: ClassVar[set[tuple[str, ...]]] = set()

    def summarize(self, ctx, x):
        return str(ctx.first_sample)

    def forward_with(self, ctx, summaries, x):
        self.forwards.add(tuple(summaries))
        return x * 1, x.mean(axis=0)

    def summarize_gradient(self, ctx, cache, dy):
        return str(ctx.first_sample), {}

    def backward_with(self, ctx, cache, summaries, dy):
        self.backwards.add(tuple(summaries))
        return (dy,)

    def merge_summaries(self, first, second):
        return f"({first} {second})"

    merge_gradient_summaries = merge_summaries


class Gathered(CenterInParts):
    """A layer of a plugin that cannot merge summaries."""

    seen: ClassVar[set[int]] = set()

    def mean_of(self, summaries):
        self.seen.add(len(summaries))
        return super().mean_of(summaries).astype(np.float32)


METHODS = (
    "summarize",
    "merge_summaries",
    "forward_with",
    "summarize_gradient",
    "merge_gradient_summaries",
    "backward_with",
)


class Faulty(BatchNorm):
    """Batch norm, of which a method fails in one process."""

    method = ""
    rank = 0


def failing(method):
    def call(self, *args):
        if self.method == method and threading.current_thread().name == f"process-{self.rank}":
            raise ValueError("no memory")
        return getattr(super(Faulty, self), method)(*args)

    return call


for name in METHODS:
    setattr(Faulty, name, failing(name))


@pytest.fixture(autouse=True)
def plugins(register):
    for cls in (Traced, Gathered, Faulty, ScaledCenter):
        register("layers", cls.__name__.lower(), cls)


def job(*layers, shards=SHARDS, **changes):
    return {
        "tinynet": 1,
        "name": "merged",
        "data": {"split": {"validation": 0, "test": 0}},
        "network": {
            "layers": [{"type": "dense", "units": 6}, *layers, {"type": "dense", "units": CLASSES}]
        },
        "training": {
            "epochs": 1,
            "batch_size": 90,
            "shards": shards,
            "seed": 3,
            "loss": "softmax_cross_entropy",
            "optimizer": "adam",
            **changes,
        },
    }


def train(spec, group=None, threads=1, samples=120):
    """Return the state after training; the last batch of 120 samples has 30 shards."""
    rng = np.random.default_rng(0)
    x, y = rng.random((samples, FEATURES), np.float32), rng.integers(CLASSES, size=samples)
    trainer = Trainer(spec, data=(x, y), threads=threads, group=group)
    list(trainer.run())
    return {name: array.tobytes() for name, array in trainer.state().items()}


def assert_alike(spec, size):
    """Compare processes and threads with one; return the state."""
    alone = train(spec)
    assert train(spec, threads=2) == alone
    for rank, state in enumerate(in_threads(size, lambda fleet: train(spec, ProcessGroup(fleet)))):
        assert state == alone, f"process {rank}"
    return alone


@pytest.mark.parametrize(("shards", "size"), [*CASES, (130, 1), (66, 30)])
def test_summaries_are_merged_as_the_tree_in_both_passes(shards, size):
    spec = job({"type": "traced"}, shards=shards, batch_size=shards)
    Traced.forwards.clear()
    Traced.backwards.clear()
    in_threads(size, lambda fleet: train(spec, ProcessGroup(fleet), samples=shards))
    expected = plain_tree([str(n) for n in range(shards)])
    assert Traced.forwards == {(expected,)}
    assert Traced.backwards == {(expected,)}


@pytest.mark.parametrize(
    "layers",
    [
        ["batch_norm", "relu", "batch_norm"],
        # Merges, and between them exchanges of other kinds.
        ["batch_norm", {"type": "scaledcenter"}, "batch_norm", {"type": "gathered"}, "batch_norm"],
        [{"type": "scaledcenter"}, "batch_norm", {"type": "gathered"}],
    ],
)
def test_any_number_of_processes_and_threads_gives_the_same_bits(layers):
    assert_alike(job(*layers, accumulate=2), 3)


def test_a_loss_that_looks_across_the_batch_follows_a_merge(monkeypatch):
    monkeypatch.setattr("tinynet.builtin.losses.regression.MSE.per_sample", False, raising=False)
    spec = job("batch_norm", loss="mse", batch_size=70)
    spec["network"]["layers"][-1]["units"] = 1
    assert_alike(spec, 3)


def test_layer_that_cannot_merge_gets_all_summaries():
    """Plugins without the ability work as before."""
    Gathered.seen.clear()
    assert_alike(job({"type": "gathered"}), 3)
    assert Gathered.seen == {30, 70}


def test_only_shards_that_a_spec_asks_for_are_merged(monkeypatch):
    """Runs of specs without a number of shards keep their bits; here they have 90."""
    cut_small_batches(monkeypatch)
    monkeypatch.setattr(sharding, "MIN_SHARD", 1)
    Traced.forwards.clear()
    spec = job({"type": "traced"}, shards=None)
    in_threads(3, lambda fleet: train(spec, ProcessGroup(fleet)))
    assert {len(summaries) for summaries in Traced.forwards} == {90, 30}


@pytest.mark.parametrize(("shards", "merged"), [(64, False), (65, True)])
def test_summaries_of_more_than_64_shards_are_merged(shards, merged):
    """Runs with fewer shards keep their bits."""
    Traced.forwards.clear()
    train(job({"type": "traced"}, shards=shards), samples=90)
    assert {len(summaries) for summaries in Traced.forwards} == {1 if merged else shards}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("number", [0, 1])
def test_failure_of_one_process_ends_all(method, number, monkeypatch):
    """Also where the others are about to merge: they would wait for it without an end."""
    layers = ["batch_norm", "batch_norm"]
    layers[number] = {"type": "faulty"}

    def failure_of(fleet):
        group = ProcessGroup(fleet)
        try:
            train(job(*layers), group)
        except PluginError as error:
            with pytest.raises(PeerFailure) as raised:
                group.fail(error)
            return raised.value
        except PeerFailure as failure:
            return failure

    monkeypatch.setattr(Faulty, "method", method)
    rank = 2 * number
    monkeypatch.setattr(Faulty, "rank", rank)
    found = in_threads(3, failure_of, patience=5)
    assert {error.rank for error in found} == {rank}
    assert all(isinstance(error.error, PluginError) for error in found)
    assert all(f"{method} raised ValueError: no memory" in str(error) for error in found)
