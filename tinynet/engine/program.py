"""The plan of a network: what is computed for a batch, in which order, and with which kernels."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from typing import NamedTuple

import numpy as np

from tinynet.engine import layer_calls, losses
from tinynet.engine.chain import chained
from tinynet.engine.fusion import fuse
from tinynet.engine.losses import OutputLoss
from tinynet.engine.node import Node
from tinynet.engine.operation import Exchange, Operation, ParamGradient, Value
from tinynet.engine.sharding import Cost, shard_slices
from tinynet.engine.trained_chain import TrainedChain, trained_chain
from tinynet.kernels import Kernels
from tinynet.layer import Buffered, Summarized
from tinynet.layer.context import Needs
from tinynet.types import Array, Shape


class SyncPoint(NamedTuple):
    """An operation at which every shard waits for the others.

    Attributes:
        operation: The operation.
        exchange: The kind of exchange between the shards.
    """

    operation: Operation
    exchange: Exchange

    @property
    def exchanges_gradient_summaries(self) -> bool:
        """True if the backward exchanges summaries, too."""
        return self.exchange == "summaries" and self.operation.has_backward


class Stage(NamedTuple):
    """Operations that each shard runs without waiting for another.

    Attributes:
        entry: The sync point before them; None in the first stage.
        operations: The operations, in topological order.
        exit: The sync point after them; None in the last stage.
    """

    entry: SyncPoint | None
    operations: tuple[Operation, ...]
    exit: SyncPoint | None


@dataclass(frozen=True)
class Program:
    """The immutable plan of a network. Engines, passes and predictions run it.

    Attributes:
        nodes: All nodes of the network in topological order, as the spec declares them.
        operations: The operations in topological order, in chains where their kernels can be
            replayed.
        fused: The same without chains: layers are fused where that changes no bit.
        unfused: The same with one operation for each layer.
        outputs: Names of the outputs that are computed.
        losses: The losses of the outputs that have some.
        input_shapes: Shape of one sample of each input, by name.
        dtype: The dtype of parameters and computation.
        kernels: The numerical kernels.
        whole_batches: True if each batch is one shard in training; see `of_whole_batches`.
    """

    nodes: tuple[Node, ...]
    operations: tuple[Operation, ...]
    fused: tuple[Operation, ...]
    unfused: tuple[Operation, ...]
    outputs: tuple[str, ...]
    losses: tuple[OutputLoss, ...]
    input_shapes: Mapping[str, Shape]
    dtype: np.dtype[np.generic]
    kernels: Kernels
    whole_batches: bool = False
    _slices: dict[tuple[int, bool], tuple[slice, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _stages: dict[bool, tuple[Stage, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @classmethod
    def of(
        cls,
        nodes: Collection[Node],
        outputs: Mapping[str, str],
        losses: tuple[OutputLoss, ...],
        input_shapes: Mapping[str, Shape],
        dtype: np.dtype[np.generic],
        kernels: Kernels,
    ) -> "Program":
        """Plan the computation of some outputs, and of no node that they do not depend on.

        The arguments are the attributes of these names, but ``outputs`` holds the value of each
        output, such as ``lstm_1:state``, by the output's name.
        """
        needed = _ancestors(outputs.values(), nodes)
        fused = plan(*fuse(needed, outputs))
        return cls(
            nodes=tuple(nodes),
            operations=chained(fused, kernels),
            fused=fused,
            unfused=plan(needed, outputs),
            outputs=tuple(outputs),
            losses=losses,
            input_shapes=input_shapes,
            dtype=dtype,
            kernels=kernels,
        )

    def of_whole_batches(self) -> "Program":
        """Return the program of passes in which no layer waits for other shards in training.

        It is for batches that are one shard, and has longer chains. It is this program itself where
        the kernels do not leave batches whole.
        """
        if not self._leaves_batches_whole:
            return self

        def alone(operations: Iterable[Operation]) -> tuple[Operation, ...]:
            return tuple(replace(op, exchange_in_training=None) for op in operations)

        fused = alone(self.fused)
        return replace(
            self,
            operations=chained(fused, self.kernels),
            fused=fused,
            unfused=alone(self.unfused),
            whole_batches=True,
        )

    @cached_property
    def _leaves_batches_whole(self) -> bool:
        """True if layers look across the batch in training, and the kernels want it whole then."""
        wanted = getattr(self.kernels, "whole_if_exchanged", False)
        return wanted and any(op.exchange_in_training for op in self.fused)

    @cached_property
    def cost(self) -> Cost:
        """The cost of one sample, of the layers as the spec declares them."""
        owners = [node for node in self.nodes if node.owner == node.name]
        return Cost(
            flops=sum(map(layer_calls.forward_flops, self.nodes)),
            params=sum(p.size for node in owners for p in node.own_params.values()),
            output_bytes=sum(prod(shape) for node in self.nodes for shape in node.values.values())
            * self.dtype.itemsize,
            min_shard=max(getattr(node.layer, "min_shard", 0) for node in self.nodes),
        )

    def shard_slices(self, samples: int, *, training: bool) -> tuple[slice, ...]:
        """Return the slice of a batch that each shard computes: the same on every machine."""
        if training and (self.whole_batches or self._leaves_batches_whole):
            return (slice(0, samples),)
        key = samples, training
        if key not in self._slices:
            self._slices[key] = shard_slices(
                samples, self.cost, self.kernels.cut_from, training=training
            )
        return self._slices[key]

    def stages(self, *, training: bool) -> tuple[Stage, ...]:
        """Return the operations, split at layers that look across the batch."""
        if training not in self._stages:
            self._stages[training] = tuple(_split_into_stages(self.operations, training))
        return self._stages[training]

    @cached_property
    def trained_chain(self) -> TrainedChain | None:
        """All operations with the loss, if training passes of both can be replayed as one."""
        return trained_chain(self.operations, self.losses, self.outputs)

    @cached_property
    def gradient_shapes(self) -> dict[str, Shape]:
        """The shape of each gradient that training computes, by the parameter's address."""
        return {
            address: shape[::-1] if transposed else shape
            for op in self.operations
            for name, address, transposed in op.gradients
            for shape in [op.node.layer.params[name].shape]
        }

    @cached_property
    def shard_gradients(self) -> frozenset[str]:
        """Addresses of the parameters of which every shard computes a gradient.

        Layers that run on the whole batch compute one gradient for all shards.
        """
        return frozenset(
            gradient.address
            for op in self.operations
            if op.exchange_in_training != "batch"
            for gradient in op.gradients
        )

    @cached_property
    def commits(self) -> bool:
        """True if a training step changes running statistics."""
        return any(op.commits for op in self.operations)

    @cached_property
    def commits_by_shard(self) -> bool:
        """True if some of them are not exchanged, so that the shards change them in turn."""
        return any(op.commits and op.exchange_in_training is None for op in self.operations)

    @cached_property
    def losses_need_batch(self) -> bool:
        """True if a loss looks across the batch, so that it must get all shards at once."""
        return not all(getattr(part.loss, "per_sample", False) for part in self.losses)

    def predictions(self, outputs: Mapping[str, Array]) -> dict[str, Array]:
        """Return the predictions of the losses in arrays of their own; other outputs are copied.

        Args:
            outputs: (n, *out_shape) for each output, by name.
        """
        predicted = self._predicted
        return {
            name: losses.predict(predicted[name], outputs[name])
            if name in predicted
            else np.array(outputs[name])
            for name in self.outputs
        }

    @cached_property
    def _predicted(self) -> dict[str, OutputLoss]:
        """The losses that make predictions of an output, by the output's name."""
        return {part.name: part for part in self.losses if len(part.outputs) == 1}

    @cached_property
    def index_inputs(self) -> frozenset[str]:
        """Names of the inputs that all nodes take as indices, so their integer dtype is kept."""
        floats = {s for node in self.nodes if not node.integer_inputs for s in node.inputs}
        return frozenset(self.input_shapes.keys() - floats)


