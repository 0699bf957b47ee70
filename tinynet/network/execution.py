"""One trip of a batch through a graph, and back.

The pass owns what the trip needs: the values still wanted by somebody, and the caches. Each is
dropped as soon as nobody wants it any more.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tinynet.context import Context, Needs
from tinynet.errors import TinynetError
from tinynet.kernels import Kernels
from tinynet.layer import Buffered, Cache
from tinynet.memory import Workspace
from tinynet.network import calls
from tinynet.network.node import Node
from tinynet.types import Array


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
        carries[node.name] = any(inputs) or bool(node.trainable_params)
        buffered = isinstance(node.layer, Buffered)
        operations.append(
            Operation(
                node,
                Needs(inputs, node.trainable_params),
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
        outputs: What each output gives, (N, *out_shape), by name; valid until the workspace is
            reset.
    """

    def __init__(
        self,
        operations: Sequence[Operation],
        inputs: Mapping[str, Array],
        outputs: Mapping[str, str],
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
            outputs: The node that gives each output, by the output's name.
            training: Whether `backward` may follow; if not, nothing is kept.
            kernels: What to compute with.
            key: Key of the random streams.
            first_sample: Position in the batch of the first sample; part of that key.
            workspace: Where large arrays come from.
            observe: Called with each node and its output.

        Raises:
            PluginError: if a layer fails, or its output is not what it announced.
        """
        self._operations = operations
        self._outputs = outputs
        self._workspace = workspace
        self._contexts: dict[str, Context] = {}
        self._caches: dict[str, Cache] = {}
        self._uncommitted: list[tuple[Node, Cache]] = []
        values = dict(inputs)
        waiting = Counter(source for op in operations for source in op.node.inputs)
        waiting.update(outputs.values())
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
            y, cache = calls.forward(node, ctx, [values[source] for source in node.inputs])
            if observe is not None:
                observe(node, y)
            if training and op.backward:
                self._contexts[node.name], self._caches[node.name] = ctx, cache
            if training and op.commits:
                self._uncommitted.append((node, cache))
            values[node.name] = y
            for source in node.inputs:
                waiting[source] -= 1
                if not waiting[source]:
                    del values[source]
        self.outputs = {name: values[node] for name, node in outputs.items()}

    def backward(self, d_outputs: Mapping[str, Array]) -> dict[str, Array]:
        """Gradients of every trainable parameter, by address (``conv2d_1/weight``).

        Args:
            d_outputs: Gradient of each output, (N, *out_shape), by name.

        Raises:
            PluginError: if a layer fails, or does not return the gradients that it was asked for.
            TinynetError: if it was called before, or the pass is none of training, or an output
                has no gradient.
        """
        if not self._contexts and any(op.backward for op in self._operations):
            raise TinynetError("backward can follow a pass in training mode, once")
        if missing := self._outputs.keys() - d_outputs.keys():
            raise TinynetError(f"no gradient of the output(s) {', '.join(sorted(missing))}")
        flowing: dict[str, Array] = {}
        owned: set[str] = set()
        for output, node_name in self._outputs.items():
            if node_name in self._contexts:  # else nothing that leads to it is trained
                self._add(flowing, node_name, d_outputs[output], owned)
        grads: dict[str, Array] = {}
        for op in reversed(self._operations):
            node = op.node
            if not op.backward:
                continue
            ctx, cache = self._contexts.pop(node.name), self._caches.pop(node.name)
            d_inputs, d_params = calls.backward(node, ctx, op.needs, cache, flowing.pop(node.name))
            for name in node.layer.params:
                if name in op.needs.params:
                    self._add(grads, f"{node.owner}/{name}", d_params[name], owned)
            for source, wanted, d_input in zip(node.inputs, op.needs.inputs, d_inputs, strict=True):
                if wanted and d_input is not None:
                    self._add(flowing, source, d_input, owned)
        return grads

    def commit(self) -> None:
        """Let layers with running statistics take in this pass, in topological order."""
        for node, cache in self._uncommitted:
            calls.commit(node, cache)
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
