"""Passes through a layer that has one output or several, and a gradient or none."""

from typing import Any, TypeAlias

from tinynet.layer import Array, Cache, Context, Gradients, Shape
from tinynet.testing.arrays import Arrays
from tinynet.testing.checks import require

Outputs: TypeAlias = tuple[Array, ...]
"""The outputs of a layer, (N, *out_shape) each: a single one for most layers."""

OutputGradients: TypeAlias = tuple[Array | None, ...]
"""The gradient of each output; None where no loss depends on it."""


def has_several_outputs(layer: Any) -> bool:
    """Return True if the layer returns a tuple of outputs."""
    return hasattr(layer, "out_shapes")  # `isinstance` of a protocol takes ten times as long.


def output_shapes(layer: Any) -> dict[str, Shape]:
    """Return the shape of a sample of each output, by the output's name in messages.

    Raises:
        CheckFailed: if the layer declares its outputs in another form.
    """
    if not has_several_outputs(layer):
        return {"the output": layer.out_shape}
    require(
        isinstance(layer.out_shapes, dict) and bool(layer.out_shapes),
        f"out_shapes is {layer.out_shapes!r}, not a dict of the shape of one sample of each output"
        " by its name",
    )
    return {output_label(name): shape for name, shape in layer.out_shapes.items()}


def output_label(name: str) -> str:
    """Return the name of one of several outputs in messages."""
    return f"the output {name!r}"


def is_differentiable(layer: Any) -> bool:
    """Return False if `backward` of the layer is never called."""
    return bool(getattr(layer, "differentiable", True))


def forward(layer: Any, ctx: Context, inputs: tuple[Array, ...]) -> tuple[Outputs, Cache]:
    """Return the outputs and the cache.

    Raises:
        CheckFailed: if the layer does not return as many outputs as it declares.
    """
    returned = layer.forward(ctx, *inputs)
    require(
        isinstance(returned, tuple) and len(returned) == 2,
        "forward does not return a pair (output, cache)",
    )
    outputs, cache = returned
    if not has_several_outputs(layer):
        return (outputs,), cache
    count = len(output_shapes(layer))
    require(
        isinstance(outputs, tuple) and len(outputs) == count,
        f"forward does not return a tuple of {count} outputs, one for each of `out_shapes`",
    )
    return outputs, cache


def named_outputs(layer: Any, outputs: Outputs) -> Arrays:
    """Return the outputs by their names in messages."""
    return dict(zip(output_shapes(layer), outputs, strict=True))


def backward(layer: Any, ctx: Context, cache: Cache, dy: OutputGradients) -> Gradients:
    """Return the gradients of inputs and parameters; none of a layer that is not differentiable."""
    if not is_differentiable(layer):
        return (), {}
    returned: Gradients = layer.backward(ctx, cache, dy if has_several_outputs(layer) else dy[0])
    return returned
