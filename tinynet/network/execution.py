"""One trip of a batch through a graph, and back.

The pass owns what the trip needs: the values still wanted by somebody, and the caches. Each is
dropped as soon as nobody wants it any more.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinynet.context import Context, Needs
from tinynet.errors import PluginError, TinynetError
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
        commits: Whether it keeps running statistics that a training pass moves.
    """

    node: Node
    needs: Needs
    backward: bool
    frozen: bool
    commits: bool


def plan(nodes: Sequence[Node]) -> tuple[Operation, ...]:
    """What each node must compute in training, and no more: no gradient that nobody needs."""
    carries: dict[str, bool] = {}
    operations = []
    for node in nodes:
        inputs = tuple(carries.get(source, False) for source in node.inputs)
        params = frozenset(node.layer.params) if node.trainable else frozenset()
        carries[node.name] = any(inputs) or bool(params)
        buffered = isinstance(node.layer, Buffered)
        operations.append(
            Operation(
                node,
                Needs(inputs, params),
                backward=carries[node.name],
                frozen=buffered and not node.trainable,
                commits=buffered and node.trainable,
            )
        )
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
            training: Whether `backward` may follow; if not, nothing is kept.
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
        self._uncommitted: list[tuple[Any, Any]] = []
        values = dict(inputs)
        waiting = Counter(source for op in operations for source in op.node.inputs)
        for op in operations:
            node = op.node
            ctx = Context(
                training=training and not op.frozen,
                needs=op.needs,
                keep=training and (op.backward or op.commits),
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
            if training and op.backward:
                self._contexts[node.name], self._caches[node.name] = ctx, cache
            if training and op.commits:
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

        Raises:
            PluginError: if a layer does not return the gradients that it was asked for.
            TinynetError: if it was called before, or the pass is none of training.
        """
        last = self._operations[-1]
        if last.backward and last.node.name not in self._contexts:
            raise TinynetError("backward can follow a pass in training mode, once")
        flowing = {last.node.name: dy}
        owned: set[str] = set()
        grads: dict[str, Array] = {}
        for op in reversed(self._operations):
            node = op.node
            if not op.backward:
                continue
            ctx, cache = self._contexts.pop(node.name), self._caches.pop(node.name)
            d_inputs, d_params = node.layer.backward(ctx, cache, flowing.pop(node.name))
            _check_gradients(op, d_inputs, d_params, len(dy))
            for name in node.layer.params:
                if name in op.needs.params:
                    self._add(grads, f"{node.owner}/{name}", d_params[name], owned)
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
    found = getattr(y, "shape", None)
    if found != expected:
        raise PluginError(
            f"{node.name} ({node.type}) announced outputs of shape {node.out_shape}, that is"
            f" {expected} for {len(x)} samples, and returned"
            f" {type(y).__name__ if found is None else found}"
        )


def _check_gradients(
    op: Operation, d_inputs: Sequence[Array | None], d_params: Mapping[str, Array], samples: int
) -> None:
    node = op.node
    if len(d_inputs) != len(node.inputs):
        raise PluginError(
            f"{node.name} ({node.type}) returned {len(d_inputs)} gradients for"
            f" {len(node.inputs)} inputs"
        )
    sources = zip(node.inputs, op.needs.inputs, node.in_shapes, d_inputs, strict=True)
    for source, wanted, shape, gradient in sources:
        if wanted and gradient is None:
            raise PluginError(
                f"{node.name} ({node.type}) gives no gradient of its input {source!r}, so nothing"
                ' before it can learn: say "trainable": false there'
            )
        if wanted:
            _require_gradient(node, f"input {source!r}", gradient, (samples, *shape))
    for name, param in node.layer.params.items():
        if name in op.needs.params:
            _require_gradient(node, f"parameter {name!r}", d_params.get(name), param.shape)


def _require_gradient(node: Node, of: str, gradient: Array | None, shape: Shape) -> None:
    if gradient is None or gradient.shape != shape:
        found = "none" if gradient is None else f"one of shape {gradient.shape}"
        raise PluginError(
            f"{node.name} ({node.type}) must return a gradient of shape {shape} for its {of};"
            f" it returned {found}"
        )
