"""How a batch is cut into shards: from the network and its kernels, never from the machine.

A shard costs some Python, of which only one thread runs at a time, so it must be worth it. Threads
without a shard have nothing to do, unless the kernels make use of them.
"""

import math

WORK = 1e8
"""Operations of a forward pass that one shard is meant to have: what it then reads and writes stays
near the core that computes it."""

PARAM_WORK = 256
"""Operations that a shard has at least for each parameter: it writes a gradient of its own, which
is added to the others'."""

MIN_SHARD = 8
"""Samples below which a matrix product is too thin to be fast."""

MAX_BYTES = 2**26
"""Bytes of layers' outputs that one shard may have, where it has more samples than that."""


def cut(
    samples: int, operations: float, params: int, size: int, cut_from: float
) -> tuple[slice, ...]:
    """Slices of nearly equal length over a batch; an even number where work alone decides.

    Args:
        samples: Samples in the batch.
        operations: Of the forward pass of one sample.
        params: Elements of all parameters whose gradients are made; 0 in evaluation.
        size: Bytes of all layers' outputs for one sample.
        cut_from: How many times `WORK` makes it worth while to cut a batch at all.
    """
    total = samples * operations
    count = 1 if total < cut_from * WORK else math.ceil(total / (2 * WORK)) * 2
    worth = total // max(PARAM_WORK * params, 1)
    count = int(min(count, max(samples // MIN_SHARD, 1), max(worth, 1)))
    if samples > MIN_SHARD:
        count = max(count, min(math.ceil(samples * size / MAX_BYTES), samples))
    count = max(count, 1)
    return tuple(
        slice(samples * index // count, samples * (index + 1) // count) for index in range(count)
    )
