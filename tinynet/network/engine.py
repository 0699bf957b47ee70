"""A batch, cut into shards that go forward and backward on threads of their own.

How a batch is cut follows from the network alone, never from the machine, and gradients are summed
in the order of the shards. BLAS is held to one thread meanwhile. So the same bits come out on one
thread and on sixty-four.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from math import prod
from queue import SimpleQueue
from typing import Any, TypeAlias, TypeVar

import numpy as np
from threadpoolctl import ThreadpoolController

from tinynet.context import Context
from tinynet.memory import Workspace
from tinynet.network import loss_calls
from tinynet.network.execution import Pass, PassKey
from tinynet.network.heads import Head
from tinynet.network.network import Network
from tinynet.network.node import Node
from tinynet.types import Array

Inputs: TypeAlias = Array | Mapping[str, Array]
T = TypeVar("T")

SHARD_BYTES = 4 * 2**20
"""Activations that one shard may have; with their gradients they should stay in a core's cache."""

MIN_SHARD = 8
"""Samples below which a matrix product is too thin to be fast."""

PARAM_WEIGHT = 4
"""How many times the bytes of the parameters a shard's activations have at least."""


@dataclass(frozen=True, eq=False)
class ShardResult:
    """What one shard gives.

    Attributes:
        loss: What is minimised, summed over its samples: the losses of all outputs, weighted.
        losses: Sum of the loss of each output over its samples, by the output's name; unweighted.
        predictions: What the loss of each output predicts, (n, *out_shape), likewise.
        run: The pass, for `Pass.commit`.
    """

    loss: float
    losses: dict[str, float]
    predictions: dict[str, Array]
    run: Pass


class Engine:
    """Runs a network and its losses on batches.

    Attributes:
        shard_size: Samples in a shard; None where the whole batch must stay together.
        threads: How many threads compute.
    """

    def __init__(self, network: Network, threads: int | None = None) -> None:
        """Make an engine.

        Args:
            network: A network with a loss for each output.
            threads: How many threads compute; by default as many as there are cores.
        """
        assert network.heads
        self._network = network
        self.shard_size = shard_size(network)
        self.threads = threads or available_cores()
        self._pool = ThreadPoolExecutor(self.threads) if self._uses_threads else None
        self._workspaces: SimpleQueue[Workspace] = SimpleQueue()
        for _ in range(self.threads if self._uses_threads else 1):
            self._workspaces.put(Workspace())

    @property
    def _uses_threads(self) -> bool:
        return self.threads > 1 and self.shard_size is not None

    def train(
        self,
        x: Inputs,
        y: Mapping[str, Array],
        weights: Array | None,
        key: PassKey,
        gradients: dict[str, Array],
    ) -> list[ShardResult]:
        """Forward and backward in training mode: what each shard gives, in order.

        Args:
            x: (N, *input_shape), or such an array for each input by name.
            y: What each output is compared with, (N, *target_shape), by the output's name.
            weights: How much each sample counts, (N,), or None.
            key: Key of everything random.
            gradients: By address; those of the weighted sum of this batch's losses are added,
                shard by shard in order.
        """

        def run(rows: slice, workspace: Workspace) -> tuple[ShardResult, dict[str, Array]]:
            part_weights = None if weights is None else weights[rows]
            passing = self._network.forward(
                _rows(x, rows),
                training=True,
                key=key,
                first_sample=rows.start,
                workspace=workspace,
            )
            losses, d_outputs = {}, {}
            for head in self._network.heads:
                outputs = passing.outputs[head.output]
                ctx = self._context(
                    head, training=True, key=key, first=rows.start, workspace=workspace
                )
                losses[head.output], cache = loss_calls.forward(
                    head.loss, ctx, outputs, y[head.output][rows], part_weights
                )
                gradient = loss_calls.backward(head.loss, ctx, cache, outputs)
                d_outputs[head.output] = _weighted(gradient, head.weight, ctx)
            found = passing.backward(d_outputs)
            # Copies, since the workspace is used again before the shards are summed.
            kept = {address: np.array(gradient) for address, gradient in found.items()}
            return self._result(passing, losses), kept

        results: list[ShardResult] = []

        def take(found: tuple[ShardResult, dict[str, Array]]) -> None:
            results.append(found[0])
            for address, gradient in found[1].items():
                if address in gradients:
                    gradients[address] += gradient
                else:
                    gradients[address] = gradient

        self._each(run, _count(x), take)
        return results

    def evaluate(self, x: Inputs, y: Mapping[str, Array]) -> list[ShardResult]:
        """Forward in evaluation mode: what each shard gives, in order.

        Args:
            x: (N, *input_shape), or such an array for each input by name.
            y: What each output is compared with, (N, *target_shape), by the output's name.
        """

        def run(rows: slice, workspace: Workspace) -> ShardResult:
            passing = self._evaluated(x, rows, workspace)
            losses = {}
            for head in self._network.heads:
                ctx = self._context(
                    head, training=False, key=PassKey(), first=rows.start, workspace=workspace
                )
                losses[head.output], _ = loss_calls.forward(
                    head.loss, ctx, passing.outputs[head.output], y[head.output][rows]
                )
            return self._result(passing, losses)

        results: list[ShardResult] = []
        self._each(run, _count(x), results.append)
        return results

    def predict(self, x: Inputs) -> dict[str, Array]:
        """What each output's loss predicts, (N, *out_shape), by its name; in evaluation mode.

        Args:
            x: (N, *input_shape), or such an array for each input by name.
        """

        def run(rows: slice, workspace: Workspace) -> dict[str, Array]:
            return self._network.predictions(self._evaluated(x, rows, workspace).outputs)

        parts: list[dict[str, Array]] = []
        self._each(run, _count(x), parts.append)
        return {
            output: np.concatenate([part[output] for part in parts])
            for output in self._network.outputs
        }

    def _evaluated(self, x: Inputs, rows: slice, workspace: Workspace) -> Pass:
        return self._network.forward(_rows(x, rows), first_sample=rows.start, workspace=workspace)

    def _result(self, passing: Pass, losses: dict[str, float]) -> ShardResult:
        total = sum(head.weight * losses[head.output] for head in self._network.heads)
        return ShardResult(total, losses, self._network.predictions(passing.outputs), passing)

    def first_not_finite(self, x: Inputs, key: PassKey) -> str | None:
        """The first node that gives a NaN or an infinity where `train` sees ``x``, if one does."""
        bad: set[str] = set()

        def observe(node: Node, y: Array) -> None:
            if not np.isfinite(y).all():
                bad.add(node.name)

        with np.errstate(all="ignore"):
            for rows in self._shards(_count(x)):
                self._network.forward(
                    _rows(x, rows),
                    training=True,
                    key=key,
                    first_sample=rows.start,
                    observe=observe,
                )
        return next((name for name in self._network.nodes if name in bad), None)

    def _context(
        self, head: Head, *, training: bool, key: PassKey, first: int, workspace: Workspace
    ) -> Context:
        return Context(
            training=training,
            keep=training,
            kernels=self._network.kernels,
            seed=key.seed,
            step=key.step,
            micro_batch=key.micro_batch,
            first_sample=first,
            node=f"loss/{head.output}",
            workspace=workspace,
        )

    def _shards(self, samples: int) -> list[slice]:
        return list(cut(samples, self.shard_size or samples))

    def _each(
        self, run: Callable[[slice, Workspace], T], samples: int, take: Callable[[T], None]
    ) -> None:
        """Run every shard, and hand over what each gives, in order."""

        def with_workspace(rows: slice) -> T:
            workspace = self._workspaces.get()
            try:
                workspace.reset()
                # Whoever trains looks for NaN and infinity in the loss, and explains it.
                with np.errstate(all="ignore"):
                    return run(rows, workspace)
            finally:
                self._workspaces.put(workspace)

        shards = self._shards(samples)
        with one_blas_thread():
            if self._pool is None or len(shards) == 1:
                for rows in shards:
                    take(with_workspace(rows))
                return
            futures = deque(self._pool.submit(with_workspace, rows) for rows in shards)
            try:
                while futures:
                    take(futures.popleft().result())
            finally:
                for future in futures:
                    future.cancel()
                wait(futures)


