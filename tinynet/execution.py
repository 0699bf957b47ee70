"""One trip of a batch through a graph, and back.

The pass owns what the trip needs: the values still wanted by somebody, and the caches. Each is
dropped as soon as nobody wants it any more.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinynet.context import Context, Needs
from tinynet.errors import PluginError
from tinynet.graph import is_input
from tinynet.kernels import Kernels
from tinynet.layer import Buffered, Layer
from tinynet.memory import Workspace
from tinynet.types import Array, Shape


@dataclass(frozen=True)
class Node:
    """One place in the graph.

    Attributes:
        name: Its name.
        layer: The layer that stands there; shared layers stand at several places.
        inputs: Names of the nodes (or network inputs) that feed it.
        in_shapes: Shape of one sample of each input.
        out_shape: Shape of one sample of the output.
        type: The layer's type, qualified: ``distribution:name``.
        owner: The node whose layer this is: its own name, unless it shares another's.
        trainable: Whether training changes the layer.
        wants_indices: Whether inputs keep an integer dtype.
    """

    name: str
    layer: Layer
    inputs: tuple[str, ...]
    in_shapes: tuple[Shape, ...]
    out_shape: Shape
    type: str
    owner: str
    trainable: bool
    wants_indices: bool


@dataclass(frozen=True)
class Operation:
    """A node with what training must know about it.

    Attributes:
        node: The node.
        needs: Which gradients its backward returns.
        backward: Whether any gradient passes through it.
        frozen: Whether it runs as in evaluation while the others train: it keeps running
            statistics, and is not trainable.
    """

    node: Node
    needs: Needs
    backward: bool
    frozen: bool


def plan(nodes: Sequence[Node]) -> tuple[Operation, ...]:
    """What each node must compute in training, and no more: no gradient that nobody needs."""
    carries: dict[str, bool] = {}
    operations = []
    for node in nodes:
        inputs = tuple(carries.get(source, False) for source in node.inputs)
        params = frozenset(node.layer.params) if node.trainable else frozenset()
        carries[node.name] = any(inputs) or bool(params)
        frozen = not node.trainable and isinstance(node.layer, Buffered)
        operations.append(Operation(node, Needs(inputs, params), carries[node.name], frozen))
    return tuple(operations)


@dataclass(frozen=True)
class PassKey:
    """What this pass is for; with the node's name it is the key of everything random in it."""

    seed: int = 0
    step: int = 0
    micro_batch: int = 0


class Pass:
    """A batch on its way.

    Attributes:
        output: What the last node gives, (N, *out_shape); valid until the workspace is reset.
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
        """Run forward.

        Args:
            operations: The graph in topological order, from `plan`.
            inputs: The network's inputs by name, each (N, *shape).
            training: Whether `backward` follows; if not, nothing is kept.
            kernels: What to compute with.
            key: Key of the random streams.
            first_sample: Position in the batch of the first sample; part of that key.
            workspace: Where large arrays come from.
            observe: Called with each node and its output.

        Raises:
            PluginError: if a layer's output is not what it announced.
        """
        self._operations = operations
        self._workspace = workspace
        self._contexts: dict[str, Context] = {}
        self._caches: dict[str, Any] = {}
        self._uncommitted: list[tuple[Buffered, Any]] = []
        values = dict(inputs)
        waiting = Counter(source for op in operations for source in op.node.inputs)
        for op in operations:
            node = op.node
            ctx = Context(
                training=training and not op.frozen,
                needs=op.needs,
                keep=training and op.backward,
                kernels=kernels,
                seed=key.seed,
                step=key.step,
                micro_batch=key.micro_batch,
                first_sample=first_sample,
                node=node.name,
                workspace=workspace,
            )
            y, cache = node.layer.forward(ctx, *(values[source] for source in node.inputs))
            _check_output(node, y, values[node.inputs[0]])
            if observe is not None:
                observe(node, y)
            if ctx.keep:
                self._contexts[node.name], self._caches[node.name] = ctx, cache
            if ctx.training and isinstance(node.layer, Buffered):
                self._uncommitted.append((node.layer, cache))
            values[node.name] = y
            for source in node.inputs:
                waiting[source] -= 1
                if not waiting[source]:
                    del values[source]
        self.output: Array = values[operations[-1].node.name]

    def backward(self, dy: Array) -> dict[str, Array]:
        """Gradients of every trainable parameter, by address (``conv2d_1/weight``).

        Args:
            dy: Gradient of the output, (N, *out_shape).
        """
        flowing = {self._operations[-1].node.name: dy}
        owned: set[str] = set()
        grads: dict[str, Array] = {}
        for op in reversed(self._operations):
            node = op.node
            if not op.backward:
                continue
            ctx, cache = self._contexts.pop(node.name), self._caches.pop(node.name)
            d_inputs, d_params = node.layer.backward(ctx, cache, flowing.pop(node.name))
            for name, gradient in d_params.items():
                if name in op.needs.params:
                    self._add(grads, f"{node.owner}/{name}", gradient, owned)
            for source, wanted, d_input in zip(node.inputs, op.needs.inputs, d_inputs, strict=True):
                if wanted and d_input is not None:
                    self._add(flowing, source, d_input, owned)
        return grads

    def commit(self) -> None:
        """Let layers with running statistics take in this pass, in topological order."""
        for layer, cache in self._uncommitted:
            layer.commit(cache)
        self._uncommitted.clear()

    def _add(self, sums: dict[str, Array], name: str, term: Array, owned: set[str]) -> None:
        """Add into ``sums[name]``; the first term may be somebody else's array."""
        if name not in sums:
            sums[name] = term
            owned.discard(name)
        elif name in owned:
            sums[name] += term
        else:
            empty = self._workspace.empty if self._workspace is not None else np.empty
            sums[name] = np.add(sums[name], term, out=empty(term.shape, term.dtype))
            owned.add(name)


def _check_output(node: Node, y: Array, x: Array) -> None:
    expected = (len(x), *node.out_shape)
    if y.shape != expected:
        raise PluginError(
            f"{node.name} ({node.type}) announced outputs of shape {node.out_shape}, that is"
            f" {expected} for {len(x)} samples, and returned {y.shape}"
        )


def network_inputs(nodes: Sequence[Node]) -> Iterator[str]:
    """Names of the network's inputs, each once."""
    yield from dict.fromkeys(s for node in nodes for s in node.inputs if is_input(s))
