"""Recurrent layers as operators of ONNX."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinynet.builtin.layers._merge_modes import MergeMode
from tinynet.builtin.layers._onnx import sliced
from tinynet.layer import Array, OnnxGraph


@dataclass(frozen=True)
class RecurrentOperator:
    """The operator of a recurrent layer.

    Attributes:
        name: Its name in ONNX.
        gates: For each gate of ONNX in order, its number in the layer.
        attributes: Its attributes besides size and direction.
    """

    name: str
    gates: tuple[int, ...]
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class OnnxDirection:
    """A pass over the sequences in one direction, as operators of ONNX.

    Attributes:
        graph: The graph.
        operator: The operator.
        params: The parameters of the layer.
        prefix: That of this direction's parameters.
        reverse: True to process the last time step first; outputs keep the order of the input.
    """

    graph: OnnxGraph
    operator: RecurrentOperator
    params: Mapping[str, Array]
    prefix: str
    reverse: bool

    def run(
        self, x: str, mask: str | None, initial: tuple[str, ...]
    ) -> tuple[str, tuple[str, ...]]:
        """Return the state after each step, (N, T, U), and the states after the last, (N, U) each.

        Args:
            x: The sequences, (N, T, C).
            mask: (N, T), or None. Where it is 0, the states stay as they are.
            initial: The states before the first step, (N, U) each; without a mask, "" for zeros.
        """
        if mask is None:
            return self._run(x, "", initial, self.reverse)
        if not self.reverse:
            return self._run_masked(x, mask, initial)
        y, states = self._run_masked(flipped(self.graph, x), flipped(self.graph, mask), initial)
        return flipped(self.graph, y), states

    def _run(
        self, x: str, lengths: str, initial: tuple[str, ...], reverse: bool
    ) -> tuple[str, tuple[str, ...]]:
        """Run the operator, for which time is the first axis, and directions are another one."""
        graph = self.graph
        bias = self._bias()
        y, *last = graph.nodes(
            self.operator.name,
            graph.node("Transpose", x, perm=[1, 0, 2]),
            self._weight("weight"),
            self._weight("recurrent_weight"),
            "" if bias is None else graph.param(f"{self.prefix}bias", bias),
            lengths,
            *(state and graph.node("Unsqueeze", state, graph.constant([0])) for state in initial),
            outputs=1 + len(initial),
            hidden_size=self._units,
            direction="reverse" if reverse else "forward",
            **self.operator.attributes,
        )
        steps = graph.node("Squeeze", y, graph.constant([1]))
        states = tuple(graph.node("Squeeze", state, graph.constant([0])) for state in last)
        return graph.node("Transpose", steps, perm=[1, 0, 2]), states

    def _run_masked(
        self, x: str, mask: str, initial: tuple[str, ...]
    ) -> tuple[str, tuple[str, ...]]:
        """Run the operator on the steps that count, moved to the start of each sequence.

        ONNX knows no mask, but the length of each sequence. The state after a step is then that
        after as many of those steps as have been until then; after none it is the initial one.
        """
        graph = self.graph
        (steps,) = graph.shape_of(mask)
        counts = graph.node("GreaterOrEqual", mask, graph.constant(0.5))
        ones = graph.cast(counts, np.int64)
        # Distinct numbers, so that the order of the steps that count is kept.
        keys = graph.node("Mul", ones, graph.constant(steps))
        keys = graph.node("Add", keys, graph.constant(np.arange(steps)[::-1]))
        _, order = graph.nodes("TopK", keys, graph.constant([steps]), outputs=2, axis=1)
        moved = _selected_steps(graph, x, order)
        lengths = graph.node("ReduceSum", ones, graph.constant([1]), keepdims=0)
        state, *others = initial
        # Only the last cell of an LSTM depends on the lengths.
        known = graph.cast(lengths, np.int32) if others else ""
        y, (_, *last) = self._run(moved, known, initial, False)

        before = graph.node("Unsqueeze", state, graph.constant([1]))
        until = graph.node("CumSum", ones, graph.constant(1))
        y = _selected_steps(graph, graph.node("Concat", before, y, axis=1), until)
        final = graph.node("Gather", y, graph.constant(steps - 1), axis=1)
        is_empty = graph.node("Equal", lengths, graph.constant(0))
        is_empty = graph.node("Unsqueeze", is_empty, graph.constant([1]))
        cells = zip(others, last, strict=True)
        return y, (final, *(graph.node("Where", is_empty, old, new) for old, new in cells))

    @property
    def _units(self) -> int:
        return len(self.params[f"{self.prefix}recurrent_weight"])

    def _weight(self, name: str) -> str:
        """Return a weight as the operator takes it: (I, G * U) -> (1, G * U, I)."""
        weight = self.params[self.prefix + name]
        return self.graph.param(self.prefix + name, self._ordered(weight.T)[None])

    def _bias(self) -> Array | None:
        """Return both biases of each gate, (1, 2 * G * U): the second is that of the state."""
        bias = self.params.get(f"{self.prefix}bias")
        if bias is None:
            return None
        both = bias if bias.ndim == 2 else np.stack([bias, np.zeros_like(bias)])
        return np.concatenate([self._ordered(rows) for rows in both])[None]

    def _ordered(self, rows: Array) -> Array:
        """Return the rows of all gates, (G * U, ...), in the order of ONNX."""
        gates = rows.reshape(len(self.operator.gates), self._units, *rows.shape[1:])
        return gates[list(self.operator.gates)].reshape(rows.shape)


def flipped(graph: OnnxGraph, x: str) -> str:
    """Return sequences (N, T, ...) in the reverse order of time steps."""
    return sliced(graph, x, 1, graph.shape_of(x)[0] - 1, -1, -1)


def merged(graph: OnnxGraph, mode: MergeMode, parts: Sequence[str]) -> str:
    """Add the operators of `_merge_modes.merge`."""
    if len(parts) == 1:
        return parts[0]
    if mode == "concat":
        return graph.node("Concat", *parts, axis=-1)
    y = graph.node("Mul" if mode == "mul" else "Add", *parts)
    return graph.node("Mul", y, graph.constant(0.5)) if mode == "ave" else y


def _selected_steps(graph: OnnxGraph, x: str, steps: str) -> str:
    """Return the time steps of x (N, T, F) that ``steps`` (N, S) selects: (N, S, F)."""
    indices = graph.node("Unsqueeze", steps, graph.constant([2]))
    return graph.node("GatherND", x, indices, batch_dims=1)
