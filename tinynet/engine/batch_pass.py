"""The passes of all shards of a batch, and the sync points where they wait for each other.

A layer that needs the whole batch ends a stage. In a network with one batch norm::

    forward:   stage 0 -> summaries of all shards -> stage 1 -> losses -> backward of stage 1
    backward:  gradient summaries of all shards -> backward of stage 0

Each step of a stage runs on all shards, several at a time; an arrow is a wait for all of them.
Where several processes have shards of one batch, they exchange what the arrows stand for.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np

from tinynet.engine import layer_calls
from tinynet.engine.losses import LossInputs, LossResult
from tinynet.engine.process_group import ProcessGroup
from tinynet.engine.program import Program, Stage, SyncPoint
from tinynet.engine.shard_pass import Observer, RandomKey, ShardPass
from tinynet.engine.shares import BatchShare
from tinynet.engine.summary_tree import Parts, merge_nodes
from tinynet.engine.threads import ThreadPool
from tinynet.engine.tree import Node
from tinynet.kernels.memory import Workspace
from tinynet.layer import Mergeable
from tinynet.types import Array

T = TypeVar("T")


class BatchPass:
    """The passes of the shards of a batch: `forward`, and in training `backward` after it.

    Attributes:
        shards: The pass of each shard of this process, in order.
        share: The shards of this process.
        results: The losses of each of them, in order. If a loss needs the whole batch, its losses
            in the process that has the first shard, and none in the others.
        predictions: The predictions for the rows of this process, by output; empty if they were
            not requested.
    """

    def __init__(
        self,
        program: Program,
        inputs: Mapping[str, Array],
        share: BatchShare,
        labels: LossInputs | None,
        pool: ThreadPool,
        workspaces: list[Workspace],
        *,
        training: bool,
        key: RandomKey,
        observe: Observer | None = None,
        group: ProcessGroup | None = None,
        merge_summaries: bool = False,
    ) -> None:
        """Prepare the passes.

        Args:
            program: The program.
            inputs: The validated rows of this process, (n, *input_shape) each, by name.
            share: The shards of this process.
            labels: The inputs of the losses for the same rows; None to compute no losses.
            pool: The threads that run the shards.
            workspaces: Memory that one batch after another uses; missing workspaces are added.
            training: True for a pass in training mode.
            key: Key of the random streams.
            observe: Called with each node and its output.
            group: The processes that have the other shards; None if this one has all.
            merge_summaries: True to merge the summaries of all shards into one where a layer can.
        """
        self.share = share
        self._slices = share.local_slices
        # After an exchange, all shards of a process hold the same statistics; see `commit`.
        first = 0 if program.commits_by_shard or not share.own else share.own[0]
        self.shards = [
            ShardPass(
                program,
                {name: array[rows] for name, array in inputs.items()},
                training=training,
                key=key,
                first_sample=part.start,
                commits_exchanged=number == first,
                observe=observe,
            )
            for number, part, rows in zip(share.own, share.own_slices, self._slices, strict=True)
        ]
        self.results: list[LossResult] = [LossResult({}, {}, {})] * len(self.shards)
        self.predictions: dict[str, Array] = {}
        self._program, self._labels, self._pool = program, labels, pool
        self._group, self._merge_summaries = group, merge_summaries
        self._stages = program.stages(training=training)
        self._exchanges = self._planned_exchanges()
        self._summaries: list[Any] = []
        self._idle = self._distribute(workspaces)

    def _distribute(self, workspaces: list[Workspace]) -> deque[Workspace]:
        """Give each shard a workspace of its own, or return workspaces that shards can borrow.

        Shards keep their memory while they wait for each other. Where they never wait, one
        workspace for each thread is enough.
        """
        count = len(self.shards)
        if len(self._stages) == 1 and not self._program.losses_need_batch:
            count = min(count, self._pool.size)
        workspaces += [Workspace() for _ in range(len(workspaces), count)]
        if count < len(self.shards):
            return deque(workspaces)
        for shard, workspace in zip(self.shards, workspaces, strict=False):
            workspace.reset()
            shard.workspace = workspace
        return deque()

    def _planned_exchanges(self) -> deque[bool]:
        """Return the exchanges of this pass and the one after it: True for each that is a merge."""
        exits = [stage.exit for stage in self._stages if stage.exit is not None]
        merges = [self._merges(sync) for sync in exits]
        if self._labels is not None and self._program.losses_need_batch:
            merges.append(False)
        merges += [self._merges(sync) for sync in reversed(exits) if sync.operation.has_backward]
        return deque([*merges, False])

    def _merges(self, sync: SyncPoint) -> bool:
        return (
            self._merge_summaries
            and sync.exchange == "summaries"
            and isinstance(sync.operation.node.layer, Mergeable)
        )

    def forward(self) -> None:
        """Run forward, to the losses if there are inputs for them.

        In training, the backward pass of the last stage follows at once in each shard, while its
        arrays are in the cache of the CPU.

        Raises:
            PluginError: if a layer or a loss raises an exception, or returns a wrong value.
        """
        for stage in self._stages[:-1]:
            self._pool.run([partial(s.forward_stage, stage, self._summaries) for s in self.shards])
            self._exchange(stage)
        self._pool.run([partial(self._run_last_stage, i) for i in range(len(self.shards))])
        if self._labels is not None and self._program.losses_need_batch:
            self._compute_batch_losses(self._labels)
        elif self.shards:
            self.predictions = join_samples([result.predictions for result in self.results])

    def backward(self) -> None:
        """Run backward through the stages before the last.

        Raises:
            PluginError: if a layer raises an exception, or omits a required gradient.
        """
        for stage in reversed(self._stages[:-1]):
            self._exchange_gradients(stage)
            self._pool.run([partial(s.backward_stage, stage, self._summaries) for s in self.shards])

    def gradients(self) -> dict[str, list[Array]]:
        """Return the gradients of each parameter, by address, in the order of the shards.

        A layer that runs on the whole batch contributes one gradient, held by the first shard. If
        it shares its parameters with a layer that runs in shards, their gradients are added, in
        the process that has the first shard of the batch.
        """
        parts: dict[str, list[Array]] = {}
        for shard in self.shards:
            for address, gradient in shard.gradients.items():
                parts.setdefault(address, []).append(gradient)
        return parts

    # The last stage ---------------------------------------------------------------------------

    def _run_last_stage(self, number: int) -> None:
        shard, stage = self.shards[number], self._stages[-1]
        borrowed = None
        if shard.workspace is None:
            shard.workspace = borrowed = self._idle.popleft()
            borrowed.reset()
        try:
            if self._labels is None or self._program.losses_need_batch:
                shard.forward_stage(stage, self._summaries)
            else:
                labels = self._labels.rows(self._slices[number])
                self.results[number] = shard.run_last_stage(stage, self._summaries, labels)
            if borrowed is not None:
                shard.release_workspace()
        finally:
            if borrowed is not None:
                self._idle.append(borrowed)

    def _compute_batch_losses(self, labels: LossInputs) -> None:
        """Compute the losses of the whole batch, and in training the backward of the last stage."""
        own_part = [(join_samples([s.outputs for s in self.shards]), labels)] if self.shards else []
        parts = self._gather(own_part)
        self.results = []
        if not self.shards:
            return
        outputs = join_samples([of_process for of_process, _ in parts])
        whole = _join_labels([of_process for _, of_process in parts])
        result = self.shards[0].compute_losses(outputs, whole)
        if self.share.own[0] == 0:
            self.results = [result]
        own = self.share.rows
        self.predictions = {name: array[own] for name, array in result.predictions.items()}
        if labels.scales is None:
            return
        for shard, rows in zip(self.shards, self.share.own_slices, strict=True):
            shard.start_backward({name: dy[rows] for name, dy in result.gradients.items()})
        stage = self._stages[-1]
        self._pool.run([partial(shard.backward_stage, stage, ()) for shard in self.shards])

    # Sync points ------------------------------------------------------------------------------

    def _exchange(self, stage: Stage) -> None:
        """Collect the summaries of all shards at a stage's exit, or run its layer on the batch."""
        assert stage.exit is not None
        op, exchange = stage.exit
        if exchange == "summaries":
            self._summaries = self._collect(partial(layer_calls.merge_summaries, op.node))
            return
        parts = self._gather([shard.inputs(op) for shard in self.shards])
        if not self.shards:
            return
        ctx = self.shards[0].context(op, whole_batch=True)
        ys, cache = layer_calls.forward(
            op.node, ctx, list(map(_concatenate, zip(*parts, strict=True)))
        )
        for shard, rows in zip(self.shards, self.share.own_slices, strict=True):
            shard.store(op, ctx, tuple([y[rows] for y in ys]), cache)

    def _exchange_gradients(self, stage: Stage) -> None:
        """Do the same as `_exchange` in the backward pass."""
        assert stage.exit is not None
        op, exchange = stage.exit
        if not op.has_backward:
            return
        if exchange == "summaries":
            merge = partial(layer_calls.merge_gradient_summaries, op.node)
            self._summaries = self._collect(merge)
            return
        own = [shard.pop_backward_arguments(op) for shard in self.shards]
        parts = self._gather([gradients for _, _, gradients in own])
        if not self.shards:
            return
        ctx, cache, _ = own[0]
        # A gradient that is None in one shard is None in all: that depends on the network alone.
        dy = tuple(
            [
                None if gradients[0] is None else _concatenate(gradients)
                for gradients in zip(*parts, strict=True)
            ]
        )
        d_inputs, d_params = layer_calls.backward(op.node, ctx, op.needs, cache, dy)
        # Where shards add to the same gradient, only the first shard of the batch adds this one.
        left_out = frozenset() if self.share.own[0] == 0 else self._program.shard_gradients
        self.shards[0].add_param_gradients(op, d_params, left_out)
        for shard, rows in zip(self.shards, self.share.own_slices, strict=True):
            shard.add_input_gradients(op, [d if d is None else d[rows] for d in d_inputs])

    def _collect(self, merge: Callable[[Any, Any], Any]) -> list[Any]:
        """Return the summaries of all shards of the batch, in order, or the merged one.

        Args:
            merge: Returns the summary of the samples of two summaries.
        """
        own = [shard.summary for shard in self.shards]
        if not self._exchanges[0]:
            return self._gather(own)
        shards = len(self.share.slices)

        def join(first: Parts[Any], second: Parts[Any]) -> Parts[Any]:
            return merge_nodes([*first, *second], shards, merge)

        leaves = [(Node(0, n), summary) for n, summary in zip(self.share.own, own, strict=True)]
        merged = merge_nodes(leaves, shards, merge)
        self._exchanges.popleft()
        if self._group is not None:
            merged = self._group.merge(merged, join, merge_follows=self._exchanges[0])
        return [summary for _, summary in merged]

    def _gather(self, parts: list[T]) -> list[T]:
        """Return the parts of all shards of the batch, in order, from those of the own shards."""
        self._exchanges.popleft()
        if self._group is None:
            return parts
        return [part for gathered in self._group.gather(parts) for part in gathered]


def _concatenate(parts: Sequence[Array]) -> Array:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def join_samples(parts: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """Return arrays by name, each concatenated from the parts of a batch along the sample axis."""
    return {name: _concatenate([part[name] for part in parts]) for name in parts[0]}


def _join_labels(parts: Sequence[LossInputs]) -> LossInputs:
    first = parts[0]
    if len(parts) == 1:
        return first
    weights = [part.weights for part in parts if part.weights is not None]
    return first._replace(
        targets=join_samples([part.targets for part in parts]),
        weights=_concatenate(weights) if weights else None,
    )
