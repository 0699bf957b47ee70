"""The check of a layer that can compute a sequence one position at a time."""

from typing import Any

import numpy as np

from tinynet.errors import ShapeError
from tinynet.layer import Array, Incremental
from tinynet.testing.arrays import owned, require_close, require_same_bits
from tinynet.testing.checks import require
from tinynet.testing.layer_case import LayerCase, buffers
from tinynet.testing.layer_passes import has_several_outputs, output_shapes
from tinynet.testing.stand_ins import PoisonedWorkspace


def incremental(case: LayerCase) -> None:
    """One position at a time gives the same as the whole sequence, in evaluation."""
    layer = case.trained()
    params = layer.params
    if not isinstance(layer, Incremental):
        return
    steps = case.in_shapes[0][0] if case.in_shapes[0] else 0
    try:
        cache = layer.start_cache(case.batch, steps)
    except ShapeError:
        return  # With this config the layer cannot.
    for name, shape in output_shapes(layer).items():
        require(
            shape[:1] == (steps,),
            f"start_cache returns a cache, but {name} has shape {shape}, not one of {steps} steps",
        )
    state = {**params, **buffers(layer)}
    before = {name: np.array(array) for name, array in state.items()}
    inputs, workspace, parts = case.draw(), PoisonedWorkspace(), []
    for position in range(steps):
        ctx = case.context(False, keep=False, workspace=workspace)
        now = tuple(owned(x[:, position : position + 1]) for x in inputs)
        parts.append(_copied(layer, layer.forward_next(ctx, cache, position, *now)))
        workspace.reset()
    require_same_bits(before, state, "after forward_next")
    actual = {
        name: np.concatenate([part[index] for part in parts], axis=1)
        for index, name in enumerate(output_shapes(layer))
    }
    expected = case.output(layer, case.context(False))
    require_close(expected, actual, "one position at a time, by forward_next")


def _copied(layer: Any, returned: Any) -> tuple[Array, ...]:
    outputs = returned if has_several_outputs(layer) else (returned,)
    return tuple(np.array(y) for y in outputs)
