"""Operators that reduce axes."""

from collections.abc import Callable
from typing import Any

from .cases import Case
from .plan import Node, NotRepresentable, Plan, absolute, chain


def _reduction(case: Case, layer: str) -> tuple[Any, Any, Node]:
    """Return the input and the output, both with a batch axis, and the node that reduces axes."""
    axes = case.get("axes", case.input(1))
    keepdims = bool(case.get("keepdims", 1))
    node = {"type": layer, "keepdims": keepdims}
    if axes is None or not len(axes):
        if case.get("noop_with_empty_axes", 0):
            raise NotRepresentable("no axis to reduce: nothing to compute")
        return case.x[None], case.y[None], node
    axes = [int(axis) % case.x.ndim for axis in axes]
    if 0 in axes:
        return case.x[None], case.y[None], {**node, "axes": [axis + 1 for axis in axes]}
    return case.x, case.y, {**node, "axes": axes}


def reduce(layer: str) -> Callable[[Case], Plan]:
    """Return the function that plans a case as one layer."""

    def plan(case: Case) -> Plan:
        x, y, node = _reduction(case, layer)
        return chain(x, [node], y)

    return plan


def plan_l1(case: Case) -> Plan:
    x, y, node = _reduction(case, "reduce_sum")
    nodes, params = absolute(x.ndim - 1)
    return chain(x, [*nodes, node], y, params)


def plan_l2(case: Case) -> Plan:
    x, y, node = _reduction(case, "reduce_sum")
    square, root = ({"type": "power", "exponent": exponent} for exponent in (2, 0.5))
    return chain(x, [square, node, root], y)


def plan_sum_square(case: Case) -> Plan:
    x, y, node = _reduction(case, "reduce_sum")
    return chain(x, [{"type": "power", "exponent": 2}, node], y)
