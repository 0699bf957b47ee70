"""Chains: consecutive operations that are computed as one, so that they can be replayed."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from tinynet.engine import layer_calls
from tinynet.engine.operation import Operation
from tinynet.engine.replay import Computation, Gradients, Replay
from tinynet.kernels import Kernels
from tinynet.kernels.memory import Workspace
from tinynet.layer import Cache, Recommitted
from tinynet.layer.context import Context, Needs
from tinynet.layer.inherited import is_replayable
from tinynet.types import Array, Shape

_Kept: TypeAlias = tuple[Operation, Context, Cache]
"""An operation with the context and the cache of its forward pass."""


class Chain:
    """A layer made of operations, which read one value and only each other's outputs.

    Only the last output is read by others.

    Its parameters have the names of their nodes before their own: ``dense_1/weight``.

    Attributes:
        recording: Creates a recording of its kernels.
        buffers: Empty: the running statistics are those of its layers.
    """

    def __init__(self, operations: Sequence[Operation], kernels: Kernels) -> None:
        """Join some operations.

        Args:
            operations: The operations. The backward runs through the last ones of them, or none.
            kernels: The kernels that they compute with, which can be recorded.
        """
        assert kernels.recording is not None
        self._operations, self.recording = tuple(operations), kernels.recording
        (self._input,) = operations[0].node.inputs
        self.out_shape = operations[-1].node.out_shape
        self.params = {
            f"{op.node.name}/{name}": array
            for op in operations
            for name, array in op.node.layer.params.items()
        }
        self.buffers: dict[str, Array] = {}
        self._commits = any(op.commits for op in operations)

    @property
    def nodes(self) -> list[str]:
        """The names of its nodes, in order."""
        return [op.node.name for op in self._operations]

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        if ctx.workspace is None:
            return self.compute(self.contexts(ctx), x)
        key = self, x.shape, ctx.training, ctx.keep
        replay = ctx.workspace.kept.get(key)
        if replay is None:
            computation = Computation(
                self.contexts, self.compute, self.compute_gradients, self.recording
            )
            replay = ctx.workspace.keep(key, Replay(computation, keep=ctx.keep))
        y, cache = replay.forward(ctx, x)
        return y, (replay, cache)

    def evaluation(self, workspace: Workspace, shape: Shape) -> Callable[[Array], Array] | None:
        """Return the replay of `forward` in evaluation, without a backward and numeric context.

        None if passes with that workspace, over inputs of that shape, are not replayed yet. The
        output is valid until the next call.
        """
        replay = workspace.kept.get((self, shape, False, False))
        return None if replay is None else replay.evaluation

    def backward(
        self, ctx: Context, cache: Cache, dy: Array
    ) -> tuple[tuple[Array | None], dict[str, Array]]:
        if ctx.workspace is None:
            dx, gradients = self.compute_gradients(cache, dy)
        else:
            replay, inner = cache
            dx, gradients = replay.backward(inner, dy)
        return (dx,), gradients

    def to_commit(self, cache: Cache) -> Cache:
        """Return the nodes with running statistics, each with what its `commit` needs."""
        if not self._commits:
            return []
        kept: Sequence[_Kept] = cache[0].cache_of(cache[1]) if isinstance(cache, tuple) else cache
        return [
            (op.node, layer_calls.to_commit(op.node, of_layer))
            for op, _, of_layer in kept
            if op.commits
        ]

    def commit(self, cache: Cache) -> None:
        for node, of_layer in cache:
            layer_calls.commit(node, of_layer)

    def contexts(self, ctx: Context) -> list[Context]:
        """Return the context of each layer, from that of the pass."""
        return [
            replace(
                ctx,
                training=ctx.training and not op.eval_mode,
                keep=ctx.keep and op.has_backward,
                needs=op.needs,
                node=op.node.name,
            )
            for op in self._operations
        ]

    def compute(self, contexts: Sequence[Context], x: Array) -> tuple[Array, list[_Kept]]:
        """Return the output, and the cache of `compute_gradients`, without a replay."""
        caches = []
        y, values = x, {self._input: x}
        for op, ctx in zip(self._operations, contexts, strict=True):
            inputs = [values[source] for source in op.node.inputs]
            (y,), cache = layer_calls.forward(op.node, ctx, inputs)
            values[op.values[0].name] = y
            if ctx.keep:
                caches.append((op, ctx, cache))
        return y, caches

    def compute_gradients(self, caches: Sequence[_Kept], dy: Array) -> Gradients:
        """Return the gradients of the input and of the parameters, without a replay."""
        gradients = {}
        d_values = {self._operations[-1].values[0].name: dy}
        for op, ctx, cache in reversed(caches):
            d_output = d_values.pop(op.values[0].name)
            d_inputs, d_params = layer_calls.backward(op.node, ctx, op.needs, cache, (d_output,))
            for name, _, _ in op.gradients:
                gradients[f"{op.node.name}/{name}"] = d_params[name]
            for source, needed, term in zip(op.node.inputs, op.needs.inputs, d_inputs, strict=True):
                if needed and term is not None:
                    before = d_values.get(source)
                    add = ctx.kernels.add
                    d_values[source] = term if before is None else add(before, term, ctx.empty)
        return d_values.get(self._input), gradients


def chained(
    operations: Sequence[Operation], kernels: Kernels, *, training: bool = True
) -> tuple[Operation, ...]:
    """Return the same operations, with chains in the place of those that can be replayed.

    Args:
        operations: The operations, in topological order.
        kernels: The kernels that they compute with.
        training: False for operations that are only evaluated, which can form longer chains.
    """
    if kernels.recording is None:
        return tuple(operations)
    return tuple(
        [
            of_chain[0] if len(of_chain) == 1 else _joined(of_chain, kernels)
            for of_chain in _chains(operations, training)
        ]
    )


def _chains(operations: Sequence[Operation], training: bool) -> Iterator[Sequence[Operation]]:
    """Yield the operations in lists, of which those of several can be replayed together."""
    readers = Counter(source for op in operations for source in op.node.inputs)
    start = 0
    while start < len(operations):
        count = _length_of_chain(operations[start:], readers, training)
        yield operations[start : start + count]
        start += count


def _length_of_chain(operations: Sequence[Operation], readers: Counter[str], training: bool) -> int:
    """Return the number of the first operations that form the longest chain."""
    length = 1
    made: dict[str, Operation] = {}
    unread: dict[str, int] = {}  # how often a value is read by operations that are not seen yet
    for number, op in enumerate(operations, 1):
        joins = all(source in made for source in op.node.inputs)
        if not _can_be_evaluated(op) or not (joins or number == len(op.node.inputs) == 1):
            break
        if training and not _learns_with(op, made):
            break
        for source in op.node.inputs:
            if source in unread:
                unread[source] -= 1
        (value,) = op.values
        if not any(unread.values()):
            length = number
        unread[value.name] = readers[value.name] + len(value.outputs)
        made[value.name] = op
    return length


def _learns_with(op: Operation, made: Mapping[str, Operation]) -> bool:
    """Return True if an operation can be trained together with others, by their values."""
    read = [made.get(source) for source in op.node.inputs]
    addresses = {gradient.address for other in made.values() for gradient in other.gradients}
    return (
        op.exchange_in_training is None
        and _can_commit(op)
        and all(
            source is None or not source.has_backward or (op.has_backward and needed)
            for source, needed in zip(read, op.needs.inputs, strict=True)
        )
        # The gradients of a parameter that several layers share are added outside of chains.
        and addresses.isdisjoint(gradient.address for gradient in op.gradients)
    )


def _can_commit(op: Operation) -> bool:
    """Return True if the running statistics, if there are some, can be updated after a replay."""
    return not op.commits or (op.has_backward and isinstance(op.node.layer, Recommitted))


def _can_be_evaluated(op: Operation) -> bool:
    return (
        is_replayable(op.node.layer)
        and op.exchange_in_evaluation is None
        and op.node.out_shapes is None
    )


def _joined(operations: Sequence[Operation], kernels: Kernels) -> Operation:
    first, last = operations[0], operations[-1]
    layer: Any = Chain(operations, kernels)
    gradients = tuple(
        gradient._replace(name=f"{op.node.name}/{gradient.name}")
        for op in operations
        for gradient in op.gradients
    )
    node = replace(
        last.node,
        layer=layer,
        inputs=first.node.inputs,
        in_shapes=first.node.in_shapes,
        eval_mode=False,
        tied={},
    )
    return replace(
        last,
        node=node,
        needs=Needs(first.needs.inputs, frozenset(gradient.name for gradient in gradients)),
        eval_mode=False,
        commits=any(op.commits for op in operations),
        gradients=gradients,
        last_reads=first.last_reads,
    )
