"""Checks of a layer with several outputs."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from tinynet.spec.parts import NAME, NAME_RULE
from tinynet.testing.arrays import require_close
from tinynet.testing.checks import CheckFailed, require
from tinynet.testing.layer_case import LayerCase, mode, named_gradients
from tinynet.testing.layer_passes import (
    OutputGradients,
    Outputs,
    backward,
    forward,
    has_several_outputs,
    is_differentiable,
    output_shapes,
)
from tinynet.text.plugin_errors import located_cause

MOST = 6
"""Outputs whose gradients are left out in every combination; of more, one or all but one."""


def out_shapes(case: LayerCase) -> None:
    """`out_shapes` names all outputs with their shapes, in their order, the main output first."""
    layer = case.layer()
    if not has_several_outputs(layer):
        return
    output_shapes(layer)  # It raises unless `out_shapes` is a dict.
    for name, shape in layer.out_shapes.items():
        valid = isinstance(name, str) and NAME.fullmatch(name)
        require(bool(valid), f"an output cannot be called {name!r}; a name is {NAME_RULE}")
        require(
            isinstance(shape, tuple) and all(type(size) is int and size > 0 for size in shape),
            f"out_shapes[{name!r}] is {shape!r}, not a tuple of positive Python integers",
        )
    main, shape = next(iter(layer.out_shapes.items()))
    require(
        shape == layer.out_shape,
        f"out_shape is {layer.out_shape}, but the first of out_shapes, {main!r}, is {shape}",
    )
    outputs, _ = forward(layer, case.context(True), case.draw())
    actual = [np.shape(y)[1:] for y in outputs]
    require(
        actual == list(layer.out_shapes.values()),
        f"forward returns outputs of the shapes {', '.join(map(str, actual))} for a sample;"
        f" out_shapes is {layer.out_shapes}",
    )


def outputs_without_gradient(case: LayerCase) -> None:
    """The gradient of any output may be None, which counts as zeros."""
    layer = case.trained()
    if not has_several_outputs(layer) or not is_differentiable(layer):
        return
    names, dy = list(output_shapes(layer)), case.dy(layer)
    for training in (True, False):
        ctx = case.context(training)
        _, cache = forward(layer, ctx, case.draw())
        for absent in _combinations(len(dy)):
            zeros: Outputs = tuple(0 * d if i in absent else d for i, d in enumerate(dy))
            nones: OutputGradients = tuple(None if i in absent else d for i, d in enumerate(dy))
            missing = " and ".join(names[index] for index in sorted(absent))
            when = f"where the gradient of {missing} is None ({mode(training)})"
            expected = named_gradients(backward(layer, ctx, cache, zeros))
            try:
                returned = backward(layer, ctx, cache, nones)
            except (Exception, SystemExit) as error:
                raise CheckFailed(f"{when}: backward raised {located_cause(error)}") from error
            require_close(expected, named_gradients(returned), when)


def _combinations(count: int) -> Iterator[set[int]]:
    """Yield the numbers of some outputs, but not of all."""
    everything = range(count)
    if count > MOST:
        yield from ({number} for number in everything)
        yield from ({*everything} - {number} for number in everything)
        return
    for size in range(1, count):
        yield from map(set, combinations(everything, size))
