"""Normalizations."""

from typing import Any

import numpy as np

from .cases import Case
from .plan import Node, NotRepresentable, Plan, affine, chain, channels_last


def plan_batch_norm(case: Case) -> Plan:
    """Return `batch_norm`; its running variance is the unbiased one, ONNX's the biased one."""
    gamma, beta, mean, variance = case.inputs[1:]
    momentum = case.get("momentum", 0.9)
    layer = {
        "type": "batch_norm",
        "name": "y",
        "epsilon": case.get("epsilon", 1e-5),
        "momentum": momentum,
    }
    params = {
        "y/gamma": gamma,
        "y/beta": beta,
        "y/running_mean": mean,
        "y/running_var": variance,
    }
    x, y = channels_last(case.x), channels_last(case.y)
    if not case.get("training_mode", 0):
        return chain(x, [layer], y, params)
    number = x.size // x.shape[-1]
    kept = momentum * variance
    buffers = {
        "y/running_mean": case.output(1),
        "y/running_var": kept + (case.output(2) - kept) * number / (number - 1),
    }
    return Plan({"input": x}, [layer], {"y": y}, params, training=True, buffers=buffers)


def plan_layer_norm(case: Case) -> Plan:
    """Return `layer_norm`, and beside it the mean and the inverse deviation, if asked for."""
    rank, epsilon = case.x.ndim, case.get("epsilon", 1e-5)
    first = case.get("axis", -1) % rank
    axes = list(range(first - rank, 0))
    center = case.input(2) is not None
    layer = {"type": "layer_norm", "name": "y", "axis": axes, "epsilon": epsilon, "center": center}
    params = {"y/gamma": case.input(1)}
    if center:
        params["y/beta"] = case.input(2)
    x, *ys = (
        None if value is None else value[None] if first == 0 else value
        for value in (case.x, *case.outputs)
    )
    layers, outputs = [layer], {"y": ys[0]}
    for value, plan in zip(ys[1:], (_mean, _inverse_deviation), strict=False):
        if value is not None:
            nodes, factors = plan(axes, x.ndim - 1, epsilon)
            layers += nodes
            params |= factors
            outputs[nodes[-1]["name"]] = value
    return Plan({"input": x}, layers, outputs, params)


def _mean(axes: list[int], rank: int, epsilon: float) -> tuple[list[Node], dict[str, Any]]:
    node = {"type": "reduce_mean", "name": "mean", "axes": axes, "keepdims": True}
    return [{**node, "inputs": "input"}], {}


def _inverse_deviation(
    axes: list[int], rank: int, epsilon: float
) -> tuple[list[Node], dict[str, Any]]:
    deviation = {"type": "reduce_std", "axes": axes, "keepdims": True, "inputs": "input"}
    shift, params = affine("shifted", rank, 1.0, epsilon)
    square = {"type": "power", "exponent": 2}
    return [
        deviation,
        square,
        shift,
        {"type": "power", "name": "inverse", "exponent": -0.5},
    ], params


def plan_rms_norm(case: Case) -> Plan:
    """Return `rms_norm`, which normalizes the last axis: several axes become one before it."""
    first = case.get("axis", -1) % case.x.ndim
    x, y, gamma = case.x, case.y, case.input(1)
    if first == 0:
        x, y, first = x[None], y[None], 1
    layer = {"type": "rms_norm", "name": "norm", "epsilon": case.get("epsilon", 1e-5)}
    layers = [
        {"type": "reshape", "target_shape": [*x.shape[1:first], -1]},
        layer,
        {"type": "reshape", "target_shape": x.shape[1:]},
    ]
    return chain(x, layers, y, {"norm/gamma": np.ravel(gamma)})


def channel_norm(kind: str, **attributes: tuple[str, Any]) -> Any:
    """Return the function that plans a normalization with a gamma and beta for each channel."""

    def plan(case: Case) -> Plan:
        layer = {"type": kind, "epsilon": case.get("epsilon", 1e-5)}
        layer |= {key: case.get(*attribute) for key, attribute in attributes.items()}
        params = {"y/gamma": case.input(1), "y/beta": case.input(2)}
        return chain(channels_last(case.x), [layer], channels_last(case.y), params)

    return plan


def plan_mean_variance(case: Case) -> Plan:
    """Return `batch_norm` in training mode without parameters."""
    assert case.get("axes", [0, 2, 3]) == [0, 2, 3]
    layer = {"type": "batch_norm", "name": "y", "center": False, "scale": False, "epsilon": 1e-9}
    x, y = channels_last(case.x), channels_last(case.y)
    running = {
        "y/running_mean": np.zeros(x.shape[-1:]),
        "y/running_var": np.ones(x.shape[-1:]),
    }
    return Plan({"input": x}, [layer], {"y": y}, running, training=True)


def plan_local_response_norm(case: Case) -> Plan:
    layer = {
        "type": "local_response_norm",
        "size": case.get("size"),
        "alpha": case.get("alpha", 1e-4),
        "beta": case.get("beta", 0.75),
        "k": case.get("bias", 1.0),
    }
    return chain(channels_last(case.x), [layer], channels_last(case.y))


def plan_lp_norm(case: Case) -> Plan:
    """Return the quotient of the input and its norm along an axis."""
    p, axis = case.get("p", 2), case.get("axis", -1) % case.x.ndim + 1
    if not case.x.any(axis=axis - 1).all():
        raise NotRepresentable("a vector of zeros, which divided by its norm is not a number")
    layers = [
        {"type": "absolute"},
        {"type": "power", "exponent": p},
        {"type": "reduce_sum", "axes": axis, "keepdims": True},
        {"type": "power", "name": "norm", "exponent": 1 / p},
        {"type": "divide", "inputs": ["input", "norm"]},
    ]
    return chain(case.x[None], layers, case.y[None])