def plan(nodes: Sequence[Node], outputs: Mapping[str, str]) -> tuple[Operation, ...]:
    """Return an operation for each node, with only those gradients that are required.

    The nodes are in topological order; ``outputs`` holds the value of each output, by its name.
    """
    last_reader = {source: node.name for node in nodes for source in node.inputs}
    output_names: dict[str, tuple[str, ...]] = {}
    for output, name in outputs.items():
        output_names[name] = (*output_names.get(name, ()), output)
    learned = _learned(nodes)
    reached = _reached(nodes, output_names, learned)
    operations = []
    for node in nodes:
        has_backward = node.name in reached
        needs_inputs = tuple(has_backward and source in learned for source in node.inputs)
        trainable = node.trainable_params if has_backward else frozenset()
        buffered = isinstance(node.layer, Buffered)
        eval_mode = node.eval_mode or (buffered and not node.trainable)
        exchange = _exchange(node)
        in_evaluation = None if exchange == "summaries" else exchange
        trained = (name for name in node.layer.params if name in trainable)
        sources = dict.fromkeys(node.inputs)
        operations.append(
            Operation(
                node,
                Needs(needs_inputs, trainable),
                has_backward=has_backward,
                eval_mode=eval_mode,
                commits=buffered and node.trainable,
                gradients=tuple(
                    ParamGradient(
                        name,
                        node.address(name),
                        name in node.tied and node.tied[name].transposed,
                    )
                    for name in trained
                ),
                values=tuple(
                    Value(name, output_names.get(name, ()), name in last_reader)
                    for name in node.values
                ),
                last_reads=tuple(s for s in sources if last_reader[s] == node.name),
                exchange_in_training=in_evaluation if eval_mode else exchange,
                exchange_in_evaluation=in_evaluation,
            )
        )
    return tuple(operations)


