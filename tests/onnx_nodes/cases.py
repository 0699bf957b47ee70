"""The test cases of ONNX's operators, from the package `onnx`."""

import functools
import warnings
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Case:
    """One node with its inputs and the outputs that ONNX expects.

    Attributes:
        name: The name of the case, ``conv_with_strides_padding``.
        operator: The operator, ``Conv``.
        attributes: The node's attributes by name; bytes are decoded.
        inputs: The node's inputs in their order; None for an omitted one.
        outputs: The node's outputs likewise.
        rtol: The relative tolerance that ONNX sets.
        atol: The absolute tolerance that ONNX sets.
        opset: The version of the operators.
    """

    name: str
    operator: str
    attributes: dict[str, Any]
    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]
    rtol: float
    atol: float
    opset: int

    @property
    def x(self) -> Any:
        """The first input."""
        return self.inputs[0]

    @property
    def y(self) -> Any:
        """The first output."""
        return self.outputs[0]

    def input(self, index: int) -> Any:
        """Return an input; None if the node has none of this number."""
        return self.inputs[index] if index < len(self.inputs) else None

    def output(self, index: int) -> Any:
        """Return an output; None if the node has none of this number."""
        return self.outputs[index] if index < len(self.outputs) else None

    def get(self, name: str, default: Any = None) -> Any:
        """Return an attribute."""
        return self.attributes.get(name, default)


@functools.cache
def cases_by_operator() -> dict[str, list[Case]]:
    """Return all cases of single nodes by operator.

    They are those that the package generates, and those of PyTorch's layers and operators that it
    holds as files. Generated cases that end in ``_expanded`` are left out: they have the same
    inputs and outputs as others, and state the operator as a graph of simpler ones.
    """
    cases = defaultdict(list)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for case in [*_generated(), *_stored()]:
            cases[case.operator].append(case)
    return dict(cases)


def _generated() -> Iterator[Case]:
    from onnx.backend.test.case.node import collect_testcases

    state = np.random.get_state()
    np.random.seed(0)
    collected = collect_testcases(None)
    np.random.set_state(state)
    for test in collected:
        nodes = test.model.graph.node
        if len(nodes) == 1 and "_expanded" not in test.name:
            ((inputs, outputs),) = test.data_sets
            yield _case(test, test.model, inputs, outputs)


def _stored() -> Iterator[Case]:
    import onnx
    from onnx.backend.test.loader import load_model_tests
    from onnx.numpy_helper import to_array

    def read(path: Path) -> Any:
        return to_array(onnx.TensorProto.FromString(path.read_bytes()))

    for kind in ("pytorch-converted", "pytorch-operator"):
        for test in sorted(load_model_tests(kind=kind), key=lambda test: test.name):
            folder = Path(test.model_dir)
            model = onnx.load(folder / "model.onnx")
            graph = model.graph
            if len(graph.node) > 1:
                continue
            values = {tensor.name: to_array(tensor) for tensor in graph.initializer}
            names = [value.name for value in graph.input if value.name not in values]
            (data,) = folder.glob("test_data_set_*")
            values |= {name: read(data / f"input_{i}.pb") for i, name in enumerate(names)}
            outputs = [read(data / f"output_{i}.pb") for i in range(len(graph.output))]
            yield _case(test, model, [values[name] for name in graph.node[0].input], outputs)


def _case(test: Any, model: Any, inputs: Any, outputs: Any) -> Case:
    from onnx.helper import get_attribute_value

    (node,) = model.graph.node
    opset = next(entry.version for entry in model.opset_import if entry.domain == node.domain)
    attributes = {a.name: get_attribute_value(a) for a in node.attribute}
    return Case(
        name=test.name.removeprefix("test_"),
        operator=node.op_type,
        attributes={
            name: value.decode() if isinstance(value, bytes) else value
            for name, value in attributes.items()
        },
        inputs=_aligned(node.input, inputs),
        outputs=_aligned(node.output, outputs),
        rtol=test.rtol,
        atol=test.atol,
        opset=opset,
    )


def _aligned(names: Any, values: Any) -> tuple[Any, ...]:
    """Return a value for each name; None for an empty name, which stands for an omitted value."""
    present = iter(values)
    return tuple(next(present) if name else None for name in names)
