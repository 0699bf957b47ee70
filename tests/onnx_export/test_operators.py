"""ONNX's own test cases of its operators, computed by networks that are exported to ONNX again."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from ..onnx_nodes.cases import cases_by_operator
from ..onnx_nodes.operators import OPERATORS
from ..onnx_nodes.plan import NotRepresentable, Plan, prepared

pytestmark = pytest.mark.oracle

pytest.importorskip("onnx", reason="the package onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from .comparison import assert_exported_network_is_equal  # noqa: E402

ROUNDING = float(np.finfo(np.float32).eps)


def plans(operator: str) -> list[tuple[str, Plan]]:
    """Return the networks that compute the cases of an operator, with the names of the cases."""
    found = []
    for case in cases_by_operator()[operator]:
        try:
            plan = OPERATORS[operator](prepared(case))
        except NotRepresentable:
            continue
        if isinstance(plan, Plan) and _are_moderate(
            [*plan.inputs.values(), *plan.outputs.values()]
        ):
            found.append((case.name, plan))
    return found


def _are_moderate(arrays: Iterable[Any]) -> bool:
    """Return True if all numbers exist in float32: NaN, too, is none."""
    return all(np.all(np.abs(np.asarray(array, np.float64)) < 1e30) for array in arrays)


@pytest.mark.parametrize("operator", OPERATORS)
def test_networks_of_an_operator_compute_the_same_in_onnxruntime(operator: str) -> None:
    for name, plan in plans(operator):
        network = plan.network("float32")
        inputs = {
            key: np.asarray(plan.inputs[key.removeprefix("input:")]) for key in network.input_shapes
        }
        try:
            # Some outputs are small differences of numbers around 1.
            assert_exported_network_is_equal(network, inputs, rounding=ROUNDING)
        except Exception as error:
            error.add_note(f"in the case {name}")
            raise
