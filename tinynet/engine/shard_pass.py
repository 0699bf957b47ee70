"""One trip of a batch, or of a part of one, through a graph and back.

The pass owns what the trip needs: the values still wanted by somebody, and the caches. Each is
dropped as soon as nobody wants it any more.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from tinynet.errors import TinynetError
from tinynet.kernels import Kernels
from tinynet.kernels.memory import Workspace
from tinynet.layer import Buffered, Cache, Summarized
from tinynet.layer.context import Context, Needs
from tinynet.network import calls
from tinynet.network.node import Node
from tinynet.types import Array

Meeting: TypeAlias = Literal["summaries", "batch"]
"""What a layer must see of a batch beside its own samples: summaries of the others, or all."""


@dataclass(frozen=True)
class Operation:
    """A node with what training must know about it.

    Attributes:
        node: The node.
        needs: Which gradients its backward returns.
        backward: Whether any gradient passes through it.
        frozen: Whether it runs as in evaluation while the others train: the spec says so, or no
            parameter of a layer with running statistics is trained.
        commits: Whether it keeps running statistics that a training pass moves.
        gradients: Names of the parameters whose gradients its backward returns, each with its
            address.
        outputs: What the network's outputs are called that it gives.
        is_read: Whether another node reads what it gives.
        last_reads: What nobody reads after it, of what it reads.
        meets_in_training: What its layer must see of a batch beside its own samples, in training;
            None for nothing.
        meets_in_evaluation: The same in evaluation.
    """

    node: Node
    needs: Needs
    backward: bool
    frozen: bool
    commits: bool
    gradients: tuple[tuple[str, str], ...]
    outputs: tuple[str, ...]
    is_read: bool
    last_reads: tuple[str, ...]
    meets_in_training: Meeting | None
    meets_in_evaluation: Meeting | None


def plan(nodes: Sequence[Node], outputs: Mapping[str, str]) -> tuple[Operation, ...]:
    """What each node must compute in training, and no more: no gradient that nobody needs.

    Args:
        nodes: The graph in topological order.
        outputs: The node that gives each output, by the output's name.
    """
    carries: dict[str, bool] = {}
    last_reader = {source: node.name for node in nodes for source in node.inputs}
    given: dict[str, tuple[str, ...]] = {}
    for name, giver in outputs.items():
        given[giver] = (*given.get(giver, ()), name)
    operations = []
    for node in nodes:
        inputs = tuple(carries.get(source, False) for source in node.inputs)
        carries[node.name] = any(inputs) or bool(node.trainable_params)
        buffered = isinstance(node.layer, Buffered)
        frozen = node.frozen or (buffered and not node.trainable)
        meeting = _meeting(node)
        in_evaluation = None if meeting == "summaries" else meeting
        trained = (name for name in node.layer.params if name in node.trainable_params)
        operations.append(
            Operation(
                node,
                Needs(inputs, node.trainable_params),
                backward=carries[node.name],
                frozen=frozen,
                commits=buffered and node.trainable,
                gradients=tuple((name, f"{node.owner}/{name}") for name in trained),
                outputs=given.get(node.name, ()),
                is_read=node.name in last_reader,
                last_reads=tuple(
                    s for s in dict.fromkeys(node.inputs) if last_reader[s] == node.name
                ),
                meets_in_training=in_evaluation if frozen else meeting,
                meets_in_evaluation=in_evaluation,
            )
        )
    return tuple(operations)


def _meeting(node: Node) -> Meeting | None:
    if getattr(node.layer, "per_sample", False):
        return None
    return "summaries" if isinstance(node.layer, Summarized) else "batch"


class PassKey(NamedTuple):
    """What this pass is for; with the node's name it is the key of everything random in it."""

    seed: int = 0
    step: int = 0
    micro_batch: int = 0