def _learned(nodes: Iterable[Node]) -> set[str]:
    """Return the values that depend on trainable parameters through differentiable layers."""
    learned: set[str] = set()
    for node in nodes:
        differentiable = getattr(node.layer, "differentiable", True)
        if differentiable and (node.trainable_params or not learned.isdisjoint(node.inputs)):
            learned.update(node.values)
    return learned


def _reached(nodes: Sequence[Node], outputs: Collection[str], learned: Collection[str]) -> set[str]:
    """Return the nodes that a gradient reaches, from the values that are outputs, backward."""
    reached: set[str] = set()
    with_gradient = set(outputs)
    for node in reversed(nodes):
        if node.name in learned and not with_gradient.isdisjoint(node.values):
            reached.add(node.name)
            with_gradient.update(node.inputs)
    return reached


def _exchange(node: Node) -> Exchange | None:
    if getattr(node.layer, "per_sample", False):
        return None
    return "summaries" if isinstance(node.layer, Summarized) else "batch"


def _split_into_stages(operations: Iterable[Operation], training: bool) -> Iterator[Stage]:
    entry: SyncPoint | None = None
    collected: list[Operation] = []
    for op in operations:
        exchange = op.exchange_in_training if training else op.exchange_in_evaluation
        if exchange is None:
            collected.append(op)
        else:
            sync = SyncPoint(op, exchange)
            yield Stage(entry, tuple(collected), sync)
            entry, collected = sync, []
    yield Stage(entry, tuple(collected), None)


def _ancestors(names: Iterable[str], nodes: Collection[Node]) -> tuple[Node, ...]:
    """Return the nodes of the named values and all that they depend on, in topological order."""
    needed = set(names)
    for node in reversed(list(nodes)):
        if not needed.isdisjoint(node.values):
            needed.update(node.inputs)
    return tuple(node for node in nodes if not needed.isdisjoint(node.values))
