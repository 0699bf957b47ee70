"""Recurrent layers: sequences (T, N, C) become (N, T, C), and gates their order in tinynet."""

from collections.abc import Callable
from typing import Any

import numpy as np

from .cases import Case
from .plan import NotRepresentable, Plan

PREFIXES = ("", "backward_")


def recurrent(layer: str, gates: list[int], **fixed: Any) -> Callable[[Case], Plan]:
    """Return the function that plans a case.

    Args:
        layer: The type of the layer.
        gates: The number in ONNX of each gate of tinynet.
        fixed: Options of the layer that all cases have.
    """

    def plan(case: Case) -> Plan:
        if case.input(7) is not None:
            raise NotRepresentable("peephole connections, which lstm lacks")
        for index, name in ((4, "sequence lengths"), (5, "an initial state")):
            assert case.input(index) is None, f"a case with {name} is new"
        assert not {"activations", "clip", "linear_before_reset"} & case.attributes.keys()
        batch_first = bool(case.get("layout", 0))
        x = case.x if batch_first else case.x.swapaxes(0, 1)
        both, backwards = (case.get("direction") == kind for kind in ("bidirectional", "reverse"))
        node = {
            "type": layer,
            "name": "rnn",
            "units": case.get("hidden_size"),
            "return_sequences": True,
            "return_state": True,
            "bidirectional": both,
            "go_backwards": backwards,
            **fixed,
        }
        layers, outputs = [node], {}
        if case.y is not None and backwards:  # ONNX keeps the order of the input.
            layers.append({"type": "slice", "name": "sequence", "axis": 1, "step": -1})
        if case.y is not None:
            outputs[layers[-1]["name"]] = _sequence(case.y, batch_first)
        for index, state in enumerate(("state", "cell"), 1):
            if case.output(index) is not None:
                outputs |= _states(case.output(index), state, batch_first)
        return Plan({"input": x}, layers, outputs, _params(case, gates))

    return plan


def _sequence(y: Any, batch_first: bool) -> Any:
    """Return (N, T, directions * H) from (T, directions, N, H)."""
    y = y.swapaxes(1, 2) if batch_first else y.transpose(2, 0, 1, 3)
    return y.reshape(*y.shape[:2], -1)


def _states(last: Any, name: str, batch_first: bool) -> dict[str, Any]:
    """Return the expected states of each direction, (N, H)."""
    last = last.swapaxes(0, 1) if batch_first else last
    return {f"rnn:{prefix}{name}": state for prefix, state in zip(PREFIXES, last, strict=False)}


def _params(case: Case, gates: list[int]) -> dict[str, Any]:
    """Return the parameters; both biases of ONNX are added, as no gate needs them apart."""
    weight, recurrent_weight, bias = case.inputs[1], case.inputs[2], case.input(3)
    directions, rows = weight.shape[:2]
    if bias is None:
        bias = np.zeros((directions, 2 * rows), weight.dtype)
    params = {}
    for direction in range(directions):
        prefix = f"rnn/{PREFIXES[direction]}"
        params[f"{prefix}weight"] = _ordered(weight[direction], gates).T
        params[f"{prefix}recurrent_weight"] = _ordered(recurrent_weight[direction], gates).T
        params[f"{prefix}bias"] = _ordered(bias[direction].reshape(2, rows).sum(axis=0), gates)
    return params


def _ordered(rows: Any, gates: list[int]) -> Any:
    """Return the rows of all gates in tinynet's order."""
    return rows.reshape(len(gates), -1, *rows.shape[1:])[gates].reshape(rows.shape)