def shard_size(network: Network) -> int | None:
    """Samples in a shard, from the network alone; None where samples see each other.

    As many as `SHARD_BYTES` of activations hold, or as many as make the activations outweigh the
    parameters, which each shard must read (and write the gradients of) once.
    """
    parts = [node.layer for node in network.nodes.values()] + [head.loss for head in network.heads]
    if not all(getattr(part, "per_sample", False) for part in parts):
        return None
    itemsize = network.dtype.itemsize
    sample = sum(prod(node.out_shape) for node in network.nodes.values()) * itemsize
    params = sum(param.nbytes for param in network.params.values())
    return max(MIN_SHARD, SHARD_BYTES // sample, PARAM_WEIGHT * params // sample)


def cut(samples: int, size: int) -> Iterator[slice]:
    """Slices of nearly equal length, none longer than ``size``, over ``samples``."""
    count = -(-samples // size)
    for index in range(count):
        yield slice(samples * index // count, samples * (index + 1) // count)


def available_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def one_blas_thread() -> AbstractContextManager[Any]:
    """Hold BLAS to one thread: its result depends on how many it uses."""
    limit: AbstractContextManager[Any] = _controller().limit(limits=1, user_api="blas")
    return limit


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


def _count(x: Inputs) -> int:
    return len(next(iter(x.values()))) if isinstance(x, Mapping) else len(x)


def _rows(x: Inputs, rows: slice) -> Inputs:
    if isinstance(x, Mapping):
        return {name: array[rows] for name, array in x.items()}
    return x[rows]


def _weighted(gradient: Array, weight: float, ctx: Context) -> Array:
    if weight == 1:
        return gradient
    product: Array = np.multiply(gradient, weight, out=ctx.empty(gradient.shape, gradient.dtype))
    return product
