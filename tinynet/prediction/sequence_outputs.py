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


class SinglePositions:
    """Computes one position for each output, with layers that can.

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
        for index in indices:
            values = self._whole.converted(np.array([[index]]))
            for node, ctx in self._calls.begin():
                sources = [values[source] for source in node.inputs]
                outputs = next_position(node, ctx, self._caches, self._position, sources)
                values.update(zip(node.values, outputs, strict=True))
            self._position += 1
        return values[self._whole.value]


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


def next_position(
    node: Node, ctx: Context, caches: Mapping[str, Any], position: int, inputs: Sequence[Array]
) -> layer_calls.Outputs:
    """Return the outputs of a node for one position, (N, 1, *out_shape[1:]) each.

    ``caches`` holds those of the incremental layers, by the names of their nodes.
    """
    if node.name in caches:
        return layer_calls.forward_next(node, ctx, caches[node.name], position, inputs)
    return layer_calls.forward(node, ctx, inputs)[0]
