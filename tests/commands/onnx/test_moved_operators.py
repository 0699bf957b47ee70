"""Operators before which a transpose is moved compute the same."""

from typing import Any

import numpy as np
import pytest

from .running import run

pytestmark = pytest.mark.extra

from tinynet.commands.onnx.assembly import assemble  # noqa: E402
from tinynet.commands.onnx.graph import GraphBuilder  # noqa: E402

X = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)
OTHER = np.arange(24, dtype=np.float32).reshape(4, 2, 3)

OPERATORS: dict[str, tuple[str, list[Any], dict[str, Any]]] = {
    "add": ("Add", [OTHER], {}),
    "gather": ("Gather", [[1, 0, 1]], {"axis": -2}),
    "gather one": ("Gather", [1], {"axis": 2}),
    "gather without axis": ("Gather", [[1, 0]], {}),
    "pad": ("Pad", [[0, 1, 2, 3, 0, 1]], {}),
    "pad with a number": ("Pad", [[0, 1, 2, 3, 0, 1], 7.0], {}),
    "slice": ("Slice", [[1], [2], [-1]], {}),
    "slice by steps": ("Slice", [[-1, 0], [-9, 9], [1, 0], [-1, 2]], {}),
    "slice without axes": ("Slice", [[1, 0, 0], [2, 1, 2]], {}),
    "softmax": ("Softmax", [], {"axis": 0}),
    "softmax without axis": ("Softmax", [], {}),
    "tile": ("Tile", [[1, 2, 3]], {}),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_after_a_transpose_computes_the_same(name: str) -> None:
    """Also if the transpose moves the batch, and a default axis is meant."""
    operator, constants, attributes = OPERATORS[name]
    results = []
    for fed, perm in ((X.transpose(2, 0, 1), None), (X, [2, 0, 1])):
        graph = GraphBuilder()
        x = graph.input("x", fed.shape[1:], fed.dtype)
        if perm is not None:
            x = graph.node("Transpose", x, perm=perm)
        y = graph.node(operator, x, *map(graph.constant, constants), **attributes)
        results.append(run(assemble(graph, {"y": graph.node("Relu", y)}), {"x": fed})["y"])
    np.testing.assert_array_equal(*results, strict=True)
