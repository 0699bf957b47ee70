"""Training and evaluation of one batch.

The shards of a batch follow from the network, never from the machine, and gradients are summed in
the order of the shards, with BLAS on one thread. So any number of threads gives the same bits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np

from tinynet.engine import losses
from tinynet.engine.batch_pass import BatchPass, join_samples
from tinynet.engine.inputs import Inputs, validate_inputs
from tinynet.engine.losses import LossInputs
from tinynet.engine.node import Node
from tinynet.engine.numeric_context import in_numeric_context
from tinynet.engine.program import Program
from tinynet.engine.shard_pass import RandomKey, ShardPass
from tinynet.engine.threads import ThreadPool, threads_to_use
from tinynet.kernels.memory import Workspace, aligned_empty
from tinynet.types import Array

LARGE_GRADIENTS = 2**20
"""Bytes of gradients above which several threads sum them faster."""


class BatchResult(NamedTuple):
    """The result of a batch.

    Attributes:
        loss: The weighted losses that are means over samples, summed over the samples.
        losses: Each loss, unweighted, summed over the samples, by its name.
        predictions: Predictions for each output, (N, *out_shape), by name.
        gradients: Gradient of each trainable parameter, by address; valid until the engine's next
            batch. Empty in evaluation.
        shards: The pass of each shard, in order.
    """

    loss: float
    losses: dict[str, float]
    predictions: dict[str, Array]
    gradients: dict[str, Array]
    shards: Sequence[ShardPass]

    def commit(self) -> None:
        """Update running statistics from the batch."""
        for shard in self.shards:
            shard.commit()


class Engine:
    """Runs a network and its losses on one batch after another.

    Attributes:
        threads: Number of threads.
    """

    def __init__(self, program: Program, threads: int | None = None) -> None:
        """Start the threads.

        Args:
            program: A program with losses.
            threads: Number of threads; by default the number of cores.

        Raises:
            TinynetError: for less than one thread, or more than the system can start.
        """
        assert program.losses
        self._program = program
        self._losses = [part.name for part in program.losses]
        self._counted = [part for part in program.losses if part.counted is not None]
        self.threads = threads_to_use(threads)
        self._pool = ThreadPool(self.threads)
        self._workspaces: list[Workspace] = []
        self._sums: dict[str, Array] = {}

    def train(
        self,
        x: Inputs,
        y: Mapping[str, Array],
        weights: Array | None,
        key: RandomKey,
        divisors: Mapping[str, float] | None = None,
        *,
        predict: bool = True,
    ) -> BatchResult:
        """Run a forward and a backward pass in training mode.

        Args:
            x: (N, *input_shape), or such an array for each input by name.
            y: Target of each loss, (N, *target_shape), by the loss's name.
            weights: Weight of each sample, (N,), or position, (N, T); or None.
            key: Key of the random streams.
            divisors: Divisor of the gradients of each loss, by its name, for all samples of the
                update; by default `divisors` of this batch.
            predict: True to compute predictions, too.

        Raises:
            ShapeError: if ``x`` does not have the network's input shape.
            DataError: if ``x`` does not hold real numbers.
            PluginError: if a layer or a loss raises an exception, or returns a wrong value.
        """
        inputs, slices, threads = self._prepare(x, training=True)
        divisors = divisors or self.divisors(y, weights, slices[-1].stop)
        scales = {name: 1 / divisor for name, divisor in divisors.items()}
        labels = LossInputs(y, self._weights(weights), scales, predict)
        return in_numeric_context(
            self._program.kernels, threads, self._run, inputs, slices, labels, key
        )

    def evaluate(
        self, x: Inputs, y: Mapping[str, Array], weights: Array | None = None
    ) -> BatchResult:
        """Run a forward pass in evaluation mode, with the arguments and errors of `train`."""
        inputs, slices, threads = self._prepare(x, training=False)
        labels = LossInputs(y, self._weights(weights))
        return in_numeric_context(
            self._program.kernels, threads, self._run, inputs, slices, labels, RandomKey()
        )

    def divisors(
        self, y: Mapping[str, Array], weights: Array | None, samples: int
    ) -> dict[str, float]:
        """Return the number that the sum of each loss is divided by for its mean, by its name.

        Args:
            y: Target of each loss, (N, *target_shape), by the loss's name.
            weights: Weight of each sample, (N,), or position, (N, T); or None.
            samples: Number of samples, N.

        Raises:
            PluginError: if a loss raises an exception, or returns a wrong value.
        """
        divisors: dict[str, float] = dict.fromkeys(self._losses, samples)
        for part in self._counted:
            divisors[part.name] = losses.count(part, y.get(part.name), weights) or 1.0
        return divisors

    def first_not_finite(self, x: Inputs, key: RandomKey) -> str | None:
        """Return the first node whose output has NaN or infinity in the training pass of a key."""
        inputs, slices, threads = self._prepare(x, training=True)
        names = in_numeric_context(
            self._program.kernels, threads, self._not_finite, inputs, slices, key
        )
        return next((node.name for node in self._program.nodes if node.name in names), None)

    def _prepare(
        self, x: Inputs, *, training: bool
    ) -> tuple[dict[str, Array], tuple[slice, ...], int]:
        """Return the validated inputs, the slice of each shard, and the threads of kernels."""
        inputs = validate_inputs(x, self._program.input_shapes)
        slices = self._program.shard_slices(len(next(iter(inputs.values()))), training=training)
        # Threads without a shard would be idle: the kernels may use them.
        return inputs, slices, self.threads if len(slices) == 1 else 1

    def _weights(self, weights: Array | None) -> Array | None:
        return None if weights is None else np.asarray(weights, self._program.dtype)

    def _run(
        self,
        inputs: Mapping[str, Array],
        slices: Sequence[slice],
        labels: LossInputs,
        key: RandomKey,
    ) -> BatchResult:
        """Run forward to the losses and, in training, backward, and sum the shards' gradients."""
        program, pool, training = self._program, self._pool, labels.scales is not None
        batch = BatchPass(
            program, inputs, slices, labels, pool, self._workspaces, training=training, key=key
        )
        batch.forward()
        if training:
            batch.backward()
        gradients = self._sum(batch.gradients())
        sums = {
            part.name: sum([result.losses[part.name] for result in batch.results])
            for part in program.losses
        }
        per_sample = [part for part in program.losses if part.counted is None]
        loss = sum([part.weight * sums[part.name] for part in per_sample])
        predictions = join_samples([result.predictions for result in batch.results])
        return BatchResult(loss, sums, predictions, gradients, batch.shards)

    def _not_finite(
        self, inputs: Mapping[str, Array], slices: Sequence[slice], key: RandomKey
    ) -> set[str]:
        names: set[str] = set()

        def observe(node: Node, y: Array) -> None:
            if not np.isfinite(y).all():
                names.add(node.name)

        BatchPass(
            replace(self._program, operations=self._program.unfused),
            inputs,
            slices,
            None,
            self._pool,
            self._workspaces,
            training=True,
            key=key,
            observe=observe,
        ).forward()
        return names

    def _sum(self, parts: Mapping[str, Sequence[Array]]) -> dict[str, Array]:
        """Return the sum of the gradients of each parameter, added in the order of the shards."""
        sums = {address: gradients[0] for address, gradients in parts.items()}
        several = [address for address, gradients in parts.items() if len(gradients) > 1]
        for address in several:
            first = sums[address]
            if address not in self._sums:
                self._sums[address] = aligned_empty(first.shape, first.dtype)
            sums[address] = self._sums[address]

        def add(address: str) -> None:
            first, second, *others = parts[address]
            total = np.add(first, second, out=sums[address])
            for other in others:
                total += other

        if sum([sums[address].nbytes for address in several]) < LARGE_GRADIENTS:
            for address in several:
                add(address)
        else:
            self._pool.run([partial(add, address) for address in several])
        return sums
