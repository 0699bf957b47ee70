"""The check of a layer that can compute a sequence one position at a time."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from tinynet.errors import ShapeError
from tinynet.layer import Array, Incremental, Shape
from tinynet.testing.arrays import Arrays, owned, require_close, require_same_bits
from tinynet.testing.checks import require
from tinynet.testing.layer_case import LayerCase, buffers
from tinynet.testing.layer_passes import has_several_outputs, output_label, output_shapes
from tinynet.testing.stand_ins import PoisonedWorkspace


def incremental(case: LayerCase) -> None:
    """Some positions at a time give the same as the whole sequence, in evaluation."""
    layer = case.trained()
    if not isinstance(layer, Incremental):
        return
    steps = case.in_shapes[0][0] if case.in_shapes[0] else 0
    try:
        layer.start_cache(case.batch, steps)
    except ShapeError:
        return  # With this config the layer cannot.
    shapes = _sequence_shapes(layer)
    for name, shape in shapes.items():
        require(
            shape[:1] == (steps,),
            f"start_cache returns a cache, but {name} has shape {shape}, not one of {steps} steps",
        )
    outputs = case.output(layer, case.context(False))
    expected = {name: outputs[name] for name in shapes}
    actual = _in_parts(case, layer, range(steps + 1))
    require_close(expected, actual, "one position at a time, by forward_next")
    if getattr(layer, "several_positions", False):
        half = steps // 2
        actual = _in_parts(case, layer, sorted({0, half, half + 1, steps}))
        require_close(expected, actual, "several positions at a time, by forward_next")


def _in_parts(case: LayerCase, layer: Any, ends: Sequence[int]) -> Arrays:
    """Return the outputs that `forward_next` computes for parts of a sequence, by their names."""
    state = {**layer.params, **buffers(layer)}
    before = {name: np.array(array) for name, array in state.items()}
    cache = layer.start_cache(case.batch, ends[-1])
    inputs, workspace, parts = case.draw(), PoisonedWorkspace(), []
    for start, stop in pairwise(ends):
        ctx = case.context(False, keep=False, workspace=workspace)
        now = tuple(owned(x[:, start:stop]) for x in inputs)
        parts.append(_copied(layer, layer.forward_next(ctx, cache, start, *now)))
        workspace.reset()
    require_same_bits(before, state, "after forward_next")
    return {
        name: np.concatenate([part[index] for part in parts], axis=1)
        for index, name in enumerate(_sequence_shapes(layer))
    }


def _sequence_shapes(layer: Any) -> dict[str, Shape]:
    """Return the shape of each output that has positions, by the output's name in messages."""
    final, shapes = tuple(getattr(layer, "final_outputs", ())), output_shapes(layer)
    others = list(getattr(layer, "out_shapes", {}))[1:]
    require(
        {*final} <= {*others},
        f"final_outputs is {final}, not names of outputs other than the main one: {others}",
    )
    return {name: shapes[name] for name in shapes if name not in map(output_label, final)}


def _copied(layer: Any, returned: Any) -> tuple[Array, ...]:
    if not has_several_outputs(layer):
        return (np.array(returned),)
    count = len(_sequence_shapes(layer))
    require(
        isinstance(returned, tuple) and len(returned) == count,
        f"forward_next does not return a tuple of {count} outputs, one for each of `out_shapes`"
        " that is not one of `final_outputs`",
    )
    return tuple(np.array(y) for y in returned)
