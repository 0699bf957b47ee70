"""Operators that compute each element alone, and those that combine tensors of one shape."""

from collections.abc import Callable
from typing import Any

import numpy as np

from .cases import Case
from .plan import NotRepresentable, Plan, affine, batched, chain, merge


def unary(
    layer: str, fixed: dict[str, Any] | None = None, **attributes: tuple[str, Any]
) -> Callable[[Case], Plan]:
    """Return the function that plans a case as one layer of a single input.

    Args:
        layer: The type of the layer.
        fixed: Options of the layer that all cases have.
        attributes: For each further option ONNX's name of it and ONNX's default.
    """

    def plan(case: Case) -> Plan:
        options = {key: case.get(*attribute) for key, attribute in attributes.items()}
        x, y = batched(case)
        return chain(x, [{"type": layer, **(fixed or {}), **options}], y)

    return plan


def plan_neg(case: Case) -> Plan:
    x, y = batched(case)
    node, params = affine("y", x.ndim - 1, -1.0)
    return chain(x, [node], y, params)


def plan_selu(case: Case) -> Plan:
    x, y = batched(case)
    if not case.attributes:
        return chain(x, [{"type": "selu"}], y)
    elu = {"type": "elu", "alpha": case.get("alpha")}
    scale, params = affine("y", x.ndim - 1, case.get("gamma"))
    return chain(x, [elu, scale], y, params)


def plan_hard_sigmoid(case: Case) -> Plan:
    """Return a general line between 0 and 1; the slope of `hard_sigmoid` is fixed to 1/6."""
    x, y = batched(case)
    line, params = affine("line", x.ndim - 1, case.get("alpha", 0.2), case.get("beta", 0.5))
    return chain(x, [line, {"type": "clip", "min": 0.0, "max": 1.0}], y, params)


def plan_swish(case: Case) -> Plan:
    if case.get("alpha", 1.0) != 1:
        raise NotRepresentable("a factor alpha in the sigmoid, which silu lacks")
    x, y = batched(case)
    return chain(x, [{"type": "silu"}], y)


def plan_shrink(case: Case) -> Plan:
    threshold, bias = case.get("lambd", 0.5), case.get("bias", 0.0)
    if bias not in (0, threshold):
        raise NotRepresentable("a bias other than 0 and lambd")
    x, y = batched(case)
    kind = "soft_shrink" if bias else "hard_shrink"
    return chain(x, [{"type": kind, "threshold": threshold}], y)


def plan_clip(case: Case) -> Plan:
    given = {"min": case.get("min", case.input(1)), "max": case.get("max", case.input(2))}
    limits = {name: float(limit) for name, limit in given.items() if limit is not None}
    if not limits:
        raise NotRepresentable("no limit, where clip requires one")
    if limits.get("min", -np.inf) > limits.get("max", np.inf):
        raise NotRepresentable("min above max, which clip refuses")
    x, y = batched(case)
    return chain(x, [{"type": "clip", **limits}], y)


def plan_prelu(case: Case) -> Plan:
    """Return the layer for one sample, as the slopes have no batch axis."""
    x, slope = case.x, case.input(1)
    if case.opset < 7:  # Then slopes were those of the channels, not of the last axis.
        slope = slope.reshape(-1, *[1] * (x.ndim - 2))
    shape = (1,) * (x.ndim - slope.ndim) + slope.shape
    shared = [axis for axis, size in enumerate(shape, 1) if size == 1 and x.shape[axis - 1] > 1]
    layer = {"type": "prelu", "shared_axes": shared}
    return chain(x[None], [layer], case.y[None], {"y/alpha": slope.reshape(shape)})


def several(layer: str) -> Callable[[Case], Plan]:
    """Return the function that plans a case as one layer of several inputs."""

    def plan(case: Case) -> Plan:
        if len(case.inputs) == 1:
            raise NotRepresentable("one input, where layers that combine inputs need two or more")
        ranks = {x.ndim for x in case.inputs}
        if len({x.shape for x in case.inputs}) == 1 and ranks != {1}:
            return merge(case.inputs, {"type": layer}, case.y)
        return merge([x[None] for x in case.inputs], {"type": layer}, case.y[None])

    return plan


def plan_swiglu(case: Case) -> Plan:
    if case.get("alpha", 1.0) != 1:
        raise NotRepresentable("a factor alpha in the sigmoid, which swiglu lacks")
    inputs = {"gate": case.x, "value": case.input(1)}
    both = {"type": "concat", "inputs": ["input:gate", "input:value"]}
    return Plan(inputs, [both, {"type": "swiglu", "name": "y"}], {"y": case.y})


def along_axis(layer: str) -> Callable[[Case], Plan]:
    """Return the function that plans a softmax: axis 0 needs a batch of one around it."""

    def plan(case: Case) -> Plan:
        axis = case.get("axis", -1)
        axis -= case.x.ndim if axis >= 0 else 0
        x, y = case.x, case.y
        if axis == -x.ndim:
            x, y = x[None], y[None]
        return chain(x, [{"type": layer, "axis": axis}], y)

    return plan


def plan_dropout(case: Case) -> Plan:
    """Return `dropout` in evaluation, or without effect in training."""
    rate = case.get("ratio", 0.5) if case.input(1) is None else float(case.input(1))
    training = case.input(2) is not None and bool(case.input(2))
    if training and rate:
        raise NotRepresentable("random numbers of training: another generator draws others")
    x, y = batched(case)
    return Plan(
        {"input": x}, [{"type": "dropout", "name": "y", "rate": rate}], {"y": y}, {}, training
    )
