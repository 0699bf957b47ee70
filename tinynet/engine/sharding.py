"""The division of a batch into shards.

It follows from the network and its kernels, so that the same bits come out on every machine.

Each shard costs some Python, which only one thread runs at a time, so it must have enough work.
"""

import math
from typing import NamedTuple

WORK = 1e8
"""Operations of the forward pass that one shard should have; the arrays that these read and write
stay in the cache of one core."""

PARAM_WORK = 256
"""Least operations of a shard for each parameter, since it writes gradients of its own, which are
added to those of the other shards."""

MIN_SHARD = 8
"""Samples below which a matrix product is too thin to be fast."""

MAX_BYTES = 2**26
"""Bytes of layers' outputs that a shard may have, if it has more samples than `MIN_SHARD`."""


class Cost(NamedTuple):
    """The cost of one sample.

    Attributes:
        operations: Arithmetic operations of the forward pass.
        params: Elements of all parameters.
        output_bytes: Bytes of the outputs of all layers.
    """

    operations: int
    params: int
    output_bytes: int


def shard_slices(
    samples: int, cost: Cost, shard_from: float, *, training: bool
) -> tuple[slice, ...]:
    """Return slices of nearly equal length over a batch; an even number where work alone decides.

    Args:
        samples: Samples in the batch.
        cost: The cost of one sample.
        shard_from: Multiple of `WORK` from which the kernels gain from several shards.
        training: True where a gradient of each parameter is computed.
    """
    total = samples * cost.operations
    count = 1 if total < shard_from * WORK else math.ceil(total / (2 * WORK)) * 2
    affordable = total // max(PARAM_WORK * cost.params if training else 0, 1)
    count = int(min(count, max(samples // MIN_SHARD, 1), max(affordable, 1)))
    if samples > MIN_SHARD:
        count = max(count, min(math.ceil(samples * cost.output_bytes / MAX_BYTES), samples))
    count = max(count, 1)
    return tuple(
        slice(samples * index // count, samples * (index + 1) // count) for index in range(count)
    )
