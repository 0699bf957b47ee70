"""Training and evaluation of one batch.

The shards of a batch follow from the network and the spec, never from the machine, and gradients
are summed in an order that only depends on the number of shards, with BLAS on one thread. So any
number of threads and of processes gives the same bits.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from tinynet.engine import losses
from tinynet.engine.batch_pass import BatchPass
from tinynet.engine.gradient_sum import GradientSum, owned_shards
from tinynet.engine.inputs import Inputs, convert_inputs, validate_inputs
from tinynet.engine.kernel_threads import threads_for_pass
from tinynet.engine.losses import LossInputs
from tinynet.engine.node import Node
from tinynet.engine.numeric_context import in_numeric_context
from tinynet.engine.process_group import ProcessGroup
from tinynet.engine.program import Program, Stage
from tinynet.engine.results import BatchResult, PartialResult
from tinynet.engine.shard_pass import RandomKey, ShardPass
from tinynet.engine.sharding import equal_slices
from tinynet.engine.shares import BatchShare
from tinynet.engine.summary_tree import MERGED_SHARDS
from tinynet.engine.threads import ThreadPool, threads_to_use
from tinynet.engine.tree import Order
from tinynet.kernels.memory import Workspace
from tinynet.layer import Buffered
from tinynet.layer.context import Context
from tinynet.types import Array

T = TypeVar("T")


class Engine:
    """Runs a network and its losses on one batch after another.

    Attributes:
        threads: Number of threads.
        group: The processes that train together; None for one process.
    """

    def __init__(
        self,
        program: Program,
        threads: int | None = None,
        *,
        shards: int | None = None,
        group: ProcessGroup | None = None,
    ) -> None:
        """Start the threads.

        Args:
            program: A program with losses.
            threads: Number of threads; by default the number of cores.
            shards: Number of shards of a batch in training, whose gradients are then added by a
                binary tree, as are the summaries of many shards; by default the number follows from
                the network, and gradients are added in order.
            group: The processes that train together; None for one process.

        Raises:
            TinynetError: for less than one thread, or more than the system can start.
        """
        assert program.losses
        self._program = program
        self._losses = [part.name for part in program.losses]
        self._counted = [part for part in program.losses if part.counted is not None]
        self._means = [part for part in program.losses if part.counted is None]
        self.threads = threads_to_use(threads)
        self.group = group
        self._shards = shards
        self._order: Order = "sequential" if shards is None else "tree"
        self._pool = ThreadPool(self.threads)
        self._workspaces: list[Workspace] = []
        self._shares: dict[int, BatchShare] = {}
        shapes = program.gradient_shapes
        shared = {address: shapes[address] for address in sorted(program.shard_gradients)}
        self._gradient_sum = GradientSum(shared, program.dtype, self._pool, group)
        self._shard_gradients = list(shared)
        self._batch_gradients = sorted(shapes.keys() - shared.keys())

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
        """Run a forward and a backward pass in training mode, of a batch in this process.

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
        samples = _count(validate_inputs(x, self._program.input_shapes))
        share = BatchShare.whole(self.training_slices(samples))
        divisors = divisors or self.divisors(self.counts(y, weights), samples)

        def run() -> BatchResult:
            part = self.compute(x, y, weights, key, divisors, share, predict=predict)
            return self.complete(part, part.losses)

        return self.in_context(share, run)

    def in_context(self, share: BatchShare, work: Callable[..., T], *args: Any) -> T:
        """Call ``work(*args)`` in the numeric context of passes of a share."""
        threads = 1  # Several shards have a thread each.
        if len(share.own) == 1:
            flops = self._program.cost.flops * (share.rows.stop - share.rows.start)
            threads = threads_for_pass(self.threads, flops)
        return in_numeric_context(self._program.kernels, threads, work, *args)

    def compute(
        self,
        x: Inputs,
        y: Mapping[str, Array],
        weights: Array | None,
        key: RandomKey,
        divisors: Mapping[str, float],
        share: BatchShare,
        *,
        predict: bool = True,
    ) -> PartialResult:
        """Run a forward and a backward pass of the shards of this process.

        The arguments are those of `train`, for the rows of ``share``; it is called `in_context`.
        All processes of the group call it at the same time; it ends without waiting for the others
        if no layer and no loss looks across the batch.
        """
        inputs = validate_inputs(x, self._program.input_shapes)
        alone = self.group is None and len(share.slices) == 1
        if alone and weights is None and self._program.trained_chain is not None:
            part = self._run_trained_chain(inputs, share, y, divisors, key, predict)
            if part is not None:
                return part
        scales = {name: 1 / divisor for name, divisor in divisors.items()}
        labels = LossInputs(y, self._weights(weights), scales, predict)
        return self._run(inputs, share, labels, key)

    def complete(self, part: PartialResult, losses: Sequence[Mapping[str, float]]) -> BatchResult:
        """Return the result of a batch, with the sum of the gradients of all shards.

        In training it is called `in_context`.

        Args:
            part: The result of the shards of this process.
            losses: The losses of all shards, in order: the ``losses`` of all processes.
        """
        if len(losses) == 1:
            sums = dict(losses[0])
        else:
            sums = {name: sum([values[name] for values in losses]) for name in self._losses}
        loss = sum([part.weight * sums[part.name] for part in self._means])
        if len(part.share.slices) == 1 and self.group is None:
            gradients = {address: one for address, (one,) in part.gradients.items()}
        else:
            gradients = self._sum(part)
        idle = part.share.some_are_idle
        return BatchResult(loss, sums, part.predictions, gradients, part.shards, idle)

    def commit(self, results: Sequence[BatchResult]) -> None:
        """Update running statistics from batches, in order, alike in all processes."""
        for result in results:
            if self.group is None:
                result.commit()
            elif self._program.commits_by_shard:
                for rank in range(self.group.size):
                    if rank == self.group.rank:
                        result.commit()
                    self._copy_buffers(self.group, rank)
            else:
                result.commit()
                if result.some_are_idle and self._program.commits:
                    self._copy_buffers(self.group, 0)

    def evaluate(
        self, x: Inputs, y: Mapping[str, Array], weights: Array | None = None
    ) -> BatchResult:
        """Run a forward pass in evaluation mode, with the arguments and errors of `train`."""
        inputs = validate_inputs(x, self._program.input_shapes)
        slices = self._program.shard_slices(_count(inputs), training=False)
        share = BatchShare.whole(slices)
        labels = LossInputs(y, self._weights(weights))
        part = self.in_context(share, self._run, inputs, share, labels, RandomKey())
        return self.complete(part, part.losses)

    @property
    def counts_positions(self) -> bool:
        """True if a loss is a mean over positions."""
        return bool(self._counted)

    def counts(self, y: Mapping[str, Array], weights: Array | None) -> dict[str, float]:
        """Return the positions that count for each loss that is a mean over positions, by its name.

        Args:
            y: Target of each loss, (N, *target_shape), by the loss's name.
            weights: Weight of each sample, (N,), or of each position, (N, T); or None.

        Raises:
            PluginError: if a loss raises an exception, or returns a wrong value.
        """
        return {part.name: losses.count(part, y.get(part.name), weights) for part in self._counted}

    def divisors(self, counts: Mapping[str, float], samples: int) -> dict[str, float]:
        """Return the number that the sum of each loss is divided by for its mean, by its name."""
        divisors = dict.fromkeys(self._losses, float(samples))
        for name, count in counts.items():
            divisors[name] = count or 1.0
        return divisors

    def first_not_finite(self, x: Inputs, key: RandomKey) -> str | None:
        """Return the first node whose output has NaN or infinity in the training pass of a key.

        The pass is one of the whole batch in this process.
        """
        inputs = validate_inputs(x, self._program.input_shapes)
        share = BatchShare.whole(self.training_slices(_count(inputs)))
        names = self.in_context(share, self._not_finite, inputs, share, key)
        return next((node.name for node in self._program.nodes if node.name in names), None)

    def training_slices(self, samples: int) -> tuple[slice, ...]:
        """Return the rows of each shard of a batch in training: the same on every machine."""
        if self._shards is None:
            return self._program.shard_slices(samples, training=True)
        return equal_slices(samples, min(self._shards, samples))

    def share(self, samples: int) -> BatchShare:
        """Return the share of a batch in training that this process computes."""
        if samples not in self._shares:
            slices = self.training_slices(samples)
            share = BatchShare.whole(slices)
            if self.group is not None:
                owned = owned_shards(len(slices), self.group.size, self._order)
                share = BatchShare(slices, owned[self.group.rank], not all(owned))
            self._shares[samples] = share
        return self._shares[samples]

    def _merges(self, share: BatchShare) -> bool:
        # Without a number in the spec the bits are those of earlier versions.
        return self._shards is not None and len(share.slices) > MERGED_SHARDS

    def _weights(self, weights: Array | None) -> Array | None:
        return None if weights is None else np.asarray(weights, self._program.dtype)

    def _run(
        self,
        inputs: Mapping[str, Array],
        share: BatchShare,
        labels: LossInputs,
        key: RandomKey,
    ) -> PartialResult:
        """Run forward to the losses and, in training, backward."""
        training = labels.scales is not None
        group = self.group if training else None
        if group is None and len(share.slices) == 1:
            stage, *others = self._program.stages(training=training)
            if not others:
                return self._run_alone(stage, inputs, share, labels, key)
        batch = BatchPass(
            self._program,
            inputs,
            share,
            labels,
            self._pool,
            self._workspaces,
            training=training,
            key=key,
            group=group,
            merge_summaries=training and self._merges(share),
        )
        batch.forward()
        if training:
            batch.backward()
        losses = [result.losses for result in batch.results]
        return PartialResult(
            share, losses, batch.predictions, batch.gradients(), batch.shards, training
        )

    def _run_alone(
        self,
        stage: Stage,
        inputs: Mapping[str, Array],
        share: BatchShare,
        labels: LossInputs,
        key: RandomKey,
    ) -> PartialResult:
        """Run the only shard of a batch, which waits for no other."""
        workspace, training = self._first_workspace(), labels.scales is not None
        shard = ShardPass(self._program, inputs, training=training, key=key, workspace=workspace)
        result = shard.run_last_stage(stage, (), labels)
        gradients = {address: [gradient] for address, gradient in shard.gradients.items()}
        return PartialResult(
            share, [result.losses], result.predictions, gradients, [shard], training
        )

    def _run_trained_chain(
        self,
        inputs: Mapping[str, Array],
        share: BatchShare,
        targets: Mapping[str, Array],
        divisors: Mapping[str, float],
        key: RandomKey,
        predict: bool,
    ) -> PartialResult | None:
        """Run the training pass that can be replayed as a whole; None for unusual targets."""
        program = self._program
        chain, (name,), (output,) = program.trained_chain, self._losses, program.outputs
        assert chain is not None
        x = convert_inputs(inputs, program.dtype, program.index_inputs)[chain.input]
        workspace, kernels = self._first_workspace(), program.kernels
        seed, step, micro_batch = key
        ctx = Context(
            training=True,
            kernels=kernels,
            seed=seed,
            step=step,
            micro_batch=micro_batch,
            workspace=workspace,
        )
        result = chain.run(ctx, x, targets.get(name), 1 / divisors[name])
        if result is None:
            return None
        predictions = program.predictions({output: result.output}) if predict else {}
        losses = [{name: result.loss}]
        return PartialResult(share, losses, predictions, result.gradients, [result], True)

    def _first_workspace(self) -> Workspace:
        """Return the memory of a batch that is a single shard; all of it is free."""
        if not self._workspaces:
            self._workspaces.append(Workspace())
        self._workspaces[0].reset()
        return self._workspaces[0]

    def _not_finite(
        self, inputs: Mapping[str, Array], share: BatchShare, key: RandomKey
    ) -> set[str]:
        names: set[str] = set()

        def observe(node: Node, y: Array) -> None:
            if not np.isfinite(y).all():
                names.add(node.name)

        BatchPass(
            replace(self._program, operations=self._program.unfused),
            inputs,
            share,
            None,
            self._pool,
            self._workspaces,
            training=True,
            key=key,
            observe=observe,
            merge_summaries=self._merges(share),
        ).forward()
        return names

    def _sum(self, part: PartialResult) -> dict[str, Array]:
        """Return the sum of the gradients of each parameter over all shards."""
        if not part.in_training:
            return {}
        found, share = part.gradients, part.share
        if self.group is None:
            return self._gradient_sum.sum(found, share.own, len(share.slices), self._order)
        own = {name: found[name][0] for name in self._batch_gradients if name in found}
        if share.some_are_idle and self._batch_gradients:
            own = self.group.gather(own)[0]
        parts = {name: found.get(name, ()) for name in self._shard_gradients}
        sums = self._gradient_sum.sum(parts, share.own, len(share.slices), self._order)
        return {**sums, **own}

    def _copy_buffers(self, group: ProcessGroup, rank: int) -> None:
        """Set the running statistics of all processes to those of one."""
        buffered = [node.layer for node in self._program.nodes if isinstance(node.layer, Buffered)]
        own = [layer.buffers for layer in buffered] if group.rank == rank else None
        theirs = group.gather(own)[rank]
        if own is None:
            for layer, arrays in zip(buffered, theirs, strict=True):
                for name, buffer in layer.buffers.items():
                    buffer[...] = arrays[name]


def _count(inputs: Mapping[str, Array]) -> int:
    return len(next(iter(inputs.values())))
