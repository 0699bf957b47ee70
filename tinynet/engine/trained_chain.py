"""A chain with the loss of its output: a whole training pass, which is replayed in one call."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from tinynet.engine import layer_calls, losses
from tinynet.engine.chain import Chain
from tinynet.engine.losses import OutputLoss
from tinynet.engine.node import Node
from tinynet.engine.operation import Operation
from tinynet.engine.replay import Computation, Replay
from tinynet.layer import Cache
from tinynet.layer.context import Context
from tinynet.types import Array


class TrainedPass(NamedTuple):
    """The results of a training pass, valid as long as arrays of its workspace.

    Attributes:
        loss: The loss, unweighted, summed over the samples.
        output: The output of the network, (N, *out_shape).
        gradients: The gradient of each trainable parameter, by address, as the only one of a list.
        statistics: The nodes with running statistics, each with what its `commit` needs, in memory
            of their own.
    """

    loss: float
    output: Array
    gradients: dict[str, list[Array]]
    statistics: Sequence[tuple[Node, Cache]]

    def commit(self) -> None:
        """Update running statistics from this pass, in topological order."""
        for node, cache in self.statistics:
            layer_calls.commit(node, cache)


class TrainedChain:
    """A network that is a single chain, with its only loss.

    Forward, loss and backward of samples without weights are one computation. When it is replayed,
    Python only copies the samples to where it reads them, and adds the losses.

    Attributes:
        input: The name of the input that it reads.
    """

    def __init__(self, operation: Operation, part: OutputLoss) -> None:
        """Join the only operation of a program and the loss of its output; see `trained_chain`."""
        layer: Any = operation.node.layer
        self._chain: Chain = layer
        self._gradients, self._part = operation.gradients, part
        self._dtype = operation.node.dtype
        (self.input,) = operation.node.inputs

    def run(
        self, ctx: Context, x: Array, targets: Array | None, scale: float
    ) -> TrainedPass | None:
        """Compute a pass; None for targets that the loss cannot take so.

        Args:
            ctx: The context of the pass, in training.
            x: The input, (N, *in_shape), in the network's dtype.
            targets: The targets of the dataset, (N, *target_shape).
            scale: Factor of the gradients.

        Raises:
            PluginError: if a layer or the loss raises an exception, or returns a wrong value.
        """
        assert ctx.workspace is not None
        shape = len(x), *self._chain.out_shape
        if targets is None:
            return None
        taken = losses.replayed_targets(self._part, shape, self._dtype, targets)
        if taken is None:
            return None
        key = self, x.shape, x.dtype, taken.shape, taken.dtype, scale
        replay = ctx.workspace.kept.get(key)
        if replay is None:
            forward = partial(self._compute, scale * self._part.weight)
            computation = Computation(self._contexts, forward, None, self._chain.recording)
            replay = ctx.workspace.keep(key, Replay(computation, keep=False))
        (each, output, gradients), cache = replay.forward(ctx, x, taken)
        statistics = self._chain.to_commit((replay, cache))
        loss = float(np.add.reduce(each, dtype=np.float64))
        return TrainedPass(loss, output, gradients, statistics)

    def _contexts(self, ctx: Context) -> list[Context]:
        of_loss = replace(ctx, node=f"loss/{self._part.name}")
        return [*self._chain.contexts(ctx), of_loss]

    def _compute(
        self, factor: float, contexts: Sequence[Context], x: Array, targets: Array
    ) -> tuple[tuple[Array, Array, dict[str, list[Array]]], Cache]:
        *of_layers, ctx = contexts
        y, caches = self._chain.compute(of_layers, x)
        each, gradient = losses.losses_and_gradient(self._part, ctx, y, targets)
        scaled = ctx.kernels.scale(gradient, factor, ctx.empty)
        _, found = self._chain.compute_gradients(caches, scaled)
        gradients = {
            address: [found[name].T if transposed else found[name]]
            for name, address, transposed in self._gradients
        }
        return (each, y, gradients), caches


def trained_chain(
    operations: Sequence[Operation], parts: Sequence[OutputLoss], outputs: Sequence[str]
) -> TrainedChain | None:
    """Return the only operation of a program with its loss; None unless both can be replayed.

    Args:
        operations: The operations of the program.
        parts: Its losses.
        outputs: The names of its outputs.
    """
    if len(operations) != 1 or len(parts) != 1 or len(outputs) != 1:
        return None
    (operation,), (part,) = operations, parts
    is_chain = isinstance(operation.node.layer, Chain) and operation.has_backward
    return TrainedChain(operation, part) if is_chain and part.replayable else None
