"""Networks that compute a case of ONNX, and their run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol

import numpy as np

import tinynet

from .cases import Case

Node = dict[str, Any]


class NotRepresentable(Exception):  # noqa: N818 - not an error
    """The reason why tinynet cannot represent a case."""


class Result(NamedTuple):
    """A value that was computed, and the one that ONNX expects."""

    name: str
    actual: Any
    expected: Any


class Check(Protocol):
    """A computation of a case by tinynet."""

    def results(self, dtype: str) -> list[Result]:
        """Return every output that ONNX expects, computed in a dtype."""
        ...


@dataclass(frozen=True)
class Plan:
    """A network that computes a case.

    Attributes:
        inputs: The inputs by name, (N, ...), in tinynet's layout; an only one is called ``input``.
        layers: The nodes of the network.
        outputs: The expected outputs, (N, ...), by the node that computes them.
        params: The parameters and buffers by address.
        training: True to compute in training mode.
        buffers: The expected buffers by address, after a step in training mode.
    """

    inputs: Mapping[str, Any]
    layers: Sequence[Node]
    outputs: Mapping[str, Any]
    params: Mapping[str, Any] = field(default_factory=dict)
    training: bool = False
    buffers: Mapping[str, Any] = field(default_factory=dict)

    def network(self, dtype: str) -> tinynet.Network:
        """Return the network, built from a spec, with its parameters."""
        shapes = {name: x.shape[1:] for name, x in self.inputs.items()}
        network = tinynet.Network(
            {
                "input_shape": shapes["input"] if shapes.keys() == {"input"} else shapes,
                "layers": list(self.layers),
                "outputs": {f"output_{i}": node for i, node in enumerate(self.outputs)},
                "dtype": dtype,
            }
        )
        arrays = {**network.params, **network.buffers}
        assert arrays.keys() == self.params.keys(), "a parameter of the network has no value"
        for address, array in arrays.items():
            value = np.asarray(self.params[address])
            assert array.shape == value.shape, f"{address} has the shape {array.shape}"
            array[...] = value
        return network

    def results(self, dtype: str) -> list[Result]:
        """Return the outputs of the network, and the buffers after a step."""
        network = self.network(dtype)
        computed = self._computed(network)
        results = [
            Result(node, computed[f"output_{i}"], expected)
            for i, (node, expected) in enumerate(self.outputs.items())
        ]
        assert all(result.actual.dtype == dtype for result in results)
        buffers = self.buffers.items()
        return results + [Result(name, network.buffers[name], value) for name, value in buffers]

    def _computed(self, network: tinynet.Network) -> Mapping[str, Any]:
        if not self.training:
            return network.predict_outputs(self.inputs)
        shard = network.forward(self.inputs, training=True)
        shard.commit()
        return shard.outputs


def chain(x: Any, layers: Sequence[Node], y: Any, params: Mapping[str, Any] | None = None) -> Plan:
    """Return the plan of layers that follow each other.

    Args:
        x: The only input, (N, ...).
        layers: The layers; the last one gets the name ``y``.
        y: The expected output, (N, ...).
        params: The parameters by address.
    """
    *before, last = layers
    return Plan({"input": x}, [*before, {"name": "y", **last}], {"y": y}, params or {})


def merge(inputs: Sequence[Any], layer: Node, y: Any) -> Plan:
    """Return the plan of one layer with several inputs."""
    named = {f"x{i}": x for i, x in enumerate(inputs)}
    node = {"name": "y", "inputs": [f"input:{name}" for name in named], **layer}
    return Plan(named, [node], {"y": y})


def batched(case: Case) -> tuple[Any, Any]:
    """Return the first input and output; the first axis is the batch if there is another one."""
    if case.x.ndim > 1:
        return case.x, case.y
    return case.x[None], case.y[None]


def channels_last(array: Any) -> Any:
    """Return (N, ..., C) from (N, C, ...)."""
    return np.moveaxis(array, 1, -1)


def affine(name: str, rank: int, factor: float, shift: float = 0.0) -> tuple[Node, dict[str, Any]]:
    """Return a node that computes factor * x + shift, and its parameters.

    Args:
        name: The name of the node.
        rank: The number of axes of a sample.
        factor: The factor.
        shift: The summand.
    """
    node = {"type": "scale", "name": name, "axis": [], "center": True}
    ones = np.ones((1,) * rank)
    return node, {f"{name}/gamma": ones * factor, f"{name}/beta": ones * shift}


SELECTING = {"Clip", "Max", "MaxPool", "Min", "Pad"}
"""Operators whose outputs are numbers of their inputs: whole numbers are converted for them."""


def prepared(case: Case) -> Case:
    """Return a case in a dtype that tinynet computes in.

    Raises:
        NotRepresentable: if it has another dtype, or no tensors, or a tensor without elements.
    """
    values = [value for value in (*case.inputs, *case.outputs) if value is not None]
    if not all(isinstance(value, np.ndarray | np.generic) for value in values):
        raise NotRepresentable("a sequence, or a value that may be missing, instead of a tensor")
    outputs = [value for value in case.outputs if value is not None]
    if len(outputs) == 1 and case.operator in SELECTING and outputs[0].dtype.kind in "iu":
        case = replace(
            case,
            inputs=tuple(value if value is None else _as_float(value) for value in case.inputs),
            outputs=tuple(_as_float(value) for value in case.outputs),
        )
        outputs = [case.y]
    for index, value in enumerate(outputs):
        if value.dtype.name not in ("float32", "float64"):
            which = "a second" if index else "an"
            raise NotRepresentable(f"{which} output of {_dtype_name(value.dtype)}")
    if case.x.size == 0:
        raise NotRepresentable("an input without elements")
    if any(value.size == 0 for value in outputs):
        raise NotRepresentable("an output without elements")
    return case


def _as_float(value: Any) -> Any:
    converted = np.asarray(value, np.float64)
    assert (converted == value).all()
    return converted


def _dtype_name(dtype: np.dtype[Any]) -> str:
    """Return the name of a dtype, the same for all integers."""
    if dtype.kind in "iu":
        return "integers"
    return {"bool": "booleans", "object": "strings"}.get(dtype.name, dtype.name)


def compare(case: Case, plan: Callable[[Case], Check]) -> None:
    """Compare what tinynet computes with the outputs of a case, with ONNX's tolerances.

    Raises:
        NotRepresentable: if tinynet does not compute it.
        AssertionError: if the results differ.
    """
    case = prepared(case)
    dtype = next(value.dtype.name for value in case.outputs if value is not None)
    for name, actual, expected in plan(case).results(dtype):
        np.testing.assert_equal(np.shape(actual), np.shape(expected), err_msg=name)
        np.testing.assert_allclose(actual, expected, case.rtol, case.atol, err_msg=name)
