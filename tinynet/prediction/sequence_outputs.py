"""The output of a network at the last position of a sequence that becomes longer."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from tinynet.engine import layer_calls
from tinynet.engine.inputs import convert_inputs
from tinynet.engine.node import Node
from tinynet.engine.program import Program
from tinynet.kernels import Kernels
from tinynet.kernels.memory import Workspace
from tinynet.layer import Incremental
from tinynet.layer.context import Context, Needs
from tinynet.network.network import Network
from tinynet.types import Array


class SequenceOutputs(Protocol):
    """The output of a network for one sequence of indices.

    Attributes:
        any_length: True if a sequence may be longer than the window of the network.
    """

    any_length: bool

    def begin(self, length: int) -> None:
        """Begin a new sequence of at most ``length`` positions."""
        ...

    def append(self, indices: Sequence[int]) -> Array:
        """Append positions, and return the output at the last one, (1, 1, V).

        It is valid until the next call.
        """
        ...


class WholeWindows:
    """Computes a whole window for each output, with any causal network.

    Attributes:
        nodes: The nodes that the output depends on, in topological order.
        input: Name of the input.
        value: Name of the value that is the output.
        steps: Positions of a window, T.
    """

    any_length = False

    def __init__(self, network: Network, output: str) -> None:
        self.value = network.outputs[output]
        ((self.input, (self.steps,)),) = network.input_shapes.items()
        self.program = Program.of(
            network.nodes.values(),
            {output: self.value},
            (),
            network.input_shapes,
            network.dtype,
            network.kernels,
        )
        self.nodes = tuple(op.node for op in self.program.unfused)
        self._calls = Calls(self.nodes, network.kernels)
        self._indices: list[int] = []

    def begin(self, length: int) -> None:
        self._indices = []

    def append(self, indices: Sequence[int]) -> Array:
        self._indices += indices
        # A causal network computes the same at a position, whatever follows it.
        windows = np.resize(self._indices, (1, self.steps))
        last = len(self._indices) - 1
        return self.compute(windows)[self.value][:, last : last + 1]

    def compute(self, windows: Array) -> dict[str, Array]:
        """Return all values by name, for windows of indices (N, T), until the next call."""
        values = self.converted(windows)
        for node, ctx in self._calls.begin():
            sources = [values[source] for source in node.inputs]
            outputs, _ = layer_calls.forward(node, ctx, sources)
            values.update(zip(node.values, outputs, strict=True))
        return values

    def converted(self, indices: Array) -> dict[str, Array]:
        """Return indices (N, T) as the input of the network, by its name."""
        program = self.program
        return convert_inputs({self.input: indices}, program.dtype, program.index_inputs)


MAX_POSITIONS = 256
"""Most positions that are computed at once, which bounds the memory for a long text."""


class SinglePositions:
    """Computes each position once, with layers that can.

    The positions that are appended together are computed together, where the layers can.

    Attributes:
        nodes: The nodes for one position; see `tinynet.network.one_position`.
    """

    def __init__(self, whole: WholeWindows, nodes: Sequence[Node]) -> None:
        self.nodes = tuple(nodes)
        self.any_length = all(
            getattr(node.layer, "any_length", False)
            for node in nodes
            if isinstance(node.layer, Incremental)
        )
        self._whole = whole
        self._calls = Calls(nodes, whole.program.kernels)
        self._caches: dict[str, Any] = {}
        self._position = 0

    def begin(self, length: int) -> None:
        self._caches = {
            node.name: layer_calls.start_cache(node, 1, length)
            for node in self.nodes
            if isinstance(node.layer, Incremental)
        }
        self._position = 0

    def append(self, indices: Sequence[int]) -> Array:
        for start in range(0, len(indices), MAX_POSITIONS):
            values = self._whole.converted(np.array([indices[start : start + MAX_POSITIONS]]))
            for node, ctx in self._calls.begin():
                sources = [values[source] for source in node.inputs]
                outputs = next_positions(node, ctx, self._caches, self._position, sources)
                values.update(zip(node.values, outputs, strict=True))
            output = values[self._whole.value]
            self._position += output.shape[1]
        return output[:, -1:]


class Calls:
    """Contexts for the layers of nodes in evaluation, in memory that is used again."""

    def __init__(self, nodes: Iterable[Node], kernels: Kernels) -> None:
        self._workspace = Workspace()
        self._calls = [
            (
                node,
                Context(
                    needs=Needs((), frozenset()),
                    keep=False,
                    kernels=kernels,
                    node=node.name,
                    workspace=self._workspace,
                ),
            )
            for node in nodes
        ]

    def begin(self) -> Iterator[tuple[Node, Context]]:
        """Return each node with its context; results of earlier calls are no longer valid."""
        self._workspace.reset()
        return iter(self._calls)


def next_positions(
    node: Node, ctx: Context, caches: Mapping[str, Any], position: int, inputs: Sequence[Array]
) -> layer_calls.Outputs:
    """Return the outputs of a node for some positions, (N, P, *out_shape[1:]) each.

    Args:
        node: The node, with the shapes of one position.
        ctx: The context of the call.
        caches: The caches of incremental layers, by the names of their nodes.
        position: The first of the positions.
        inputs: (N, P, *in_shape[1:]) each.
    """
    samples, count = inputs[0].shape[:2]
    if node.name not in caches:
        if count == 1:
            return layer_calls.forward(node, ctx, inputs)[0]
        # The layer treats all positions alike: they become samples of one position.
        singles = [x.reshape(samples * count, 1, *x.shape[2:]) for x in inputs]
        outputs, _ = layer_calls.forward(node, ctx, singles)
        return tuple(y.reshape(samples, count, *y.shape[2:]) for y in outputs)
    cache = caches[node.name]
    if count == 1 or takes_several_positions(node):
        return layer_calls.forward_next(node, ctx, cache, position, inputs)
    parts = []
    for index in range(count):
        now = [x[:, index : index + 1] for x in inputs]
        returned = layer_calls.forward_next(node, ctx, cache, position + index, now)
        # Copied, since the layer may return an array that its next call changes.
        parts.append([np.array(y) for y in returned])
    return tuple(np.concatenate(ys, axis=1) for ys in zip(*parts, strict=True))


def takes_several_positions(node: Node) -> bool:
    """Return True if `forward_next` of the node's layer takes several positions."""
    return bool(getattr(node.layer, "several_positions", False))
