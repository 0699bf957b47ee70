"""Checks of a layer's numbers: its gradients, and independence of how the batch is divided."""

import numpy as np

from tinynet.kernels.random import derive
from tinynet.testing.arrays import (
    Arrays,
    floating_point_errors,
    owned,
    require_close,
    require_finite,
)
from tinynet.testing.checks import CheckFailed
from tinynet.testing.gradients import require_gradients
from tinynet.testing.layer_case import LayerCase, mode, named_gradients, outcome
from tinynet.testing.layer_passes import Outputs, backward, forward, output_shapes
from tinynet.testing.layouts import LAYOUTS
from tinynet.types import Array

LARGE = 1e4


def gradients(case: LayerCase) -> None:
    """Gradients agree with finite differences, for every parameter and every real input."""
    for training in (True, False):
        try:
            _compare_gradients(case, training)
        except CheckFailed as failure:
            finding = _of_one_output(case, training) or str(failure)
            raise CheckFailed(f"{finding} ({mode(training)})") from failure


def batch_of_one(case: LayerCase) -> None:
    """A single sample is a batch like any other, and gives finite numbers."""
    layer = case.trained()
    for training in (True, False):
        result = case.outcome(layer, case.context(training), batch=1)
        require_finite(result, f"for a batch of one sample ({mode(training)})")
        for name, shape in output_shapes(layer).items():
            if result[name].shape != (1, *shape):
                raise CheckFailed(
                    f"for a batch of one sample {name} has shape {result[name].shape}"
                    f" instead of {(1, *shape)}"
                )


def large_values(case: LayerCase) -> None:
    """Inputs up to 10,000 give finite outputs and gradients, and no floating-point warning."""
    if case.inputs is not None:
        return  # The author has chosen the inputs: larger ones may be invalid.
    layer = case.trained()
    for training in (True, False):
        inputs, when = case.draw(scale=LARGE), f"for inputs up to {LARGE:,.0f} ({mode(training)})"
        with floating_point_errors(when):
            result = outcome(layer, case.context(training), inputs, case.dy(layer))
        require_finite(result, when)


def memory_layout(case: LayerCase) -> None:
    """Inputs and `dy` that are not contiguous give the same numbers."""
    layer = case.trained()
    for training in (True, False):
        right = case.outcome(layer, case.context(training))
        for name, arrange in LAYOUTS.items():
            inputs = tuple(arrange(x) for x in case.draw())
            dy = tuple(map(arrange, case.dy(layer)))
            result = outcome(layer, case.context(training), inputs, dy)
            require_close(right, result, f"for inputs and dy that are {name} ({mode(training)})")
        constant = tuple(np.ones(part.shape) for part in case.dy(layer))
        broadcast = tuple(np.broadcast_to(np.ones(()), part.shape) for part in constant)
        ctx, again = case.context(training), case.context(training)
        require_close(
            outcome(layer, ctx, case.draw(), constant),
            outcome(layer, again, case.draw(), broadcast),
            f"for a dy that repeats one number in memory ({mode(training)})",
        )


def per_sample(case: LayerCase) -> None:
    """With per_sample, a batch in parts gives the same numbers."""
    if not getattr(case.layer_class, "per_sample", False):
        return
    layer = case.trained()
    for training in (True, False):
        if training and draws(case, layer):
            continue  # Each part has a random stream of its own.
        whole = case.outcome(layer, case.context(training))
        when = f"per_sample is claimed, but with the batch in parts ({mode(training)})"
        require_close(whole, _in_parts(case, layer, training), when)


def _of_one_output(case: LayerCase, training: bool) -> str:
    """Return the finding about the first of several outputs whose gradient is wrong."""
    names = list(output_shapes(case.trained()))
    for number, name in enumerate(names if len(names) > 1 else ()):
        try:
            _compare_gradients(case, training, output=number)
        except CheckFailed as failure:
            return f"where dy is 0 for all but {name}, {failure}"
    return ""


def _compare_gradients(case: LayerCase, training: bool, output: int | None = None) -> None:
    """Compare the gradients of all outputs, or of one."""
    layer, inputs = case.trained(), case.draw()
    dy = tuple(d if output in (None, i) else 0 * d for i, d in enumerate(case.dy(layer)))
    ctx = case.context(training)
    _, cache = forward(layer, ctx, inputs)
    returned = named_gradients(backward(layer, ctx, cache, tuple(map(owned, dy))))

    def evaluate(values: Arrays) -> Array:
        for name, param in layer.params.items():
            param[...] = values.get(name, param)
        arrays = (owned(values.get(f"input {i}", x)) for i, x in enumerate(inputs))
        return _flat(forward(layer, case.context(training), tuple(arrays))[0])

    point, analytic = {}, {}
    floats = {f"input {i}": x for i, x in enumerate(inputs) if case.with_gradient(i, x)}
    for name, value in {**floats, **layer.params}.items():
        gradient = returned.get(f"the gradient of {name}")
        # gradient_structure reports a missing gradient, or one of a wrong shape.
        if gradient is not None and gradient.shape == value.shape:
            point[name], analytic[name] = value.copy(), gradient
    require_gradients(evaluate, point, analytic, _flat(dy), derive("directions", case.seed))


def _flat(outputs: Outputs) -> Array:
    """Return all numbers of the outputs as one vector."""
    return np.concatenate([np.ravel(y) for y in outputs])


def draws(case: LayerCase, layer: object) -> bool:
    """Return True if training uses the context's random stream."""
    # Not by comparing two seeds: few numbers, such as a mask of dropout, may be equal by chance.
    ctx = case.context(True)
    case.output(layer, ctx)
    return ctx.drawn


def _in_parts(case: LayerCase, layer: object, training: bool) -> Arrays:
    inputs, dy = case.draw(), case.dy(layer)
    parts = []
    for part in (slice(0, 1), slice(1, 3), slice(3, None)):
        ctx = case.context(training, first_sample=part.start)
        own_inputs, own_dy = (tuple(owned(x[part]) for x in arrays) for arrays in (inputs, dy))
        parts.append(outcome(layer, ctx, own_inputs, own_dy))
    rows = {*output_shapes(layer), *(f"the gradient of input {i}" for i in range(len(inputs)))}
    return {
        name: np.concatenate([part[name] for part in parts])
        if name in rows
        else np.sum([part[name] for part in parts], axis=0)
        for name in parts[0]
    }
