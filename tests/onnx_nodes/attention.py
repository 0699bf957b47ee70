"""Attention: `multi_head_attention` whose projections are identities, on queries, keys and values.

Keys and values are two parts of the channels of one sequence, from which the weights select them.
"""

import math
from typing import Any

import numpy as np

from .cases import Case
from .plan import NotRepresentable, Plan


def plan_attention(case: Case) -> Plan:
    _refuse(case)
    heads, groups = _heads(case)
    query, keys, values = (_joined(x) for x in case.inputs[:3])
    past = [_joined(x) for x in (case.input(4), case.input(5)) if x is not None]
    inputs = {"query": query, "source": np.concatenate([keys, values], axis=-1)}
    layers: list[dict[str, Any]] = []
    outputs = {"y": _joined(case.y)}
    source = "input:source"
    if past:
        inputs["past"] = np.concatenate(past, axis=-1)
        layers.append(
            {"type": "concat", "name": "all", "axis": -2, "inputs": ["input:past", source]}
        )
        source = "all"
        outputs["all"] = np.concatenate([_joined(x) for x in case.outputs[1:3]], axis=-1)
    mask, causal = _mask(case, query.shape[1], outputs.get("all", inputs["source"]).shape[1])
    names = ["input:query", source]
    if mask is not None:
        inputs["mask"] = mask.astype(query.dtype)
        names.append("input:mask")
    layer = {
        "type": "multi_head_attention",
        "name": "y",
        "inputs": names,
        "num_heads": heads,
        "num_key_value_heads": groups,
        "key_dim": keys.shape[-1] // groups,
        "value_dim": values.shape[-1] // groups,
        "output_dim": outputs["y"].shape[-1],
        "causal": causal,
        "use_bias": False,
    }
    size = keys.shape[-1] // groups
    scale = case.get("scale", 1 / math.sqrt(size)) * math.sqrt(size)
    both = np.eye(keys.shape[-1] + values.shape[-1])
    params = {
        "y/query_weight": np.eye(query.shape[-1]) * scale,
        "y/key_weight": both[:, : keys.shape[-1]],
        "y/value_weight": both[:, keys.shape[-1] :],
        "y/output_weight": np.eye(outputs["y"].shape[-1]),
    }
    return Plan(inputs, [*layers, layer], outputs, params)


def _refuse(case: Case) -> None:
    mask = case.input(3)
    if case.get("softcap", 0):
        raise NotRepresentable("softcap, which multi_head_attention lacks")
    if case.output(3) is not None:
        raise NotRepresentable("an output of the scores, which multi_head_attention does not have")
    if mask is not None and mask.dtype != bool and not np.isin(mask, (0, -np.inf)).all():
        raise NotRepresentable("a mask of numbers that are added to the scores")


def _heads(case: Case) -> tuple[int, int]:
    """Return the number of heads, and of heads of keys and values."""
    if case.x.ndim == 4:
        return case.x.shape[1], case.input(1).shape[1]
    return case.get("q_num_heads"), case.get("kv_num_heads")


def _joined(x: Any) -> Any:
    """Return (N, T, H * D) from (N, H, T, D)."""
    return x if x.ndim == 3 else x.swapaxes(1, 2).reshape(len(x), x.shape[2], -1)


def _mask(case: Case, steps: int, length: int) -> tuple[Any, bool]:
    """Return the mask (N, T, S) of the keys that each query may use, and the option ``causal``.

    The option is enough where the first query has the position of the first key.
    """
    mask, past, lengths = case.input(3), case.input(4), case.input(6)
    windows = case.get("left_window_size", -1), case.get("right_window_size", -1)
    allowed = np.ones((len(case.x), _heads(case)[0], steps, length), bool)
    if mask is not None:
        missing = length - mask.shape[-1]
        mask = mask if mask.dtype == bool else mask == 0
        allowed &= np.pad(mask, [(0, 0)] * (mask.ndim - 1) + [(0, missing)])
    first: Any = 0 if past is None else past.shape[2]
    if lengths is not None:
        first = (lengths - steps).reshape(-1, 1, 1, 1)
        allowed &= np.arange(length) < lengths.reshape(-1, 1, 1, 1)
    causal = bool(case.get("is_causal", 0))
    by_option = causal and past is None and lengths is None
    distance = first + np.arange(steps)[:, None] - np.arange(length)
    if causal and not by_option:
        allowed = allowed & (distance >= 0)
    for size, side in zip(windows, (distance, -distance), strict=True):
        allowed = allowed if size < 0 else allowed & (side <= size)
    if (allowed != allowed[:, :1]).any():
        raise NotRepresentable("a mask for each head, where tinynet has one for all")
    return (None if allowed.all() else allowed[:, 0]), by_option


def plan_rotary_embedding(case: Case) -> Plan:
    raise NotRepresentable(
        "tables of cosines and sines with arbitrary numbers; rotary_embedding computes its own"
    )
