"""Chains: consecutive operations that are computed as one, so that they can be replayed."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from tinynet.engine import layer_calls
from tinynet.engine.operation import Operation
from tinynet.engine.replay import Computation, Gradients, Replay
from tinynet.kernels import Kernels
from tinynet.kernels.memory import Workspace
from tinynet.layer import Cache
from tinynet.layer.context import Context, Needs
from tinynet.layer.inherited import is_replayable
from tinynet.types import Array, Shape

_Kept: TypeAlias = tuple[Operation, Context, Cache]
"""An operation with the context and the cache of its forward pass."""


class Chain:
    """A layer made of operations, each of which reads only the output of the one before it.

    Its parameters have the names of their nodes before their own: ``dense_1/weight``.

    Attributes:
        recording: Creates a recording of its kernels.
    """

    def __init__(self, operations: Sequence[Operation], kernels: Kernels) -> None:
        """Join some operations.

        Args:
            operations: The operations. The backward runs through the last ones of them, or none.
            kernels: The kernels that they compute with, which can be recorded.
        """
        assert kernels.recording is not None
        self._operations, self.recording = tuple(operations), kernels.recording
        self.out_shape = operations[-1].node.out_shape
        self.params = {
            f"{op.node.name}/{name}": array
            for op in operations
            for name, array in op.node.layer.params.items()
        }

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
        for op, ctx in zip(self._operations, contexts, strict=True):
            (x,), cache = layer_calls.forward(op.node, ctx, [x])
            if ctx.keep:
                caches.append((op, ctx, cache))
        return x, caches

    def compute_gradients(self, caches: Sequence[_Kept], dy: Array) -> Gradients:
        """Return the gradients of the input and of the parameters, without a replay."""
        gradients = {}
        d_output: Array | None = dy
        for op, ctx, cache in reversed(caches):
            (d_output,), d_params = layer_calls.backward(op.node, ctx, op.needs, cache, (d_output,))
            for name, _, _ in op.gradients:
                gradients[f"{op.node.name}/{name}"] = d_params[name]
        return d_output, gradients


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


def _chains(operations: Sequence[Operation], training: bool) -> Iterator[list[Operation]]:
    """Yield the operations in lists, of which those of several can be replayed together."""
    readers = Counter(source for op in operations for source in op.node.inputs)
    chain: list[Operation] = []
    for op in operations:
        if chain and not (
            _continues(op, chain[-1], readers) and (not training or _learns_with(op, chain))
        ):
            yield chain
            chain = []
        chain.append(op)
    if chain:
        yield chain


def _continues(op: Operation, before: Operation, readers: Counter[str]) -> bool:
    """Return True if an operation can be evaluated together with the one before it."""
    (value, *others) = before.values
    return (
        _can_be_evaluated(op)
        and _can_be_evaluated(before)
        and op.node.inputs == (value.name,)
        and readers[value.name] == 1
        and not others
        and not value.outputs
    )


def _learns_with(op: Operation, chain: Sequence[Operation]) -> bool:
    """Return True if an operation can be trained together with those of a chain."""
    before = chain[-1]
    addresses = {gradient.address for earlier in chain for gradient in earlier.gradients}
    return (
        all(not each.commits and each.exchange_in_training is None for each in (op, before))
        and (not before.has_backward or (op.has_backward and op.needs.inputs == (True,)))
        # The gradients of a parameter that several layers share are added outside of chains.
        and addresses.isdisjoint(gradient.address for gradient in op.gradients)
    )


def _can_be_evaluated(op: Operation) -> bool:
    return (
        is_replayable(op.node.layer)
        and op.exchange_in_evaluation is None
        and op.node.out_shapes is None
        and len(op.node.inputs) == 1
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
        gradients=gradients,
        last_reads=first.last_reads,
    )
