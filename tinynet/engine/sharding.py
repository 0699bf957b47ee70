"""The division of a batch into shards.

It follows from the network and its kernels, so that the same bits come out on every machine.

Each shard has Python overhead, which holds the interpreter's lock, so it must have enough work.
"""

import math
from typing import NamedTuple

SHARD_FLOPS = 1e8
"""Arithmetic operations of the forward pass of one shard; the arrays that these read and write stay
in the cache of one core."""

MIN_FLOPS_PER_PARAM = 256
"""Least arithmetic operations of a shard for each parameter, since it writes gradients of its own,
which are added to those of the other shards."""

MIN_SHARD = 8
"""Samples below which a matrix product is too thin to be fast."""

MAX_OUTPUT_BYTES = 2**26
"""Bytes of layers' outputs that a shard may have, if it has more samples than `MIN_SHARD`."""


BLOCK_FLOPS = 3e7
"""Arithmetic operations of a block from which more samples would not make it more efficient."""

MAX_BLOCK = 128
"""Most samples of a block."""


class Cost(NamedTuple):
    """The cost of one sample.

    Attributes:
        flops: Arithmetic operations of the forward pass.
        params: Elements of all parameters.
        output_bytes: Bytes of the outputs of all layers.
        min_shard: Samples below which a layer is slow: the largest ``min_shard`` of all layers, or
            0 if none has one.
    """

    flops: int
    params: int
    output_bytes: int
    min_shard: int = 0


def shard_slices(
    samples: int, cost: Cost, min_shards_of_work: float, *, training: bool
) -> tuple[slice, ...]:
    """Return slices of nearly equal length over a batch.

    Their number is even unless the batch size, the parameters or the memory limit it.

    Args:
        samples: Samples in the batch.
        cost: The cost of one sample.
        min_shards_of_work: Multiple of `SHARD_FLOPS` from which several shards are faster.
        training: True if the gradients of parameters are computed.
    """
    total = samples * cost.flops
    count = 1
    if total >= min_shards_of_work * SHARD_FLOPS:
        count = math.ceil(total / (2 * SHARD_FLOPS)) * 2
    affordable = total // max(MIN_FLOPS_PER_PARAM * cost.params if training else 0, 1)
    count = int(min(count, _most_shards(samples, cost.min_shard), max(affordable, 1)))
    if samples > MIN_SHARD:
        count = max(count, min(math.ceil(samples * cost.output_bytes / MAX_OUTPUT_BYTES), samples))
    return equal_slices(samples, max(count, 1))


def equal_slices(samples: int, count: int) -> tuple[slice, ...]:
    """Return slices of nearly equal length over a batch."""
    return tuple(
        slice(samples * index // count, samples * (index + 1) // count) for index in range(count)
    )


def block_size(cost: Cost) -> int:
    """Return the samples of a block, which is computed alike for any number of samples.

    It is a power of two and at least `MIN_SHARD`: a matrix product of so many rows computes each
    of them alike.
    """
    size = MIN_SHARD
    while size < MAX_BLOCK and size * cost.flops < BLOCK_FLOPS:
        size *= 2
    return size


def _most_shards(samples: int, min_shard: int) -> int:
    """Return the largest number of shards that are not too small."""
    most = max(samples // MIN_SHARD, 1)
    if min_shard > MIN_SHARD:
        # A second thread is worth more than a large shard.
        most = min(most, max(2, samples // (2 * min_shard) * 2))
    return most
