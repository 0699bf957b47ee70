"""Checks of a layer that takes a mask of time steps: masked steps have no effect."""

import inspect
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from tinynet.layer import Buffered
from tinynet.testing.arrays import (
    Arrays,
    floating_point_errors,
    owned,
    require_close,
    require_finite,
)
from tinynet.testing.checks import require
from tinynet.testing.layer_case import LayerCase, buffers, mode, named_gradients, outcome
from tinynet.testing.layer_numbers import LARGE, draws
from tinynet.testing.layer_passes import backward, forward, named_outputs, output_shapes
from tinynet.testing.masks import clear_masked, replace_masked
from tinynet.types import Array, Shape


def masked_values(case: LayerCase) -> None:
    """Values at masked steps change no gradient, and no output but those of masked steps."""
    for mask, sequence in case.masks.items():
        for training in (True, False):
            inputs = case.draw()
            expected = _visible_outcome(case, inputs, mask, training)
            for values, description in _other_values(case, sequence):
                x = owned(replace_masked(inputs[sequence], inputs[mask], values))
                changed = (*inputs[:sequence], x, *inputs[sequence + 1 :])
                require_close(
                    expected,
                    _visible_outcome(case, changed, mask, training),
                    f"with {description} at masked steps of input {sequence} ({mode(training)})",
                )


def masked_gradients(case: LayerCase) -> None:
    """The gradient is 0 at masked steps where `dy` is 0 there; a mask has no gradient, or zeros."""
    for mask, sequence in case.masks.items():
        for training in (True, False):
            layer, inputs, ctx = case.trained(), case.draw(), case.context(training)
            _, cache = forward(layer, ctx, inputs)
            dy = tuple(clear_masked(d, inputs[mask]) for d in case.dy(layer))
            gradients = named_gradients(backward(layer, ctx, cache, dy))
            require(
                not np.any(gradients.get(f"the gradient of input {mask}", 0)),
                f"the gradient of input {mask}, a mask, is not 0 ({mode(training)}); backward must"
                " return None or zeros for it",
            )
            name = f"the gradient of input {sequence}"
            if name in gradients:
                require_close(
                    {name: _without_masked(gradients[name], inputs[mask])},
                    {name: gradients[name]},
                    f"where dy is 0 at masked steps ({mode(training)})",
                )


def empty_mask(case: LayerCase) -> None:
    """Samples whose steps are all masked give finite numbers, and no floating-point warning."""
    layer = case.trained()
    for samples in (case.batch, 1):
        for training in (True, False):
            inputs = tuple(
                np.zeros_like(x) if index in case.masks else x
                for index, x in enumerate(case.draw(batch=samples))
            )
            dy = case.dy(layer, batch=samples)
            when = f"where all steps are masked, in a batch of {samples} ({mode(training)})"
            with floating_point_errors(when):
                result = outcome(layer, case.context(training), inputs, dy)
            require_finite(result, when)


def full_mask(case: LayerCase) -> None:
    """A mask of ones gives the same as no mask, where the layer can be built without it."""
    layer, count = case.trained(), len(case.in_shapes)
    for removed in dict.fromkeys([*((mask,) for mask in case.masks), tuple(case.masks)]):
        kept = [index for index in range(count) if index not in removed]
        other = built_for(case, layer, [case.in_shapes[index] for index in kept])
        if other is None or output_shapes(other) != output_shapes(layer):
            continue
        for training in comparable_modes(case, layer):
            inputs = [
                np.ones_like(x) if index in removed else x for index, x in enumerate(case.draw())
            ]
            dy, fewer = case.dy(layer), tuple(inputs[index] for index in kept)
            without = outcome(other, case.context(training), fewer, dy)
            require_close(
                _renumbered(without, kept),
                without_masks(outcome(layer, case.context(training), tuple(inputs), dy), removed),
                f"with a mask of ones instead of no mask ({mode(training)})",
            )


def _visible_outcome(case: LayerCase, inputs: Sequence[Array], mask: int, training: bool) -> Arrays:
    """Return outputs, gradients and buffers of one pass, with zeros where steps are masked."""
    layer, ctx, sequence = case.trained(), case.context(training), case.masks[mask]
    outputs, cache = forward(layer, ctx, tuple(inputs))
    visible = tuple(clear_masked(np.array(y), inputs[mask]) for y in outputs)
    dy = tuple(clear_masked(d, inputs[mask]) for d in case.dy(layer))
    gradients = named_gradients(backward(layer, ctx, cache, dy))
    name = f"the gradient of input {sequence}"
    if name in gradients:
        gradients[name] = _without_masked(gradients[name], inputs[mask])
    if training and isinstance(layer, Buffered):
        layer.commit(cache)
    return {
        **named_outputs(layer, visible),
        **without_masks(gradients, (mask,)),
        **{f"buffer {name}": array for name, array in buffers(layer).items()},
    }


def _other_values(case: LayerCase, sequence: int) -> Iterator[tuple[Array, str]]:
    if case.inputs is None:
        yield case.draw(variant=1)[sequence], "other values"
        yield case.draw(variant=1, scale=LARGE)[sequence], f"values up to {LARGE:,.0f}"
        return
    # Larger values than the author has chosen may be invalid. There may be few of them, so that
    # one draw is equal to another by chance.
    for variant in (1, 2, 3):
        yield case.draw(variant=variant)[sequence], "other values"


def comparable_modes(case: LayerCase, layer: Any) -> tuple[bool, ...]:
    """Return the modes in which no random numbers depend on the shapes of the inputs."""
    return (False,) if draws(case, layer) else (True, False)


def built_for(case: LayerCase, layer: Any, in_shapes: Sequence[Shape]) -> Any | None:
    """Return the layer with the same arrays for other inputs; None if it is not made for them."""
    try:
        # A constructor that ignores its inputs accepts any number of them.
        inspect.signature(case.layer_class.forward).bind("self", "ctx", *in_shapes)
        other = case.layer_class(case.config, tuple(in_shapes), case.new_build())
    except Exception:  # Layers refuse inputs with various errors.
        return None
    arrays, others = ({**one.params, **buffers(one)} for one in (layer, other))
    if {n: a.shape for n, a in arrays.items()} != {n: a.shape for n, a in others.items()}:
        return None
    for name, array in others.items():
        array[...] = arrays[name]
    return other


def _without_masked(gradient: Array, mask: Array) -> Array:
    return replace_masked(gradient, mask, np.zeros((), gradient.dtype))


def without_masks(arrays: Arrays, masks: Iterable[int]) -> Arrays:
    """Return the arrays but the gradients of masks, which may be missing."""
    dropped = {f"the gradient of input {mask}" for mask in masks}
    return {name: array for name, array in arrays.items() if name not in dropped}


def _renumbered(arrays: Arrays, kept: Sequence[int]) -> Arrays:
    """Return the arrays with the gradients of inputs named by the numbers in ``kept``."""
    names = {
        f"the gradient of input {index}": f"the gradient of input {number}"
        for index, number in enumerate(kept)
    }
    return {names.get(name, name): array for name, array in arrays.items()}
