"""Assembly of an ONNX model from a graph."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import onnx
from onnx import checker, helper, numpy_helper

from tinynet import __version__
from tinynet.commands.onnx.graph import IR_VERSION, OPSET, GraphBuilder
from tinynet.commands.onnx.transposes import (
    needed_arrays,
    needed_operators,
    without_transposes,
)
from tinynet.errors import UsageError
from tinynet.types import Array

MAX_BYTES = (1 << 31) - (1 << 20)
"""The largest model that one file of ONNX can hold: a message of protobuf."""


def assemble(
    graph: GraphBuilder,
    outputs: Mapping[str, str],
    *,
    name: str = "tinynet",
    description: str = "",
    metadata: Mapping[str, str] | None = None,
) -> Any:
    """Return the model of a graph, checked by ONNX.

    Operators and constants that no output needs are left out, and so are transposes that cancel
    each other.

    Args:
        graph: The graph.
        outputs: The value of each output of the model, by the output's name.
        name: The name of the model.
        description: Text for people who read the model.
        metadata: Further texts by name.

    Raises:
        UsageError: for a model of more than 2 GB.
    """
    arrays = dict(graph.arrays)
    operators = needed_operators(_named(graph.operators, outputs), outputs)
    operators = without_transposes(operators, arrays, outputs, graph.known_shape)
    stored = {name: arrays[name] for name in needed_arrays(operators, arrays)}
    if (size := sum(array.nbytes for array in stored.values())) > MAX_BYTES:
        raise UsageError(
            f"the network has {size:,} bytes of parameters in float32; an ONNX file holds at most"
            f" {MAX_BYTES:,}"
        )
    made = helper.make_graph(
        operators,
        name,
        [helper.make_value_info(n, graph.type_of(n)) for n in graph.inputs],
        [helper.make_value_info(n, graph.type_of(value)) for n, value in outputs.items()],
        [_tensor(name, array) for name, array in stored.items()],
        doc_string=description,
    )
    model = helper.make_model(
        made,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="tinynet",
        producer_version=__version__,
    )
    helper.set_model_props(model, dict(metadata or {}))
    checker.check_model(model, full_check=True)
    return model


def _named(operators: Iterable[Any], outputs: Mapping[str, str]) -> list[Any]:
    """Return operators that compute the outputs under their own names."""
    made = {name for operator in operators for name in operator.output}
    renamed: dict[str, str] = {}
    copies = []
    for output, value in outputs.items():
        if value in made and value not in renamed:
            renamed[value] = output
        else:
            source = renamed.get(value, value)
            copies.append(helper.make_node("Identity", [source], [output], name=output))
    named = []
    for operator in operators:
        changed = onnx.NodeProto()
        changed.CopyFrom(operator)
        for names in (changed.input, changed.output):
            for place, name in enumerate(names):
                names[place] = renamed.get(name, name)
        named.append(changed)
    return named + copies


def _tensor(name: str, array: Array) -> Any:
    if array.dtype.kind in "UO":
        texts = [str(text).encode() for text in array.ravel().tolist()]
        return helper.make_tensor(name, onnx.TensorProto.STRING, array.shape, texts)
    return numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name)
