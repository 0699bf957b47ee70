"""Networks exported to ONNX and run by onnxruntime."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the package onnx is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from tinynet.commands.onnx.assembly import assemble  # noqa: E402
from tinynet.commands.onnx.graph import GraphBuilder  # noqa: E402
from tinynet.commands.onnx.network import add_network  # noqa: E402


def exported(network: Any) -> Any:
    """Return the ONNX model of a network alone, without preprocessing and predictions."""
    graph = GraphBuilder()
    indices = network.program.index_inputs
    inputs = {
        name: graph.input(name, shape, np.int64 if name in indices else np.float32)
        for name, shape in network.input_shapes.items()
    }
    return assemble(graph, add_network(graph, network, inputs))


def run(model: Any, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the outputs of an ONNX model, by name."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


def operators(model: Any) -> list[str]:
    """Return the types of the operators of a model, in order."""
    return [node.op_type for node in model.graph.node]


def transformed(transform: Any, field: Any, samples: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return samples after a transform in evaluation: by the exported model, and by itself."""
    batch = np.asarray(samples, field.dtype)
    state = transform.fit(field, iter([batch]))
    graph = GraphBuilder()
    x = graph.input("x", field.shape, field.dtype)
    model = assemble(graph, {"y": transform.to_onnx(graph, state, field, x)})
    return run(model, {"x": batch})["y"], transform.apply(state, batch, refused, False)


def refused(sample: int) -> Any:
    """Refuse random numbers."""
    raise AssertionError("random numbers outside of training")
