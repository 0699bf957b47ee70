"""Convolutions: (N, C, ...) becomes (N, ..., C), and kernels (M, C, ...) become (..., C, M)."""

from typing import Any

import numpy as np

from .cases import Case
from .plan import NotRepresentable, Plan, chain, channels_last


def one_or_list(values: Any) -> Any:
    """Return the only value, or all: layers of sequences take a number, others a list."""
    values = [int(value) for value in values]
    return values[0] if len(values) == 1 else values


def padding(case: Case, axes: int) -> Any:
    """Return the option ``padding`` of a layer with this number of spatial axes."""
    mode = case.get("auto_pad", "NOTSET")
    if mode != "NOTSET":
        return {"VALID": "valid", "SAME_UPPER": "same", "SAME_LOWER": "same_lower"}[mode]
    pads = case.get("pads", [0] * 2 * axes)
    sides = [[pads[axis], pads[axis + axes]] for axis in range(axes)]
    return sides[0] if axes == 1 else sides


def _options(case: Case, filters: int) -> tuple[int, dict[str, Any]]:
    """Return the number of spatial axes, and the options that both kinds have."""
    axes = case.x.ndim - 2
    return axes, {
        "filters": filters,
        "kernel_size": one_or_list(case.input(1).shape[2:]),
        "strides": one_or_list(case.get("strides", [1] * axes)),
        "dilation_rate": one_or_list(case.get("dilations", [1] * axes)),
        "groups": case.get("group", 1),
        "use_bias": case.input(2) is not None,
    }


def _layer(case: Case, layer: dict[str, Any]) -> Plan:
    kernel = case.input(1)
    params = {"y/weight": np.moveaxis(kernel, (0, 1), (-1, -2))}
    if case.input(2) is not None:
        params["y/bias"] = case.input(2)
    return chain(channels_last(case.x), [layer], channels_last(case.y), params)


def plan_conv(case: Case) -> Plan:
    axes, options = _options(case, case.input(1).shape[0])
    return _layer(case, {"type": f"conv{axes}d", "padding": padding(case, axes), **options})


def plan_conv_transpose(case: Case) -> Plan:
    axes, options = _options(case, case.input(1).shape[1] * case.get("group", 1))
    layer = {"type": f"conv{axes}d_transpose", "padding": padding(case, axes), **options}
    if case.get("auto_pad", "NOTSET") == "NOTSET":
        added = np.array(case.get("output_padding", [0] * axes))
        if "output_shape" in case.attributes:
            # ONNX chooses pads so that the size fits; here none is needed, but more elements.
            added = np.array(case.y.shape[2:]) - _full_size(case)
            assert (added >= 0).all(), "a case that needs pads is new"
        layer["output_padding"] = one_or_list(added)
    return _layer(case, layer)


def _full_size(case: Case) -> Any:
    """Return the size of the output without padding."""
    ones = [1] * (case.x.ndim - 2)
    strides, dilations = (np.array(case.get(name, ones)) for name in ("strides", "dilations"))
    kernel, size = np.array(case.input(1).shape[2:]), np.array(case.x.shape[2:])
    return (size - 1) * strides + (kernel - 1) * dilations + 1


def plan_causal_conv(case: Case) -> Plan:
    """Return a depthwise convolution; the state is the end of its padded input."""
    kernel, bias, past = case.input(1), case.input(2), case.input(3)
    states = kernel.shape[2] - 1
    if not states:
        raise NotRepresentable("an output without elements")
    inputs = {"x": channels_last(case.x)}
    if past is None:
        start = {"type": "zero_padding1d", "name": "padded", "padding": [states, 0]}
        start["inputs"] = "input:x"
    else:
        inputs["past"] = channels_last(past)
        start = {"type": "concat", "name": "padded", "axis": -2}
        start["inputs"] = ["input:past", "input:x"]
    layers = [
        start,
        {"type": "slice", "name": "state", "inputs": "padded", "axis": 1, "start": -states},
        {
            "type": "depthwise_conv1d",
            "name": "convolved",
            "inputs": "padded" if past is not None else "input:x",
            "padding": "valid" if past is not None else "causal",
            "kernel_size": states + 1,
            "use_bias": bias is not None,
        },
        {"type": "silu" if case.get("activation", "none") != "none" else "identity", "name": "y"},
    ]
    params = {"convolved/weight": np.moveaxis(kernel, 2, 0)}
    if bias is not None:
        params["convolved/bias"] = bias
    outputs = {"y": channels_last(case.y), "state": channels_last(case.output(1))}
    return Plan(inputs, layers, outputs, params)
