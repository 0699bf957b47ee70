"""ONNX Runtime's side: inference of a model that is built node by node."""

from collections.abc import Callable, Iterator

import onnx
import onnxruntime
from onnx import helper, numpy_helper

from versus.networks import CLASSES, Array, Node, batch_of, nodes_of

OPSET, IR_VERSION = 17, 8
"""Old enough for every recent runtime."""


def infer(network: str, batch: int, *, threads: int, dropout: bool) -> Callable[[], Array]:
    """Return a function that computes the logits."""
    x, _ = batch_of(network, batch)
    if x.ndim == 4:
        x = x.transpose(0, 3, 1, 2).copy()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model(network, x.shape).SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    feed = {"x": x}
    return lambda: session.run(None, feed)[0]


def model(network: str, shape: tuple[int, ...]) -> onnx.ModelProto:
    """Return the network as an ONNX model, channels first, without dropout."""
    operations, arrays, name = [], {}, "x"
    for node in nodes_of(network, dropout=False):
        constants = dict(_arrays(node))
        arrays |= {f"{node.name}/{key}": array for key, array in constants.items()}
        inputs = [name, *(f"{node.name}/{key}" for key in constants)]
        operations.append(_operation(node, inputs))
        name = node.name
    graph = helper.make_graph(
        operations,
        network,
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, (shape[0], CLASSES))],
        [numpy_helper.from_array(array, key) for key, array in arrays.items()],
    )
    made = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
    onnx.checker.check_model(made)
    return made


def _arrays(node: Node) -> Iterator[tuple[str, Array]]:
    """Return a node's parameters in ONNX's layout and order."""
    if node.type == "conv2d":
        yield "weight", node.params["weight"].transpose(3, 2, 0, 1).copy()
        yield "bias", node.params["bias"]
    elif node.type == "dense":
        yield "weight", node.channels_first_weight
        yield "bias", node.params["bias"]


def _operation(node: Node, inputs: list[str]) -> onnx.NodeProto:
    def make(operator: str, **attributes: object) -> onnx.NodeProto:
        return helper.make_node(operator, inputs, [node.name], **attributes)

    match node.type:
        case "conv2d" if node.options.get("padding", "valid") == "valid":
            return make("Conv")
        case "max_pool2d":
            size = [node.options["pool_size"]] * 2
            return make("MaxPool", kernel_shape=size, strides=size)
        case "dense":
            return make("Gemm")
        case "flatten":
            return make("Flatten")
        case "relu":
            return make("Relu")
    raise ValueError(f"ONNX's side knows no layer {node.type!r} of this kind")
