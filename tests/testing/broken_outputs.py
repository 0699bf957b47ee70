"""Layers with one fault each in their several outputs, or in a gradient that is missing."""

from typing import Any

import numpy as np

from tinynet.layer import Array, Build, Cache, Context, Gradients, Shape

from .correct_layers import Affine, CenterTwice, Powers
from .faults import EVERYTHING, detected_by

Outputs = tuple[Array, ...]
OutputGradients = tuple[Array | None, ...]


@detected_by(
    "out_shapes", *EVERYTHING, finding="forward does not return a tuple of 2 outputs, one for each"
)
class ForgottenOutput(Powers):
    def forward(self, ctx: Context, x: Array) -> tuple[Outputs, Cache]:
        (scaled, _), cache = super().forward(ctx, x)
        return (scaled,), cache


@detected_by(
    "out_shapes", *EVERYTHING, finding="forward does not return a tuple of 2 outputs, one for each"
)
class ListOfOutputs(Powers):
    def forward(self, ctx: Context, x: Array) -> Any:
        outputs, cache = super().forward(ctx, x)
        return list(outputs), cache


@detected_by(
    "out_shapes",
    *EVERYTHING,
    finding=r"forward returns outputs of the shapes \(1,\), \(3,\) for a sample; out_shapes is",
)
class OutputsInAnotherOrder(Powers):
    def forward(self, ctx: Context, x: Array) -> tuple[Outputs, Cache]:
        (scaled, power), cache = super().forward(ctx, x)
        return (power, scaled), cache


@detected_by("out_shapes", finding=r"out_shape is \(1,\), but the first of out_shapes, 'scaled'")
class AnotherMainOutput(Powers):
    def __init__(self, config: Any, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self.out_shape = (1,)


@detected_by(
    "out_shapes", *EVERYTHING, finding="not a dict of the shape of one sample of each output"
)
class TupleOfShapes(Powers):
    def __init__(self, config: Any, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self.out_shapes: Any = tuple(self.out_shapes.values())


@detected_by("out_shapes", finding=r"out_shapes\['power'\] is \[1\], not a tuple of positive")
class ListAsShapeOfAnOutput(Powers):
    def __init__(self, config: Any, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self.out_shapes: Any = {**self.out_shapes, "power": [1]}


@detected_by("out_shapes", finding="an output cannot be called 'the power'; a name is up to 100")
class UnusableName(Powers):
    def __init__(self, config: Any, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self.out_shapes = {"scaled": self.out_shape, "the power": (1,)}


@detected_by("dry_build", finding=r"out_shapes is {'scaled': \(3,\)} in a dry build and {'scaled'")
class FewerOutputsInADryBuild(Powers):
    def __init__(self, config: Any, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        if build.dry:
            del self.out_shapes["power"]


@detected_by("dtypes", finding="in float32, the output 'power' is float64 instead of float32")
class SecondOutputInDouble(Powers):
    def forward(self, ctx: Context, x: Array) -> tuple[Outputs, Cache]:
        (scaled, power), cache = super().forward(ctx, x)
        return (scaled, power.astype(np.float64)), cache


@detected_by("gradients", finding="where dy is 0 for all but the output 'power', the gradient of")
class ForgetsTheGradientOfAnOutput(Powers):
    def backward(self, ctx: Context, cache: Cache, dy: OutputGradients) -> Gradients:
        return super().backward(ctx, cache, (dy[0], None))


@detected_by("gradients", finding="where dy is 0 for all but the output 'power', the gradient of")
class WrongGradientOfAnOutput(Powers):
    def backward(self, ctx: Context, cache: Cache, dy: OutputGradients) -> Gradients:
        scaled, power = dy
        return super().backward(ctx, cache, (scaled, None if power is None else 2 * power))


@detected_by(
    "outputs_without_gradient",
    "several_shards",
    finding=r"the gradient of the output 'scaled' is None \(training\): backward raised TypeError",
)
class ExpectsEveryGradient(Powers):
    def backward(self, ctx: Context, cache: Cache, dy: OutputGradients) -> Gradients:
        return super().backward(ctx, cache, tuple(part * 1 for part in dy))  # type: ignore[operator]


@detected_by(
    "outputs_without_gradient",
    "several_shards",
    finding=r"the gradient of the output 'scaled' is None \(training\): the gradient of input 0",
)
class ForgetsAGradientThatComesAlone(Powers):
    def backward(self, ctx: Context, cache: Cache, dy: OutputGradients) -> Gradients:
        (dx,), grads = super().backward(ctx, cache, dy)
        return (dx if dy[0] is not None else 0 * dx,), grads


@detected_by(
    "outputs_without_gradient",
    finding=r"the gradient of the output 'scaled' is None \(training\): the gradient of input 0",
)
class DividesByTheNumberOfGradients(Powers):
    def backward(self, ctx: Context, cache: Cache, dy: OutputGradients) -> Gradients:
        (dx,), grads = super().backward(ctx, cache, dy)
        share = sum(part is not None for part in dy) / len(dy)
        return (dx * share,), grads


@detected_by(
    "several_shards",
    finding="layer_0 .*: summarize_gradient raised TypeError: unsupported operand type",
)
class ExpectsEveryGradientInParts(CenterTwice):
    def summarize_gradient(self, ctx: Context, cache: Cache, dy: OutputGradients) -> Any:
        return super().summarize_gradient(ctx, cache, tuple(part * 1 for part in dy))  # type: ignore[operator]


@detected_by("gradient_structure", finding="differentiable is False, but there are params")
class ParametersWithoutGradient(Affine):
    differentiable = False
