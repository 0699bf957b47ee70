"""Operators that reduce axes."""

from collections.abc import Callable
from typing import Any

from .cases import Case
from .plan import Node, NotRepresentable, Plan, chain


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


STEPS: dict[str, Node] = {
    "absolute": {"type": "absolute"},
    "exponential": {"type": "exponential"},
    "log": {"type": "log"},
    "root": {"type": "power", "exponent": 0.5},
    "square": {"type": "power", "exponent": 2},
}


def composed(steps: list[str]) -> Callable[[Case], Plan]:
    """Return the function that plans a case as a sum, and functions before and after it."""

    def plan(case: Case) -> Plan:
        x, y, node = _reduction(case, "reduce_sum")
        return chain(x, [node if step == "sum" else STEPS[step] for step in steps], y)

    return plan


def plan_cumulative_sum(case: Case) -> Plan:
    layer = {
        "type": "cumulative_sum",
        "axis": int(case.input(1)) % case.x.ndim + 1,
        "exclusive": bool(case.get("exclusive", 0)),
        "reverse": bool(case.get("reverse", 0)),
    }
    return chain(case.x[None], [layer], case.y[None])
