"""Kernels may want batches whole that layers look across: then no layer waits for other shards."""

import numpy as np
import pytest

from tests.engine.test_replay import CONV, NORMED, batch, trained, trainer
from tinynet.builtin.layers.batch_norm import BatchNorm
from tinynet.engine.chain import Chain
from tinynet.kernels.recording import RecordedCalls
from tinynet.layer.inherited import is_replayable
from tinynet.testing.recording_kernels import PlainKernels, RecordingKernels

SAME = {**CONV, "padding": "same"}
RESIDUAL_NORMED = [
    {**SAME, "name": "a"},
    {"type": "batch_norm"},
    {"type": "relu", "name": "x"},
    {**SAME, "name": "b"},
    {"type": "batch_norm", "name": "y"},
    {"type": "add", "inputs": ["y", "x"]},
    {"type": "relu"},
    {"type": "flatten"},
    {"type": "dense", "units": 3},
]


class WholeKernels(RecordingKernels):
    recording = RecordedCalls
    whole_if_exchanged = True


@pytest.mark.parametrize("layers", [NORMED, RESIDUAL_NORMED], ids=["chains", "branches"])
@pytest.mark.parametrize(
    "more",
    [{}, {"shards": 3}, {"batch_size": 4}, {"trainable": ["[!ac]*"]}],
    ids=["one shard", "shards", "accumulation", "frozen"],
)
def test_training_has_the_same_bits_also_in_running_statistics(layers, more):
    assert trained(WholeKernels(), layers, **more) == trained(PlainKernels(), layers, **more)


def test_a_residual_network_with_batch_norm_is_replayed_in_one_call(monkeypatch):
    made, plain = trainer(WholeKernels(), RESIDUAL_NORMED), trainer(PlainKernels(), RESIDUAL_NORMED)
    (chain,) = made.network.program.operations
    assert isinstance(chain.node.layer, Chain)
    for step in range(6):
        assert made.train_step(*batch(step)) == plain.train_step(*batch(step))
    calls, run = [], RecordedCalls.run
    monkeypatch.setattr(RecordedCalls, "run", lambda self: calls.append(run(self)))
    assert made.train_step(*batch(6)) == plain.train_step(*batch(6))
    assert len(calls) == 1
    for name, array in made.state().items():
        np.testing.assert_array_equal(array, plain.state()[name])


def test_a_number_of_shards_in_the_spec_is_kept():
    program = trainer(WholeKernels(), NORMED, shards=3).network.program
    assert len(program.stages(training=True)) == 2
    assert not program.whole_batches


def test_a_subclass_of_batch_norm_is_not_replayed():
    class Doubled(BatchNorm):
        def commit(self, cache):
            super().commit(cache)
            super().commit(cache)

    assert is_replayable(BatchNorm)
    assert not is_replayable(Doubled.__new__(Doubled))
