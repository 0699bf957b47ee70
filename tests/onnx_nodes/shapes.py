"""Operators that move values: shapes, axes, parts and copies. The batch is an axis of 1."""

import math
from typing import Any

import numpy as np

from .cases import Case
from .plan import NotRepresentable, Plan, chain, channels_last, merge


def _moved(case: Case, *layers: dict[str, Any]) -> Plan:
    """Return the plan of layers for one sample, which is the whole tensor."""
    return chain(case.x[None], layers, case.y[None])


def plan_concat(case: Case) -> Plan:
    axis = case.get("axis")
    axis -= case.x.ndim if axis >= 0 else 0
    inputs = [x[None] for x in case.inputs]
    return merge(inputs, {"type": "concat", "axis": axis}, case.y[None])


def plan_reshape(case: Case) -> Plan:
    target = [
        case.x.shape[axis] if size == 0 else int(size) for axis, size in enumerate(case.input(1))
    ]
    return _moved(case, {"type": "reshape", "target_shape": target})


def plan_flatten(case: Case) -> Plan:
    """Return `flatten` where one axis remains before it, the batch; else `reshape`."""
    axis = case.get("axis", 1) % case.x.ndim
    if axis == 0:
        return chain(case.x[None], [{"type": "flatten"}], case.y)
    if axis == 1:
        return chain(case.x, [{"type": "flatten"}], case.y)
    sizes = math.prod(case.x.shape[:axis]), -1
    return _moved(case, {"type": "reshape", "target_shape": sizes})


def _axes(case: Case, rank: int) -> list[int]:
    """Return the axes of the second input, counted from the batch before them."""
    return [int(axis) % rank + 1 for axis in case.input(1)]


def plan_squeeze(case: Case) -> Plan:
    return _moved(case, {"type": "squeeze", "axis": _axes(case, case.x.ndim)})


def plan_unsqueeze(case: Case) -> Plan:
    axes = sorted(_axes(case, case.y.ndim))
    return _moved(case, *[{"type": "expand_dims", "axis": axis} for axis in axes])


def plan_transpose(case: Case) -> Plan:
    order = case.get("perm", range(case.x.ndim)[::-1])
    return _moved(case, {"type": "permute", "dims": [axis + 1 for axis in order]})


def plan_slice(case: Case) -> Plan:
    starts, stops, axes, steps = (case.input(index) for index in range(1, 5))
    axes = range(len(starts)) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    return _moved(
        case,
        *[
            {
                "type": "slice",
                "axis": int(axis) % case.x.ndim + 1,
                "start": int(start),
                "stop": int(stop),
                "step": int(step),
            }
            for start, stop, axis, step in zip(starts, stops, axes, steps, strict=True)
        ],
    )


def plan_split(case: Case) -> Plan:
    axis = case.get("axis", 0) % case.x.ndim
    layer = {"type": "split", "name": "y", "axis": axis + 1}
    layer["sections"] = [part.shape[axis] for part in case.outputs]
    outputs = {f"y:{i}": part[None] for i, part in enumerate(case.outputs)}
    return Plan({"input": case.x[None]}, [layer], outputs)


def plan_tile(case: Case) -> Plan:
    return _moved(case, {"type": "tile", "repeats": [int(n) for n in case.input(1)]})


def plan_expand(case: Case) -> Plan:
    shape = (1,) * (case.y.ndim - case.x.ndim) + case.x.shape
    repeats = [big // small for big, small in zip(case.y.shape, shape, strict=True)]
    widen = {"type": "reshape", "target_shape": shape}
    return _moved(case, widen, {"type": "tile", "repeats": repeats})


def plan_gather(case: Case) -> Plan:
    """Return `embedding` for rows of a matrix, else `gather`, whose indices are constant."""
    indices, axis = case.input(1), case.get("axis", 0)
    if axis == 0 and case.x.ndim == 2:
        layer = {"type": "embedding"}
        layer |= dict(zip(("input_dim", "output_dim"), case.x.shape, strict=True))
        return chain(indices, [layer], case.y, {"y/weight": case.x})
    shape = case.x.shape[:axis] + indices.shape + case.x.shape[axis + 1 :]
    gather = {"type": "gather", "axis": axis + 1, "indices": indices.ravel().tolist()}
    return _moved(case, gather, {"type": "reshape", "target_shape": shape})


def plan_pad(case: Case) -> Plan:
    mode, value = case.get("mode", "constant"), case.get("value", case.input(2))
    axes = range(case.x.ndim) if case.input(3) is None else case.input(3)
    widths = np.zeros((case.x.ndim, 2), int)
    pads = np.asarray(case.get("pads", case.input(1)))
    widths[np.asarray(axes)] = pads.reshape(2, -1).T
    layer = {"type": "pad", "mode": mode, "pad_width": widths.tolist()}
    if value is not None:
        layer["constant_values"] = float(value)
    if (widths < 0).any():
        raise NotRepresentable("a negative width")
    return _moved(case, layer)


def plan_center_crop_pad(case: Case) -> Plan:
    """Return slices of axes that become shorter, and zeros around those that become longer."""
    axes = case.get("axes", range(case.x.ndim))
    widths = np.zeros((case.x.ndim, 2), int)
    layers = []
    for axis, size in zip(axes, case.input(1), strict=True):
        axis %= case.x.ndim
        more = int(size) - case.x.shape[axis]
        if more < 0:
            start = -more // 2
            place = {"axis": axis + 1, "start": start, "stop": start + int(size)}
            layers.append({"type": "slice", **place})
        else:
            widths[axis] = more // 2, more - more // 2
    return _moved(case, *layers, {"type": "pad", "pad_width": widths.tolist()})


def _block_order(channels: int, block: int) -> list[int]:
    """Return the channels (C, block, block) of mode CRD in the order (block, block, C) of DCR."""
    order = np.arange(channels).reshape(-1, block, block).transpose(1, 2, 0)
    return order.ravel().tolist()


def plan_depth_to_space(case: Case) -> Plan:
    x, y, block = channels_last(case.x), channels_last(case.y), case.get("blocksize")
    layers: list[dict[str, Any]] = [{"type": "depth_to_space", "block_size": block}]
    if case.get("mode", "DCR") == "CRD":
        layers.insert(0, {"type": "gather", "indices": _block_order(x.shape[-1], block)})
    return chain(x, layers, y)


def plan_space_to_depth(case: Case) -> Plan:
    x, y, block = channels_last(case.x), channels_last(case.y), case.get("blocksize")
    layers: list[dict[str, Any]] = [{"type": "space_to_depth", "block_size": block}]
    if case.get("mode", "DCR") == "CRD":
        order = np.argsort(_block_order(y.shape[-1], block)).tolist()
        layers.append({"type": "gather", "indices": order})
    return chain(x, layers, y)
