"""How a batch is cut into shards: from the network alone, never from the machine."""

from collections.abc import Iterator

SHARD_BYTES = 4 * 2**20
"""Activations that one shard may have; with their gradients they should stay in a core's cache."""

MIN_SHARD = 8
"""Samples below which a matrix product is too thin to be fast."""

PARAM_WEIGHT = 4
"""How many times the bytes of the parameters a shard's activations have at least."""


def shard_size(sample_bytes: int, param_bytes: int) -> int:
    """Samples in a shard, at most.

    As many as `SHARD_BYTES` of activations hold, or as many as make the activations outweigh the
    parameters, which each shard must read (and write the gradients of) once.

    Args:
        sample_bytes: Bytes of the outputs of all layers for one sample.
        param_bytes: Bytes of all parameters.
    """
    sample_bytes = max(sample_bytes, 1)
    return max(MIN_SHARD, SHARD_BYTES // sample_bytes, PARAM_WEIGHT * param_bytes // sample_bytes)


def cut(samples: int, size: int) -> Iterator[slice]:
    """Slices of nearly equal length, none longer than ``size``, over ``samples``."""
    count = -(-samples // size)
    for index in range(count):
        yield slice(samples * index // count, samples * (index + 1) // count)
