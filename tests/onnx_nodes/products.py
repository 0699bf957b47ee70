"""Products of matrices."""

import numpy as np

from .cases import Case
from .plan import NotRepresentable, Plan, chain, merge


def plan_matmul(case: Case) -> Plan:
    a, b, y = case.x, case.input(1), case.y
    if a.ndim == b.ndim == 1:
        layers = [
            {"type": "dot", "name": "product", "inputs": ["input:a", "input:b"]},
            {"type": "squeeze", "name": "y", "axis": -1},
        ]
        return Plan({"a": a[None], "b": b[None]}, layers, {"y": y[None]})
    # A vector is a matrix of one row or column, whose axis the product loses.
    left = a[None] if a.ndim == 1 else a
    right = b[:, None] if b.ndim == 1 else b
    product = {"type": "matmul", "name": "product", "inputs": ["input:a", "input:b"]}
    inputs = {"a": left[None], "b": right[None]}
    if a.ndim == 1 or b.ndim == 1:
        squeeze = {"type": "squeeze", "name": "y", "axis": -2 if a.ndim == 1 else -1}
        return Plan(inputs, [product, squeeze], {"y": y[None]})
    if a.ndim == b.ndim > 2 and len(a) == len(b):
        return merge([a, b], {"type": "matmul"}, y)
    return Plan(inputs, [product], {"product": y[None]})


def plan_gemm(case: Case) -> Plan:
    """Return `dense`, whose weight is alpha * B, and whose bias is beta * C."""
    a, b, c = case.x, case.input(1), case.input(2)
    rows = a.T if case.get("transA") else a
    weight = case.get("alpha", 1.0) * (b.T if case.get("transB") else b)
    dense = {"type": "dense", "units": weight.shape[1], "use_bias": c is not None}
    if c is None:
        return chain(rows, [dense], case.y, {"y/weight": weight})
    shift = case.get("beta", 1.0) * c
    if shift.ndim == 2 and len(shift) > 1:
        layers = [
            {**dense, "name": "product", "inputs": "input:a", "use_bias": False},
            {"type": "add", "name": "y", "inputs": ["product", "input:c"]},
        ]
        params = {"product/weight": weight}
        return Plan({"a": rows, "c": shift}, layers, {"y": case.y}, params)
    bias = np.broadcast_to(shift.reshape(-1), weight.shape[1:])
    return chain(rows, [dense], case.y, {"y/weight": weight, "y/bias": bias})


def plan_einsum(case: Case) -> Plan:
    equation = case.get("equation").replace(" ", "")
    if equation == "ij->ji":
        return chain(case.x[None], [{"type": "permute", "dims": [2, 1]}], case.y[None])
    if equation == "ij->i":
        return chain(case.x, [{"type": "reduce_sum"}], case.y)
    if equation == "i,i" or equation == "bij,bjk->bik":
        return plan_matmul(case)
    if equation == "...ii->...i":
        raise NotRepresentable("the diagonal of a matrix, which no layer takes")
    if equation == "->":
        raise NotRepresentable("a tensor of rank 0 that nothing is computed from")
    raise AssertionError(f"the equation {equation} is new")
