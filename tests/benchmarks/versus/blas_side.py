"""The lower limit: the matrix products of a network, and nothing else."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from math import prod
from statistics import median
from time import perf_counter
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from versus.networks import Array, flat, nodes_of

Run = Callable[[], None]
Product = tuple[Array, Array, Array]
"""Two factors, and the array for their product."""

SHARDS = (8, 16, 32, 64)
"""Sizes of shards to try; the fastest counts."""

TRIALS = 10


def train(network: str, batch: int, *, threads: int, dropout: bool) -> Run:
    """Return a function that computes the products of a training step."""
    return fastest(network, batch, threads, backward=True)


def infer(network: str, batch: int, *, threads: int, dropout: bool) -> Run:
    """Return a function that computes the products of inference."""
    return fastest(network, batch, threads, backward=False)


def fastest(network: str, batch: int, threads: int, *, backward: bool) -> Run:
    """Return the fastest way: the whole batch, or shards on separate threads."""

    def products(samples: int) -> list[Product]:
        needed = list(shapes(network, samples, backward=backward))
        # Products of one shape share memory: all products of a network together may not fit.
        made = {shape: _filled(*shape) for shape in needed}
        return [made[shape] for shape in needed]

    ways = [Way(count, partial(_multiply, products(batch))) for count in {1, threads}]
    ways += [
        Way(1, sharded([products(size) for _ in range(threads)], batch // size))
        for size in SHARDS
        if size * threads <= batch
    ]
    best = min(ways, key=_seconds)
    threadpool_limits(best.blas_threads, user_api="blas")
    return best.run


class Way(NamedTuple):
    """The computation of matrix products, with a number of BLAS threads."""

    blas_threads: int
    run: Run


def sharded(own: list[list[Product]], shards: int) -> Run:
    """Return a function that computes shard after shard, each in the cache of its core.

    Args:
        own: The products of a shard, with separate memory for each thread.
        shards: Number of shards.
    """
    pool = ThreadPoolExecutor(len(own))

    def several(number: int) -> None:
        for _ in range(number, shards, len(own)):
            _multiply(own[number])

    def run() -> None:
        others = [pool.submit(several, number) for number in range(1, len(own))]
        several(0)
        for other in others:
            other.result()

    return run


def shapes(network: str, samples: int, *, backward: bool) -> Iterator[tuple[int, int, int]]:
    """Yield (rows, inner, columns) of every product of dense layers and convolutions.

    Depthwise convolutions are no matrix products.
    """
    learned = [
        node
        for node in flat(nodes_of(network))
        if "weight" in node.params and node.type != "depthwise_conv2d"
    ]
    for node in learned:
        rows = samples * prod(node.out_shape[:-1])
        *lead, columns = node.params["weight"].shape
        inner = prod(lead)
        yield rows, inner, columns
        if backward:
            yield inner, rows, columns
        if backward and node is not learned[0]:
            yield rows, columns, inner


def _filled(rows: int, inner: int, columns: int) -> Product:
    ones = np.ones((rows, inner), np.float32), np.ones((inner, columns), np.float32)
    return *ones, np.empty((rows, columns), np.float32)


def _multiply(products: list[Product]) -> None:
    for left, right, out in products:
        np.matmul(left, right, out=out)


def _seconds(way: Way) -> float:
    times = []
    with threadpool_limits(way.blas_threads, user_api="blas"):
        for _ in range(TRIALS):
            start = perf_counter()
            way.run()
            times.append(perf_counter() - start)
    return median(times)