class Pass:
    """Samples on their way.

    Attributes:
        operations: The whole graph in topological order.
        outputs: What each output of the network gave so far, (N, *out_shape), by its name; valid
            until the workspace is reset.
        gradients: Of every trainable parameter so far, by address (``conv2d_1/weight``).
        workspace: Where large arrays come from; None for fresh memory.
    """

    def __init__(
        self,
        operations: Sequence[Operation],
        inputs: Mapping[str, Array],
        *,
        training: bool,
        kernels: Kernels,
        key: PassKey,
        first_sample: int = 0,
        workspace: Workspace | None = None,
        observe: Callable[[Node, Array], None] | None = None,
    ) -> None:
        """Stand at the start.

        Args:
            operations: The whole graph in topological order, from `plan`.
            inputs: The network's inputs by name, each (N, *shape).
            training: Whether `backward` may follow; if not, nothing is kept.
            kernels: What to compute with.
            key: Key of the random streams.
            first_sample: Position in the batch of the first sample; part of that key.
            workspace: Where large arrays come from.
            observe: Called with each node and its output.
        """
        self.operations = operations
        self.outputs: dict[str, Array] = {}
        self.gradients: dict[str, Array] = {}
        self._training = training
        self._kernels = kernels
        self._key = key
        self._first_sample = first_sample
        self.workspace = workspace
        self._observe = observe
        self._values = dict(inputs)
        self._meeting: dict[str, Context] = {}
        self._for_return: dict[str, tuple[Context, Cache]] = {}
        self._uncommitted: list[tuple[Node, Cache]] = []
        self._flowing: dict[str, Array] = {}
        self._owned: set[str] = set()

    def context(self, op: Operation) -> Context:
        """What the layer of an operation is handed."""
        return Context(
            training=self._training and not op.frozen,
            needs=op.needs,
            keep=self._training and (op.backward or op.commits),
            kernels=self._kernels,
            seed=self._key.seed,
            step=self._key.step,
            micro_batch=self._key.micro_batch,
            first_sample=self._first_sample,
            node=op.node.name,
            workspace=self.workspace,
        )

    # Forward ----------------------------------------------------------------------------------

    def advance(self, operations: Sequence[Operation]) -> None:
        """Go on through some operations.

        Raises:
            PluginError: if a layer fails, or its output is not what it announced.
        """
        for op in operations:
            ctx = self.context(op)
            self.arrive(op, ctx, *calls.forward(op.node, ctx, self.inputs(op)))

    def summarize(self, op: Operation) -> Any:
        """What the other parts of the batch must know before they go through an operation."""
        ctx = self._meeting[op.node.name] = self.context(op)
        return calls.summarize(op.node, ctx, self.inputs(op))

    def forward_with(self, op: Operation, summaries: Sequence[Any]) -> None:
        """Go through an operation with the summaries of all parts of the batch, in order."""
        ctx = self._meeting.pop(op.node.name)
        self.arrive(op, ctx, *calls.forward_with(op.node, ctx, summaries, self.inputs(op)))

    def inputs(self, op: Operation) -> list[Array]:
        """What feeds an operation, (N, *shape) each."""
        values = self._values
        return [values[source] for source in op.node.inputs]

    def arrive(self, op: Operation, ctx: Context, y: Array, cache: Cache) -> None:
        """Be through an operation.

        Args:
            op: The operation.
            ctx: What its layer was handed.
            y: Its output.
            cache: What its layer leaves for its backward.
        """
        name = op.node.name
        if self._observe is not None:
            self._observe(op.node, y)
        if self._training and op.backward:
            self._for_return[name] = ctx, cache
        # Where samples meet all parts of a batch know the same statistics: the first one says them.
        leads = self._first_sample == 0 or op.meets_in_training is None
        if self._training and op.commits and leads:
            self._uncommitted.append((op.node, cache))
        for output in op.outputs:
            self.outputs[output] = y
        if op.is_read:
            self._values[name] = y
        for source in op.last_reads:
            del self._values[source]

    # Backward ---------------------------------------------------------------------------------

    def turn(self, d_outputs: Mapping[str, Array]) -> None:
        """Turn round at the end.

        Args:
            d_outputs: Gradient of each output, (N, *out_shape), by name.

        Raises:
            TinynetError: if the pass turned round before, or is none of training, or an output has
                no gradient.
        """
        if not self._for_return and any(op.backward for op in self.operations):
            raise TinynetError("backward can follow a pass in training mode, once")
        if missing := sorted(self.outputs.keys() - d_outputs.keys()):
            raise TinynetError(f"no gradient of the output(s) {', '.join(missing)}")
        for op in self.operations:
            if op.backward:
                for output in op.outputs:
                    self._add(self._flowing, op.node.name, d_outputs[output])

    def backward(self, d_outputs: Mapping[str, Array]) -> dict[str, Array]:
        """Go back all the way: the gradients of every trainable parameter, by address.

        Args:
            d_outputs: Gradient of each output, (N, *out_shape), by name.

        Raises:
            PluginError: if a layer fails, or does not return the gradients that it was asked for.
            TinynetError: as `turn`.
        """
        self.turn(d_outputs)
        self.retreat(self.operations)
        return self.gradients

    def retreat(self, operations: Sequence[Operation]) -> None:
        """Go back through some operations, which come in topological order.

        Raises:
            PluginError: if a layer fails, or does not return the gradients that it was asked for.
        """
        for op in reversed(operations):
            if op.backward:
                ctx, cache, dy = self.departure(op)
                d_inputs, d_params = calls.backward(op.node, ctx, op.needs, cache, dy)
                self.add_params(op, d_params)
                self.add_inputs(op, d_inputs)

    def summarize_gradient(self, op: Operation) -> Any:
        """What the other parts of the batch must know before they go back through an operation."""
        ctx, cache = self._for_return[op.node.name]
        dy = self._flowing[op.node.name]
        summary, d_params = calls.summarize_gradient(op.node, ctx, op.needs, cache, dy)
        self.add_params(op, d_params)
        return summary

    def backward_with(self, op: Operation, summaries: Sequence[Any]) -> None:
        """Go back through an operation with the summaries of all parts of the batch, in order."""
        ctx, cache, dy = self.departure(op)
        d_inputs = calls.backward_with(op.node, ctx, op.needs, cache, summaries, dy)
        self.add_inputs(op, d_inputs)

    def departure(self, op: Operation) -> tuple[Context, Cache, Array]:
        """What its layer needs to go back through an operation; the last is the gradient there."""
        name = op.node.name
        return *self._for_return.pop(name), self._flowing.pop(name)

    def add_params(self, op: Operation, d_params: Mapping[str, Array]) -> None:
        """Add to the gradients of an operation's parameters."""
        for name, address in op.gradients:
            self._add(self.gradients, address, d_params[name])

    def add_inputs(self, op: Operation, d_inputs: Sequence[Array | None]) -> None:
        """Add to the gradients of what feeds an operation."""
        for source, wanted, d_input in zip(op.node.inputs, op.needs.inputs, d_inputs, strict=True):
            if wanted and d_input is not None:
                self._add(self._flowing, source, d_input)

    def _add(self, sums: dict[str, Array], name: str, term: Array) -> None:
        """Add into ``sums[name]``; the first term may be somebody else's array."""
        if name not in sums:
            sums[name] = term
        elif name in self._owned:
            sums[name] += term
        else:
            empty = self.workspace.empty if self.workspace is not None else np.empty
            sums[name] = np.add(sums[name], term, out=empty(term.shape, term.dtype))
            self._owned.add(name)

    def leave_workspace(self) -> None:
        """Keep nothing that is in the workspace, but for copies of the gradients."""
        self.gradients = {name: np.array(array) for name, array in self.gradients.items()}
        self.outputs = {}
        self.workspace = None

    def commit(self) -> None:
        """Let layers with running statistics take in this pass, in topological order."""
        for node, cache in self._uncommitted:
            calls.commit(node, cache)
        self._uncommitted.clear()
