"""The division of a batch into shards."""

import pytest

from tinynet.engine import sharding
from tinynet.engine.sharding import Cost, shard_slices
from tinynet.kernels.numpy import NumpyKernels
from tinynet.network.network import Network


def test_shards_have_enough_work_and_bounded_memory():
    def count(operations, size, samples=128, params=0, cut_from=0.5):
        cost = Cost(operations, params, size)
        return len(shard_slices(samples, cost, cut_from, training=True))

    assert count(1, 1) == 1
    assert count(sharding.SHARD_FLOPS / 512, 1) == 1, "a quarter of a shard"
    assert count(sharding.SHARD_FLOPS / 256, 1) == 2, "half a shard, which is worth a second thread"
    assert count(sharding.SHARD_FLOPS / 256, 1, cut_from=2) == 1, "unless the kernels have threads"
    assert count(sharding.SHARD_FLOPS / 64, 1, cut_from=2) == 2
    assert count(sharding.SHARD_FLOPS / 32, 1) == 4
    assert count(sharding.SHARD_FLOPS, 1) == 128 // sharding.MIN_SHARD
    assert count(sharding.SHARD_FLOPS, sharding.MAX_OUTPUT_BYTES) == 128
    assert count(sharding.SHARD_FLOPS, 10 * sharding.MAX_OUTPUT_BYTES) == 128
    assert count(sharding.SHARD_FLOPS, 10 * sharding.MAX_OUTPUT_BYTES, samples=5) == 1
    assert (
        count(
            sharding.SHARD_FLOPS / 32, 1, params=sharding.SHARD_FLOPS / sharding.MIN_FLOPS_PER_PARAM
        )
        == 4
    )
    assert (
        count(
            sharding.SHARD_FLOPS / 32,
            1,
            params=4 * sharding.SHARD_FLOPS / sharding.MIN_FLOPS_PER_PARAM,
        )
        == 1
    )


@pytest.mark.parametrize("samples", [0, 1, 7, 8, 9, 100, 1000])
@pytest.mark.parametrize("operations", [1, 1e6, 1e8])
def test_shards_cover_every_sample_once_and_are_nearly_equal(samples, operations):
    slices = shard_slices(samples, Cost(operations, 10, 1000), 0.5, training=True)
    assert [i for rows in slices for i in range(rows.start, rows.stop)] == list(range(samples))
    lengths = {rows.stop - rows.start for rows in slices}
    assert max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize(
    ("samples", "count"), [(7, 1), (15, 1), (16, 2), (64, 2), (127, 2), (128, 4), (200, 6)]
)
def test_a_layer_that_is_slow_for_few_samples_gets_large_shards(samples, count):
    """But two shards rather than one, and an even number for an even number of threads."""
    cost = Cost(sharding.SHARD_FLOPS, 10, 1000, min_shard=32)
    assert len(shard_slices(samples, cost, 0.5, training=True)) == count


@pytest.mark.parametrize(
    ("layers", "count"),
    [
        (["flatten", {"type": "dense", "units": 1000}], 8),
        ([{"type": "lstm", "units": 256}, "relu", {"type": "dense", "units": 3}], 2),
    ],
)
def test_one_layer_that_needs_large_shards_decides_for_its_network(layers, count):
    network = Network({"input_shape": [100, 64], "layers": layers})
    assert len(network.program.shard_slices(64, training=False)) == count


class WholeKernels(NumpyKernels):
    whole_if_exchanged = True


@pytest.mark.parametrize(("layer", "shards"), [("batch_norm", 1), ("relu", 8)])
def test_kernels_with_threads_get_whole_batches_where_shards_would_wait(layer, shards):
    """Eight shards of a network with batch norm take a fifth longer than one with such kernels."""
    layers = [{"type": "conv2d", "filters": 64, "kernel_size": 3}, {"type": layer}]
    spec = {"input_shape": [64, 64, 3], "layers": layers}
    program = Network(spec, kernels=WholeKernels()).program
    assert len(program.shard_slices(64, training=True)) == shards
    assert len(program.shard_slices(64, training=False)) == 8
