"""The check that masked steps at the end of sequences can be left out."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from tinynet.testing.arrays import owned, require_close
from tinynet.testing.checks import CheckFailed
from tinynet.testing.layer_case import LayerCase, mode, outcome
from tinynet.testing.layer_masks import built_for, comparable_modes, without_masks
from tinynet.testing.layer_passes import output_shapes
from tinynet.testing.masks import clear_masked
from tinynet.types import Array, Shape


@dataclass(frozen=True)
class _Shortened:
    """A layer, and the same for shorter sequences.

    Attributes:
        layer: The layer.
        shorter: The layer for shorter sequences, with the same arrays.
        mask: Number of the mask.
        steps: Time steps of the layer.
        length: Time steps of the shorter layer.
        inputs: Numbers of the inputs that are shorter.
    """

    layer: Any
    shorter: Any
    mask: int
    steps: int
    length: int
    inputs: set[int]


def padding(case: LayerCase) -> None:
    """Masked steps at the end change nothing: the numbers are those of shorter sequences."""
    for pair in _shortened(case):
        for training in comparable_modes(case, pair.layer):
            try:
                _compare(case, pair, training)
            except CheckFailed as failure:
                # Some layers return the steps in reverse order: the masked ones come first.
                try:
                    _compare(case, pair, training, is_reversed=True)
                except CheckFailed:
                    raise failure from None


def _shortened(case: LayerCase) -> Iterator[_Shortened]:
    """Yield the layer and a shorter one for each mask, where there is one to compare with."""
    layer = case.trained()
    for mask in case.masks:
        (steps,) = case.in_shapes[mask]
        length = steps - max(1, steps // 3)
        inputs = _inputs_with_steps(case, steps)
        shapes = [
            (length, *shape[1:]) if index in inputs else shape
            for index, shape in enumerate(case.in_shapes)
        ]
        shorter = built_for(case, layer, shapes) if length else None
        if shorter is not None and _differ_in_steps(layer, shorter, steps, length):
            yield _Shortened(layer, shorter, mask, steps, length, inputs)


def _compare(
    case: LayerCase, pair: _Shortened, training: bool, *, is_reversed: bool = False
) -> None:
    """Raise `CheckFailed` unless both layers give the same, but for the steps that one lacks.

    With ``is_reversed`` the outputs are taken to have the steps in reverse order.
    """
    inputs, outputs = case.draw(), output_shapes(pair.layer)
    for index in case.masks.keys() & pair.inputs:
        inputs[index][:, pair.length :] = 0
    own_inputs = tuple(
        owned(x[:, : pair.length]) if index in pair.inputs else x for index, x in enumerate(inputs)
    )
    mask = inputs[pair.mask]
    mask = mask[:, ::-1] if is_reversed else mask
    dy = tuple(clear_masked(d, mask) for d in case.dy(pair.layer))
    own_dy = tuple(
        owned(d[_part((case.batch, *shape), d.shape, at_end=is_reversed)])
        for d, shape in zip(dy, output_shapes(pair.shorter).values(), strict=True)
    )
    expected = outcome(pair.shorter, case.context(training), own_inputs, own_dy)
    actual = outcome(pair.layer, case.context(training), inputs, dy)
    for name in expected.keys() & actual.keys():
        at_end = is_reversed and name in outputs
        expected[name] = _padded(expected[name], actual[name].shape, at_end=at_end)
    for name, arrays in product(outputs, (expected, actual)):
        arrays[name] = clear_masked(arrays[name], mask)
    require_close(
        without_masks(expected, case.masks),
        without_masks(actual, case.masks),
        f"with {pair.steps - pair.length} masked steps after {pair.length} steps"
        f" ({mode(training)})",
    )


def _inputs_with_steps(case: LayerCase, steps: int) -> set[int]:
    """Return the numbers of the inputs that are masks or sequences of as many time steps."""
    known = {*case.masks, *case.masks.values()}
    return {
        index
        for index, shape in enumerate(case.in_shapes)
        if shape[:1] == (steps,) and (index in known or len(shape) > 1)
    }


def _differ_in_steps(layer: Any, shorter: Any, steps: int, length: int) -> bool:
    """Return True if the outputs of the layers have the same shapes but for the time steps."""
    shapes, others = output_shapes(layer), output_shapes(shorter)
    return shapes.keys() == others.keys() and all(
        len(shape) == len(others[name])
        and all(
            a == b or (a, b) == (steps, length) for a, b in zip(shape, others[name], strict=True)
        )
        for name, shape in shapes.items()
    )


def _padded(array: Array, shape: Shape, *, at_end: bool) -> Array:
    """Return an array of a larger shape that is zero outside of the given one."""
    larger = np.zeros(shape, array.dtype)
    larger[_part(array.shape, shape, at_end=at_end)] = array
    return larger


def _part(shape: Shape, larger: Shape, *, at_end: bool) -> tuple[slice, ...]:
    """Return the slices of an array of this shape at the beginning or the end of a larger one."""
    return tuple(
        slice(whole - size, None) if at_end else slice(size)
        for size, whole in zip(shape, larger, strict=True)
    )
